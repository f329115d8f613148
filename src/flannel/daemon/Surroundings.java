package flannel.daemon;

import flannel.lease.Lease;
import flannel.lease.StoreException;
import flannel.lease.SubnetStore;
import flannel.log.Log;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;
import java.util.random.RandomGenerator;

/**
 * What a network is handed: nothing in it is the network's to make or to close.
 *
 * @param name      of the network; empty for the only one
 * @param store     where its leases are
 * @param memory    what this host remembers of it
 * @param files     where its subnet is told
 * @param readiness what the service manager is told
 * @param queue     what the network's thread is told, in order
 * @param beside    does what takes its time, beside the network's thread
 */
record Surroundings(String name, Settings settings, SubnetStore store, NetworkMemory memory, SubnetFiles.Place files, Readiness readiness,
        BlockingQueue<Message> queue, Executor beside, Clock clock, RandomGenerator random, Log log) {

    /** Something to ask of the store, and what the network shall be told when it is done; null for nothing. */
    interface StoreCall {
        Message run() throws InterruptedException;
    }

    /** Asks it beside the network's thread, which must stay ready for the kernel: a frozen store takes seconds to give up on. */
    void ask(StoreCall call) {
        beside.execute(() -> {
            try {
                Message outcome = call.run();
                if (outcome != null) {
                    queue.put(outcome);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    /** This host's part of the network is in place, with this subnet. */
    void networkIsUp(SubnetFile subnet) {
        memory.remember(subnet);
        store.networkIsUp();
    }

    /** Gives back a lease that is of no use to this host; whether that works is not told. */
    void giveBack(Lease lease) {
        ask(() -> {
            try {
                store.giveBack(lease);
            } catch (StoreException e) {
                // written by somebody else since, or the store is away: it is met again with the next list
            }
            return null;
        });
    }
}
