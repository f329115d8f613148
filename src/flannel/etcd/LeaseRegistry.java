package flannel.etcd;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.StoreHealth;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * A network's keys in etcd, as list and watch and compare-and-swap. Any doubt about a cursor ends the watch, and the caller lists again.
 * Calls block with a deadline of their own; an interrupt ends them. Safe for use by several threads.
 */
interface LeaseRegistry extends AutoCloseable {

    /** A place in the store's history: the revision to watch from, and the cluster that it belongs to. */
    record Cursor(long revision, String cluster) {
    }

    /**
     * The store at one moment.
     *
     * @param config  the network's configuration (JSON text); null when there is none
     * @param entries what is below {@code subnets/}
     * @param cursor  where to watch from so that nothing after this moment is missed
     */
    record Snapshot(String config, List<Entry> entries, Cursor cursor) {

        List<Lease> leases() {
            return entries.stream().filter(Lease.class::isInstance).map(Lease.class::cast).toList();
        }
    }

    /**
     * Reads everything.
     *
     * @throws StoreException also when the answer does not prove that it is the store's: then nothing in it is believed
     */
    Snapshot list() throws StoreException, InterruptedException;

    /**
     * Hands every change from the cursor on to the sink, in order, until the cursor is no longer good or the time is over: then it returns,
     * and the caller lists again.
     *
     * @param atMost how long; some seconds more do not matter
     * @throws StoreException when the store can't be reached or asked; the caller waits a little and lists again
     */
    void watch(Cursor from, Duration atMost, Consumer<StoreEvent> sink) throws StoreException, InterruptedException;

    /**
     * Writes a lease if its key does not exist.
     *
     * @throws LeaseConflictException when the key exists
     */
    Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive) throws StoreException, InterruptedException;

    /**
     * Writes a lease again if nobody else has since {@code held} was read: renews it, changes its value, or takes it over. It becomes or
     * stays a reservation when {@code held} is said to be one, and else has the time-to-live from now on.
     *
     * @throws LeaseConflictException when the key has changed or is gone
     */
    Lease update(Lease held, LeaseAttributes attributes, Duration timeToLive) throws StoreException, InterruptedException;

    /**
     * Deletes a lease if nobody else has written it since {@code held} was read.
     *
     * @throws LeaseConflictException when the key has changed or is gone
     */
    void delete(Lease held) throws StoreException, InterruptedException;

    /** See {@link flannel.lease.ServedStore#withEnd}. */
    default Lease withEnd(Lease lease) throws StoreException, InterruptedException {
        return lease;
    }

    /** See {@link flannel.lease.SubnetStore#health}. */
    default StoreHealth health() {
        return StoreHealth.UNKNOWN;
    }

    /** Drops the connections there are; what waits on one goes on over another, or fails as when the network breaks. */
    default void reconnect() {
    }

    /** Ends the calls that wait. */
    @Override
    void close();
}
