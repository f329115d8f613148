package flannel.server;

import flannel.etcd.MemoryStore;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.ServedStore;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/** A store in memory as a server sees it: the etcd kind's own code above the registry. What a test does to it is followed at once. */
public final class ServedMemory implements ServedStore {

    private final MemoryStore memory = new MemoryStore(Instant::now);
    private final ServedStore store;

    public ServedMemory(Log log) {
        store = memory.client(new Random(1), log);
    }

    /** Does something to the store as another of its users would. */
    public synchronized void change(Consumer<MemoryStore> change) {
        change.accept(memory);
        notifyAll();
    }

    public synchronized List<Lease> leases() {
        return memory.leases();
    }

    @Override
    public String configPlace() {
        return store.configPlace();
    }

    @Override
    public synchronized void follow(Consumer<StoreEvent> sink) throws InterruptedException {
        MemoryStore.Follower follower = memory.follower(new Random(1));
        while (true) {
            StoreEvent event = follower.next();
            if (event == null) {
                wait();
            } else {
                sink.accept(event);
            }
        }
    }

    @Override
    public synchronized Taken take(Wish wish, Collection<Entry> known) throws StoreException, InterruptedException {
        Taken taken = store.take(wish, known);
        notifyAll();
        return taken;
    }

    @Override
    public synchronized Lease renew(Lease held, LeaseAttributes attributes) throws StoreException, InterruptedException {
        Lease lease = store.renew(held, attributes);
        notifyAll();
        return lease;
    }

    @Override
    public synchronized void giveBack(Lease held) throws StoreException, InterruptedException {
        store.giveBack(held);
        notifyAll();
    }

    @Override
    public synchronized Lease reserve(Ipv4Subnet subnet, Ipv4 publicIp) throws StoreException, InterruptedException {
        Lease lease = store.reserve(subnet, publicIp);
        notifyAll();
        return lease;
    }

    @Override
    public synchronized Lease release(Ipv4Subnet subnet) throws StoreException, InterruptedException {
        Lease lease = store.release(subnet);
        notifyAll();
        return lease;
    }

    @Override
    public synchronized Collection<Entry> read() throws StoreException, InterruptedException {
        return store.read();
    }

    @Override
    public void reconnect() {
    }

    @Override
    public void close() {
    }
}
