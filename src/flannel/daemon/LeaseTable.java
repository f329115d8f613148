package flannel.daemon;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseKey;
import flannel.lease.StoreEvent.Listed;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
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
 * <em>kept</em>, and so is what somebody made unreadable, for its host has not said anything else: a kept lease goes when its own time is over,
 * when another value takes its place, or when its host shows that it has moved on.
 */
final class LeaseTable {

    /** How long a lease whose end is not known is kept: what every flannel gives a lease. */
    private static final Duration UNKNOWN_REST = Duration.ofHours(24);

    /**
     * A bound against a store that is written full: a fifth more than the largest network measured. With vxlan's three kernel entries each,
     * the largest values, and a list of others just read, these take two thirds of the heap.
     */
    static final int MOST_ENTRIES = 12_000;

    /** What became known: entries that are new or other than before, in the order of their writing; keys that are gone. */
    record Changes(List<Entry> put, List<LeaseKey> gone) {

        private Changes() {
            this(new ArrayList<>(), new ArrayList<>());
        }
    }

    /** @param endNanos when a lease with an end of its own ends, by the clock's nanoseconds: its expiry is by the time of day, which may be set */
    private record Known(Entry entry, long endNanos) {
    }

    /** Both clocks, read once for however many entries. */
    private record Reading(long nanos, Instant wallTime) {

        long nanosOf(Lease.Expiry expiry) {
            return expiry instanceof Lease.At(Instant end) ? Alarm.after(nanos, Duration.between(wallTime, end)) : Alarm.NEVER;
        }
    }

    private final Clock clock;
    /** In the order in which they were written, as far as known. */
    private final Map<LeaseKey, Known> known = new LinkedHashMap<>();
    /** The keys that the store in doubt no longer has, or no longer readable, and their leases' ends. */
    private final Map<LeaseKey, Alarm> kept = new HashMap<>();
    /** Of the kept ones those that are in the store and can't be read there any more, as they stand. */
    private final Map<LeaseKey, Entry.Occupied> garbled = new HashMap<>();
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
        Set<LeaseKey> now = HashSet.newHashSet(list.entries().size());
        list.entries().forEach(entry -> now.add(entry.key()));
        continued = list.continued() && list.entries().stream().noneMatch(entry -> rewritesHistory(entry, own));
        doubtful = !continued || own.isPresent() && known.size() > 1 && now.isEmpty();
        for (LeaseKey key : List.copyOf(known.keySet())) {
            if (!now.contains(key)) {
                missing(key, own, changes);
            }
        }
        full = false;
        List<Entry> byAge = new ArrayList<>(list.entries());
        byAge.sort(Comparator.comparingLong(Entry::asOf));
        Reading read = new Reading(clock.nanos(), clock.wallTime());
        for (boolean ours : List.of(true, false)) { // this host's own has room always
            for (Entry entry : byAge) {
                if (isOwn(entry.key(), own) == ours) {
                    put(entry, own, read, changes);
                }
            }
        }
        doubtful = list.config() == null && !known.isEmpty();
        return changes;
    }

    /** A value older than one known, or another of the same age: a store restored from a backup, and written to since. */
    private boolean rewritesHistory(Entry entry, Optional<LeaseKey> own) {
        Entry before = get(entry.key());
        if (before == null || kept.containsKey(entry.key())) {
            return false;
        }
        // of the own lease a newer value may be known than the list has: from the answer to a write
        return entry.asOf() < before.asOf() && !isOwn(entry.key(), own)
                || entry.asOf() == before.asOf() && !saysTheSame(entry, before);
    }

    private static boolean isOwn(LeaseKey key, Optional<LeaseKey> own) {
        return own.isPresent() && own.get().equals(key);
    }

    /** Whether the last list goes on from what was known before. */
    boolean isContinued() {
        return continued;
    }

    private void missing(LeaseKey key, Optional<LeaseKey> own, Changes changes) {
        if (kept.containsKey(key) && garbled.remove(key) == null) {
            return; // as before
        }
        if (doubtful && get(key) instanceof Lease lease && !isOwn(key, own)) {
            keep(lease);
        } else {
            remove(key, changes);
        }
    }

    private void keep(Lease lease) {
        if (kept.containsKey(lease.key())) {
            return;
        }
        Alarm end = new Alarm(clock);
        switch (lease.expiry()) {
            case Lease.Never never -> end.in(UNKNOWN_REST);
            case Lease.At at -> end.in(Duration.ofNanos(known.get(lease.key()).endNanos() - clock.nanos()));
            case Lease.Unknown unknown -> end.in(UNKNOWN_REST);
        }
        kept.put(lease.key(), end);
        nextEndNanos = Math.min(nextEndNanos, end.atNanos());
    }

    /** @param own see {@link #listed} */
    Changes put(Entry entry, Optional<LeaseKey> own) {
        Changes changes = new Changes();
        put(entry, own, new Reading(clock.nanos(), clock.wallTime()), changes);
        return changes;
    }

    private void put(Entry entry, Optional<LeaseKey> own, Reading read, Changes changes) {
        Entry before = get(entry.key());
        if (entry instanceof Entry.Occupied occupied && before instanceof Lease lease && !isOwn(entry.key(), own)) {
            keep(lease);
            if (!occupied.equals(garbled.put(entry.key(), occupied))) {
                changes.put().add(occupied);
            }
            return;
        }
        kept.remove(entry.key());
        garbled.remove(entry.key());
        if (before == null && known.size() >= MOST_ENTRIES) {
            full = true;
            return;
        }
        if (before != null && before.asOf() != entry.asOf()) {
            known.remove(entry.key()); // to its place at the end
        }
        known.put(entry.key(), new Known(entry, entry instanceof Lease lease ? read.nanosOf(lease.expiry()) : Alarm.NEVER));
        if (!saysTheSame(entry, before)) {
            changes.put().add(entry);
        }
        if (entry instanceof Lease lease && !kept.isEmpty()) {
            kept.keySet().stream().filter(key -> isOvertaken((Lease) get(key), lease)).toList()
                    .forEach(key -> remove(key, changes));
        }
    }

    private static boolean saysTheSame(Entry now, Entry before) {
        return switch (now) {
            case Lease lease -> before instanceof Lease earlier && lease.attributes().equals(earlier.attributes());
            case Entry.Occupied occupied -> before instanceof Entry.Occupied earlier && occupied.why().equals(earlier.why());
        };
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
        if (known.containsKey(key)) {
            missing(key, own, changes);
        }
        return changes;
    }

    private void remove(LeaseKey key, Changes changes) {
        Entry.Occupied inItsPlace = garbled.remove(key);
        if (inItsPlace == null) {
            known.remove(key);
        } else {
            known.put(key, new Known(inItsPlace, Alarm.NEVER));
        }
        kept.remove(key);
        changes.gone().add(key);
    }

    /** The config was written or deleted: whoever empties a store takes it along, and what is told of leases then proves nothing. */
    void config(String text) {
        doubtful = text == null && !known.isEmpty();
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
        Known one = known.get(key);
        return one == null ? null : one.entry();
    }

    List<Entry> entries() {
        List<Entry> entries = new ArrayList<>(known.size());
        known.values().forEach(one -> entries.add(one.entry()));
        return entries;
    }

    List<Lease> leases() {
        return entries().stream().filter(Lease.class::isInstance).map(Lease.class::cast).toList();
    }

    boolean isKept(LeaseKey key) {
        return kept.containsKey(key);
    }

    /** Without those that are in the store, though unreadable. */
    int keptCount() {
        return kept.size() - garbled.size();
    }

    Set<Ipv4Subnet> keptSubnets() {
        return kept.keySet().stream().map(key -> ((Lease) get(key)).subnet()).collect(Collectors.toSet());
    }

    /** True when the last list had more entries than are followed, or a new one had no room since. */
    boolean isFull() {
        return full;
    }
}
