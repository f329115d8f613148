package flannel.daemon;

import flannel.lease.Entry;
import flannel.lease.LeaseKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Slows down what changes again and again: two daemons with one address, or a tool that copies keys, may write a lease in turn dozens of
 * times a second, and each time it would be another route. A key's first changes pass at once, then one a second, and the last value wins.
 */
final class Damping {

    /** What a key has become; null when it is gone. */
    record Change(LeaseKey key, Entry entry) {
    }

    /** In the long run. */
    private static final Duration A_CHANGE = Duration.ofSeconds(1);

    /** So many changes in a row pass at once. */
    private static final int BURST = 5;

    private final Clock clock;
    /** When each key that has changed lately will have rested for all its changes. */
    private final Map<LeaseKey, Long> restedNanos = new HashMap<>();
    private final Map<LeaseKey, Entry> waiting = new LinkedHashMap<>();
    private final Alarm alarm;

    Damping(Clock clock) {
        this.clock = clock;
        alarm = new Alarm(clock);
    }

    /**
     * Whether a change may pass now. One that may not is told by {@link #due} when its time has come, unless there is another by then.
     *
     * @param entry null when the key is gone
     */
    boolean passes(LeaseKey key, Entry entry) {
        alarm.within(A_CHANGE);
        if (!waiting.containsKey(key) && spend(key)) {
            return true;
        }
        waiting.put(key, entry);
        return false;
    }

    private boolean spend(LeaseKey key) {
        long now = clock.nanos();
        long rested = Math.max(now, restedNanos.getOrDefault(key, now)) + A_CHANGE.toNanos();
        boolean has = rested - now <= BURST * A_CHANGE.toNanos();
        if (has) {
            restedNanos.put(key, rested);
        }
        return has;
    }

    /** The changes that have waited long enough. */
    List<Change> due() {
        if (!alarm.rings()) {
            return List.of();
        }
        List<Change> due = new ArrayList<>();
        waiting.forEach((key, entry) -> {
            if (spend(key)) {
                due.add(new Change(key, entry));
            }
        });
        due.forEach(change -> waiting.remove(change.key()));
        restedNanos.values().removeIf(rested -> rested <= clock.nanos());
        if (!restedNanos.isEmpty()) {
            alarm.in(A_CHANGE);
        }
        return due;
    }

    /** Nothing waits any more: everything is looked at anew. */
    void forget() {
        waiting.clear();
    }

    /** When {@link #due} has something to do next. */
    long nextNanos() {
        return alarm.atNanos();
    }
}
