package flannel.daemon;

import flannel.status.NetworkStatus.Repair;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What was put back on this host for one network, since others removed or changed it. For the session's thread only. */
final class Repairs {

    /** How many of the last are kept. */
    private static final int KEPT = 20;

    /** All kinds of things that are put back; so that a count stands at 0 before the first. */
    static final List<String> KINDS = List.of("address", "fdb", "file", "iptables", "link", "neighbour", "route");

    private final Clock clock;
    private final Deque<Repair> last = new ArrayDeque<>();
    private final Map<String, Long> totals = new TreeMap<>();

    Repairs(Clock clock) {
        this.clock = clock;
        KINDS.forEach(kind -> totals.put(kind, 0L));
    }

    /**
     * Takes note of one.
     *
     * @param kinds of {@link #KINDS}, and how many of each; nothing is noted when there are none
     * @param first one of them, as a person would name it
     */
    void note(Map<String, Integer> kinds, String first) {
        if (kinds.isEmpty()) {
            return;
        }
        int all = kinds.values().stream().mapToInt(Integer::intValue).sum();
        kinds.forEach((kind, count) -> totals.merge(kind, (long) count, Long::sum));
        if (last.size() == KEPT) {
            last.removeFirst();
        }
        last.addLast(new Repair(clock.wallTime(), first + (all == 1 ? "" : " and " + (all - 1) + " more")));
    }

    List<Repair> last() {
        return List.copyOf(last);
    }

    Map<String, Long> totals() {
        return new TreeMap<>(totals);
    }
}
