package flannel.backend.udp;

import java.util.HashMap;
import java.util.Map;

/**
 * What routers on the way have said about the largest packet that gets through to a host, where that is less than the interface's MTU.
 * Immutable; empty as a rule. What was heard holds for ten minutes, as in the kernel (net.ipv4.route.mtu_expires): paths change.
 */
final class PathMtus {

    static final PathMtus NONE = new PathMtus(Map.of());

    private static final long HOLD_NANOS = 600_000_000_000L;

    /** The kernel believes no smaller one either (net.ipv4.route.min_pmtu). */
    static final int SMALLEST = 552;

    private static final int MOST_HOSTS = 1024;

    private record Entry(int mtu, long untilNanos) {
    }

    private final Map<Integer, Entry> entries;

    private PathMtus(Map<Integer, Entry> entries) {
        this.entries = entries;
    }

    /** These and a new report. */
    PathMtus with(int host, int mtu, long nowNanos) {
        Map<Integer, Entry> next = new HashMap<>(entries);
        next.values().removeIf(entry -> entry.untilNanos - nowNanos < 0);
        if (next.size() < MOST_HOSTS || next.containsKey(host)) {
            next.put(host, new Entry(Math.max(mtu, SMALLEST), nowNanos + HOLD_NANOS));
        }
        return new PathMtus(Map.copyOf(next));
    }

    boolean isEmpty() {
        return entries.isEmpty();
    }

    /** Largest outer packet to that host as far as was heard; {@link Integer#MAX_VALUE} when nothing was. */
    int of(int host, long nowNanos) {
        Entry entry = entries.get(host);
        return entry == null || entry.untilNanos - nowNanos < 0 ? Integer.MAX_VALUE : entry.mtu;
    }
}
