package flannel.lease;

import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** A store in memory with honest compare-and-swap. */
public final class MemoryRegistry implements LeaseRegistry {

    private final Map<Ipv4Subnet, Lease> leases = new TreeMap<>();
    private final List<Runnable> beforeNextWrite = new ArrayList<>();
    private long revision;

    /** Has something happen between a daemon's look and its write. */
    public void beforeNextWrite(Runnable intruder) {
        beforeNextWrite.add(intruder);
    }

    /** Writes a lease as another host would. */
    public Lease put(String subnet, LeaseAttributes attributes, Lease.Expiry expiry) {
        Ipv4Subnet key = Ipv4Subnet.parse(subnet);
        Lease lease = new Lease(key, attributes, expiry, ++revision, 0);
        leases.put(key, lease);
        return lease;
    }

    public List<Lease> leases() {
        return List.copyOf(leases.values());
    }

    @Override
    public Snapshot list() {
        return new Snapshot(null, leases(), new Cursor(revision + 1, ""));
    }

    @Override
    public void watch(Cursor from, Consumer<Event> sink) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive) throws LeaseConflictException {
        intrude();
        if (leases.containsKey(subnet)) {
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
        leases.remove(held.subnet());
    }

    private void intrude() {
        List<Runnable> intruders = List.copyOf(beforeNextWrite);
        beforeNextWrite.clear();
        intruders.forEach(Runnable::run);
    }

    private void compare(Lease held) throws LeaseConflictException {
        Lease now = leases.get(held.subnet());
        if (now == null || now.revision() != held.revision()) {
            throw new LeaseConflictException(held.subnet() + " was written by another");
        }
    }

    @Override
    public void close() {
    }
}
