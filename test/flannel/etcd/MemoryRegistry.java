package flannel.etcd;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.LeaseKey;
import flannel.lease.StoreEvent;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** A store in memory with honest compare-and-swap. */
final class MemoryRegistry implements LeaseRegistry {

    private final Map<String, Entry> entries = new TreeMap<>();
    private final List<Runnable> beforeNextWrite = new ArrayList<>();
    private long revision;

    /** Has something happen between a daemon's look and its write. */
    void beforeNextWrite(Runnable intruder) {
        beforeNextWrite.add(intruder);
    }

    /** Writes a lease as another host would. */
    Lease put(String subnet, LeaseAttributes attributes, Lease.Expiry expiry) {
        Lease lease = new Lease(Ipv4Subnet.parse(subnet), attributes, expiry, ++revision);
        entries.put(lease.key().name(), lease);
        return lease;
    }

    /** Writes something that is no lease. */
    void occupy(String key) {
        entries.put(key, new Entry.Occupied(new LeaseKey(key), "nonsense", ++revision));
    }

    List<Entry> entries() {
        return List.copyOf(entries.values());
    }

    List<Lease> leases() {
        return list().leases();
    }

    @Override
    public Snapshot list() {
        return new Snapshot(null, entries(), new Cursor(revision + 1, ""));
    }

    @Override
    public void watch(Cursor from, Duration atMost, Consumer<StoreEvent> sink) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive) throws LeaseConflictException {
        intrude();
        if (entries.containsKey(subnet.toKey())) {
            throw new LeaseConflictException(subnet + " exists");
        }
        return put(subnet.toString(), attributes, new Lease.At(Instant.now().plus(timeToLive)));
    }

    @Override
    public Lease update(Lease held, LeaseAttributes attributes, Duration timeToLive) throws LeaseConflictException {
        intrude();
        compare(held);
        return put(held.subnet().toString(), attributes,
                held.isReservation() ? held.expiry() : new Lease.At(Instant.now().plus(timeToLive)));
    }

    @Override
    public void delete(Lease held) throws LeaseConflictException {
        intrude();
        compare(held);
        entries.remove(held.key().name());
    }

    private void intrude() {
        List<Runnable> intruders = List.copyOf(beforeNextWrite);
        beforeNextWrite.clear();
        intruders.forEach(Runnable::run);
    }

    private void compare(Lease held) throws LeaseConflictException {
        Entry now = entries.get(held.key().name());
        if (now == null || now.asOf() != held.asOf()) {
            throw new LeaseConflictException(held.subnet() + " was written by another");
        }
    }

    @Override
    public void close() {
    }
}
