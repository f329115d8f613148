package flannel.daemon;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseKey;
import flannel.lease.StoreEvent.Listed;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The entries of a network's store as this host believes them. What a store in doubt no longer has (emptied, restored, another one) is
 * <em>kept</em>: a kept lease goes when its own time is over, when another value takes its place, or when its host shows that it has moved on.
 */
final class LeaseTable {

    /** How long a lease whose end is not known is kept: what every flannel gives a lease. */
    private static final Duration UNKNOWN_REST = Duration.ofHours(24);

    /** More than any network within the heap's reach has: a bound against a store that is written full. */
    private static final int MOST_ENTRIES = 20_000;

    /** What became known: entries that are new or other than before, in the order of their writing; keys that are gone. */
    record Changes(List<Entry> put, List<LeaseKey> gone) {

        private Changes() {
            this(new ArrayList<>(), new ArrayList<>());
        }
    }

    private final Clock clock;
    /** In the order in which they were written, as far as known. */
    private final Map<LeaseKey, Entry> entries = new LinkedHashMap<>();
    /** When a lease with an end of its own ends. */
    private final Map<LeaseKey, Long> endNanos = new HashMap<>();
    /** The keys that the store in doubt no longer has, and their leases' ends. */
    private final Map<LeaseKey, Alarm> kept = new HashMap<>();
    private long nextEndNanos = Alarm.NEVER;
    private boolean continued;
    private boolean doubtful;
    private boolean full;

    LeaseTable(Clock clock) {
        this.clock = clock;
    }

    /**
     * Takes a whole list in. What is missing from it is gone only if the store is known to be the same and whole.
     *
     * @param own key of the lease that this host holds: what became of that one is for its owner to judge, it is never kept
     */
    Changes listed(Listed list, Optional<LeaseKey> own) {
        Changes changes = new Changes();
        Set<LeaseKey> now = list.entries().stream().map(Entry::key).collect(Collectors.toCollection(HashSet::new));
        continued = list.continued() && list.entries().stream().noneMatch(entry -> rewritesHistory(entry, own));
        doubtful = !continued || own.isPresent() && entries.size() > 1 && now.isEmpty();
        for (LeaseKey key : List.copyOf(entries.keySet())) {
            if (!now.contains(key)) {
                missing(key, own, changes);
            }
        }
        list.entries().stream().sorted(Comparator.comparingLong(Entry::asOf)).forEach(entry -> put(entry, changes));
        doubtful = list.config() == null && !entries.isEmpty();
        return changes;
    }

    /** A value older than one known, or another of the same age: a store restored from a backup, and written to since. */
    private boolean rewritesHistory(Entry entry, Optional<LeaseKey> own) {
        Entry before = entries.get(entry.key());
        if (before == null || kept.containsKey(entry.key())) {
            return false;
        }
        // of the own lease a newer value may be known than the list has: from the answer to a write
        return entry.asOf() < before.asOf() && own.filter(entry.key()::equals).isEmpty()
                || entry.asOf() == before.asOf() && !saysTheSame(entry, before);
    }

    /** Whether the last list goes on from what was known before. */
    boolean isContinued() {
        return continued;
    }

    private void missing(LeaseKey key, Optional<LeaseKey> own, Changes changes) {
        if (kept.containsKey(key)) {
            return;
        }
        if (doubtful && entries.get(key) instanceof Lease lease && own.filter(key::equals).isEmpty()) {
            keep(lease);
        } else {
            remove(key, changes);
        }
    }

    private void keep(Lease lease) {
        Alarm end = new Alarm(clock);
        switch (lease.expiry()) {
            case Lease.Never never -> end.in(UNKNOWN_REST);
            case Lease.At at -> end.in(Duration.ofNanos(endNanos.get(lease.key()) - clock.nanos()));
            case Lease.Unknown unknown -> end.in(UNKNOWN_REST);
        }
        kept.put(lease.key(), end);
        nextEndNanos = Math.min(nextEndNanos, end.atNanos());
    }

    Changes put(Entry entry) {
        Changes changes = new Changes();
        put(entry, changes);
        return changes;
    }

    private void put(Entry entry, Changes changes) {
        Entry before = entries.get(entry.key());
        kept.remove(entry.key());
        if (before == null && entries.size() >= MOST_ENTRIES) {
            full = true;
            return;
        }
        if (entry instanceof Lease lease && lease.expiry() instanceof Lease.At(var end)) {
            Alarm ends = new Alarm(clock);
            ends.in(Duration.between(clock.wallTime(), end));
            endNanos.put(entry.key(), ends.atNanos());
        }
        if (before != null && before.asOf() != entry.asOf()) {
            entries.remove(entry.key()); // to its place at the end
        }
        entries.put(entry.key(), entry);
        if (!saysTheSame(entry, before)) {
            changes.put().add(entry);
        }
        if (entry instanceof Lease lease) {
            kept.keySet().stream().filter(key -> isOvertaken((Lease) entries.get(key), lease)).toList()
                    .forEach(key -> remove(key, changes));
        }
    }

    private static boolean saysTheSame(Entry now, Entry before) {
        return now instanceof Lease lease && before instanceof Lease earlier ? lease.attributes().equals(earlier.attributes())
                : now.equals(before);
    }

    /** Whether a kept lease's host has written another one since, or its subnet is somebody else's. */
    private static boolean isOvertaken(Lease old, Lease now) {
        boolean sameHost = old.attributes().node().isEmpty() ? old.attributes().publicIp().equals(now.attributes().publicIp())
                : old.attributes().node().equals(now.attributes().node());
        return sameHost || old.subnet().overlaps(now.subnet());
    }

    /** A key was told to be gone. While the store is in doubt that does not prove it. */
    Changes gone(LeaseKey key, Optional<LeaseKey> own) {
        Changes changes = new Changes();
        if (entries.containsKey(key)) {
            missing(key, own, changes);
        }
        return changes;
    }

    private void remove(LeaseKey key, Changes changes) {
        entries.remove(key);
        kept.remove(key);
        endNanos.remove(key);
        changes.gone().add(key);
        full &= entries.size() >= MOST_ENTRIES;
    }

    /** The config was written or deleted: whoever empties a store takes it along, and what is told of leases then proves nothing. */
    void config(String text) {
        doubtful = text == null && !entries.isEmpty();
    }

    /** What has come to its end while it was kept. */
    Changes ended() {
        Changes changes = new Changes();
        kept.entrySet().stream().filter(each -> each.getValue().rings()).map(Map.Entry::getKey).toList()
                .forEach(key -> remove(key, changes));
        nextEndNanos = kept.values().stream().mapToLong(Alarm::atNanos).min().orElse(Alarm.NEVER);
        return changes;
    }

    /** When {@link #ended} may have something to tell next, by the clock's nanoseconds. */
    long nextEndNanos() {
        return nextEndNanos;
    }

    /** Null when there is none. */
    Entry get(LeaseKey key) {
        return entries.get(key);
    }

    Collection<Entry> entries() {
        return entries.values();
    }

    List<Lease> leases() {
        return entries.values().stream().filter(Lease.class::isInstance).map(Lease.class::cast).toList();
    }

    boolean isKept(LeaseKey key) {
        return kept.containsKey(key);
    }

    int keptCount() {
        return kept.size();
    }

    Set<Ipv4Subnet> keptSubnets() {
        return kept.keySet().stream().map(key -> ((Lease) entries.get(key)).subnet()).collect(Collectors.toSet());
    }

    /** True when the store has more entries than are followed. */
    boolean isFull() {
        return full;
    }
}
