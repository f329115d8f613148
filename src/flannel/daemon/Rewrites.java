package flannel.daemon;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** How often this host had to write its lease again because somebody changed it: at once the first times, then ever more slowly. */
final class Rewrites {

    /** So many are a mistake that somebody mends; more are a fight. */
    private static final int FEW = 3;

    /** After so long without one the next is the first. */
    private static final Duration CALM = Duration.ofMinutes(10);

    private final Alarm calm;
    private final Pause pause;
    private int count;

    Rewrites(Clock clock, RandomGenerator random) {
        calm = new Alarm(clock);
        pause = new Pause(Duration.ofMillis(500), Duration.ofSeconds(15), random);
    }

    /** One more is to be done; answers how long to wait before it. */
    Duration next() {
        count++;
        calm.in(CALM);
        return count <= FEW ? Duration.ZERO : pause.next();
    }

    int count() {
        return count;
    }

    /** Whether it is a fight by now, which a rival without a claim of its own would have given up. */
    boolean areMany() {
        return count >= FEW;
    }

    /** Whether the last one is worth a line in the log. */
    boolean isNews() {
        return count <= FEW || Integer.bitCount(count) == 1;
    }

    void timers() {
        if (calm.rings()) {
            count = 0;
            pause.reset();
        }
    }

    long nextNanos() {
        return calm.atNanos();
    }
}
