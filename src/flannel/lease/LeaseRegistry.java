package flannel.lease;

import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * The store that one network's hosts share, as list and watch. Any doubt about a cursor ends the watch, and the caller lists again.
 * Calls block with a deadline of their own (a watch has none); an interrupt ends them. Safe for use by several threads.
 */
public interface LeaseRegistry extends AutoCloseable {

    /** A place in the store's history: the revision to watch from, and the cluster that it belongs to. */
    record Cursor(long revision, String cluster) {
    }

    /**
     * The store at one moment. Entries that can't be read have been left out, with one warning each.
     *
     * @param config the network's configuration (JSON text); null when there is none
     * @param cursor where to watch from so that nothing after this moment is missed
     */
    record Snapshot(String config, List<Lease> leases, Cursor cursor) {
    }

    /** One change in the store. */
    sealed interface Event {
    }

    /** @param config the new configuration; null when it was deleted */
    record ConfigChanged(String config) implements Event {
    }

    /** A lease is new, or its value or time-to-live was written. */
    record LeasePut(Lease lease) implements Event {
    }

    /** A lease was deleted or has expired. */
    record LeaseGone(Ipv4Subnet subnet) implements Event {
    }

    /** Reads everything. */
    Snapshot list() throws RegistryException, InterruptedException;

    /**
     * Hands every change from the cursor on to the sink, in order, until the cursor is no longer good: then it returns, and the caller
     * lists again (RESYNC).
     *
     * @throws RegistryException when the store can't be reached or asked; the caller waits a little and lists again
     */
    void watch(Cursor from, Consumer<Event> sink) throws RegistryException, InterruptedException;

    /**
     * Writes a lease if its key does not exist.
     *
     * @throws LeaseConflictException when the key exists
     */
    Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive) throws RegistryException, InterruptedException;

    /**
     * Writes a lease again if nobody else has since {@code held} was read: renews it, changes its value, or takes it over. A reservation
     * stays one.
     *
     * @throws LeaseConflictException when the key has changed or is gone
     */
    Lease update(Lease held, LeaseAttributes attributes, Duration timeToLive) throws RegistryException, InterruptedException;

    /**
     * Deletes a lease if nobody else has written it since {@code held} was read.
     *
     * @throws LeaseConflictException when the key has changed or is gone
     */
    void delete(Lease held) throws RegistryException, InterruptedException;

    /** Ends the calls that wait. */
    @Override
    void close();
}
