package flannel.etcd;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.LeaseKey;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** A store in memory with honest compare-and-swap and a history, that can be emptied, restored and cut off. */
final class MemoryRegistry implements LeaseRegistry {

    /** One change: what a watch tells of it. */
    record Change(long revision, StoreEvent event) {
    }

    private final Supplier<Instant> wallTime;
    private final Map<String, Entry> entries = new TreeMap<>();
    private final List<Change> history = new ArrayList<>();
    private final List<Runnable> beforeNextWrite = new ArrayList<>();
    private String config;
    private String cluster = "1";
    private long revision;
    /** Why nobody can reach it; null when everybody can. */
    private String trouble;
    private boolean losesAnswer;

    MemoryRegistry() {
        this(Instant::now);
    }

    /** @param wallTime by which the ends of leases are told */
    MemoryRegistry(Supplier<Instant> wallTime) {
        this.wallTime = wallTime;
    }

    // ---- what others do to it ----

    /** Has something happen between a daemon's look and its write. */
    void beforeNextWrite(Runnable intruder) {
        beforeNextWrite.add(intruder);
    }

    void config(String text) {
        config = text;
        tell(new StoreEvent.ConfigChanged(text));
    }

    /** Writes a lease as another host would. */
    Lease put(String subnet, LeaseAttributes attributes, Lease.Expiry expiry) {
        Lease lease = new Lease(Ipv4Subnet.parse(subnet), attributes, expiry, revision + 1);
        put(lease);
        return lease;
    }

    /** Writes something that is no lease. */
    void occupy(String key) {
        put(new Entry.Occupied(new LeaseKey(key), "nonsense", revision + 1));
    }

    void put(Entry entry) {
        entries.put(entry.key().name(), entry);
        tell(new StoreEvent.Put(entry));
    }

    void remove(String key) {
        if (entries.remove(key) != null) {
            tell(new StoreEvent.Gone(new LeaseKey(key)));
        }
    }

    private void tell(StoreEvent event) {
        history.add(new Change(++revision, event));
    }

    /** Makes it another store, with nothing in it. */
    void wipe() {
        cluster += "'";
        restore(new State(null, Map.of(), 0));
    }

    /** What a backup holds. */
    record State(String config, Map<String, Entry> entries, long revision) {
    }

    State backup() {
        return new State(config, Map.copyOf(entries), revision);
    }

    void restore(State state) {
        config = state.config();
        entries.clear();
        entries.putAll(state.entries());
        revision = state.revision();
        history.clear();
    }

    void trouble(String reason) {
        trouble = reason;
    }

    /** The next write happens, and nobody is told that it has. */
    void loseNextAnswer() {
        losesAnswer = true;
    }

    private <T> T answer(T answer) throws StoreException {
        if (losesAnswer) {
            losesAnswer = false;
            throw new StoreException("a write was not confirmed");
        }
        return answer;
    }

    // ---- what hosts see of it ----

    List<Entry> entries() {
        return List.copyOf(entries.values());
    }

    List<Lease> leases() {
        return new Snapshot(config, entries(), new Cursor(0, "")).leases();
    }

    @Override
    public Snapshot list() throws StoreException {
        reach();
        return new Snapshot(config, entries(), new Cursor(revision + 1, cluster));
    }

    /** The next change from a cursor on; null when there is none yet. Empty when the cursor is no longer good. */
    List<Change> after(Cursor from) throws StoreException {
        reach();
        if (!from.cluster().equals(cluster) || from.revision() > revision + 1 || revision >= from.revision()
                && (history.isEmpty() || history.getFirst().revision() > from.revision())) {
            return List.of();
        }
        return history.stream().filter(change -> change.revision() >= from.revision()).findFirst().map(List::of).orElse(null);
    }

    @Override
    public void watch(Cursor from, Duration atMost, Consumer<StoreEvent> sink) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive) throws StoreException {
        intrude();
        if (entries.containsKey(subnet.toKey())) {
            throw new LeaseConflictException(subnet + " exists");
        }
        return answer(put(subnet.toString(), attributes, in(timeToLive)));
    }

    @Override
    public Lease update(Lease held, LeaseAttributes attributes, Duration timeToLive) throws StoreException {
        intrude();
        compare(held);
        return answer(put(held.subnet().toString(), attributes, held.isReservation() ? new Lease.Never() : in(timeToLive)));
    }

    private Lease.Expiry in(Duration timeToLive) {
        return new Lease.At(wallTime.get().plus(timeToLive));
    }

    @Override
    public void delete(Lease held) throws StoreException {
        intrude();
        compare(held);
        remove(held.key().name());
        answer(null);
    }

    private void intrude() throws StoreException {
        List<Runnable> intruders = List.copyOf(beforeNextWrite);
        beforeNextWrite.clear();
        intruders.forEach(Runnable::run);
        reach();
    }

    private void reach() throws StoreException {
        if (trouble != null) {
            throw new StoreException(trouble);
        }
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
