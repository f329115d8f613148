package flannel.daemon;

import flannel.kernel.KernelEvent;
import flannel.kernel.Reconciler;
import flannel.kernel.Suspect;
import flannel.status.NetworkStatus.Repair;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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

    private Suspect suspect = Suspect.NONE;

    Repairs(Clock clock) {
        this.clock = clock;
        KINDS.forEach(kind -> totals.put(kind, 0L));
    }

    /** Something in the kernel was changed by somebody else, and will be compared: this is told with what has to be put back then. */
    void suspect(KernelEvent event) {
        suspect = suspect.or(Suspect.of(event));
    }

    /** Takes note of what a comparison with the kernel has put back, if anything; a sentence about it. */
    Optional<String> note(Reconciler.Comparison comparison) {
        if (comparison.changed().isEmpty()) {
            suspect = Suspect.NONE;
            return Optional.empty();
        }
        note(comparison.changed(), comparison.first(), suspect.text());
        suspect = Suspect.NONE;
        return Optional.of("Put right: " + last.getLast().what() + (last.getLast().cause().isEmpty() ? "" : ": " + last.getLast().cause()));
    }

    /** Takes note of a file that was written again. */
    void noteFile(String name) {
        note(Map.of("file", 1), name, "");
    }

    /**
     * Takes note of something.
     *
     * @param kinds of {@link #KINDS}, and how many of each; nothing is noted when there are none
     * @param first one of them, as a person would name it
     * @param cause who seems to have been it, a clause; may be empty
     */
    private void note(Map<String, Integer> kinds, String first, String cause) {
        if (kinds.isEmpty()) {
            return;
        }
        int all = kinds.values().stream().mapToInt(Integer::intValue).sum();
        kinds.forEach((kind, count) -> totals.merge(kind, (long) count, Long::sum));
        if (last.size() == KEPT) {
            last.removeFirst();
        }
        last.addLast(new Repair(clock.wallTime(), first + (all == 1 ? "" : " and " + (all - 1) + " more"), cause));
    }

    List<Repair> last() {
        return List.copyOf(last);
    }

    Map<String, Long> totals() {
        return new TreeMap<>(totals);
    }
}
