package flannel.backend.cloud;

import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * Whose turn it is to remove a dead host's route. All hosts reckon out the same order, another one for each route; each has a while before it
 * is the next one's turn. So one host does it, and when that one can't, another.
 */
final class Turns {

    /** Longer than any host's next look at the tables takes to come. */
    private static final Duration TURN = Duration.ofMinutes(10);

    private final LongSupplier nanoTime;
    /** When a dead route was first seen, by table and name: at the last look, and at this one so far. */
    private Map<String, Long> since = Map.of();
    private Map<String, Long> now = new HashMap<>();

    Turns(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** A new look at the tables begins: what is not seen in it is forgotten. */
    void look() {
        since = now;
        now = new HashMap<>();
    }

    /** Whether it is this host's turn, or was: those that come first have had their time. */
    boolean isOurs(RouteTable table, CloudRoute route, LeaseView view) {
        String key = table.id() + " " + route.name();
        long seen = since.getOrDefault(key, nanoTime.getAsLong());
        now.put(key, seen);
        long own = place(route.destination(), view.own());
        long before = view.others().stream().filter(other -> place(route.destination(), other) < own).count();
        return nanoTime.getAsLong() - seen >= before * TURN.toNanos();
    }

    private static long place(Ipv4Subnet route, Ipv4Subnet host) {
        long mixed = (long) route.base().bits() << 32 ^ Integer.toUnsignedLong(host.base().bits());
        mixed = (mixed ^ mixed >>> 30) * 0xBF58476D1CE4E5B9L;       // the finalizer of SplittableRandom
        mixed = (mixed ^ mixed >>> 27) * 0x94D049BB133111EBL;
        return mixed ^ mixed >>> 31;
    }
}
