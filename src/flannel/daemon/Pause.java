package flannel.daemon;

import java.time.Duration;
import java.util.random.RandomGenerator;

/** Between two tries of the same thing: longer each time, up to a limit, and never the same on two hosts. */
final class Pause {

    private final Duration first;
    private final Duration longest;
    private final RandomGenerator random;
    private Duration next;

    Pause(Duration first, Duration longest, RandomGenerator random) {
        this.first = first;
        this.longest = longest;
        this.random = random;
        this.next = first;
    }

    /** The next pause: between half and the whole of what it has grown to. */
    Duration next() {
        Duration whole = next;
        next = whole.multipliedBy(2).compareTo(longest) > 0 ? longest : whole.multipliedBy(2);
        return Duration.ofNanos(random.nextLong(whole.toNanos() / 2, whole.toNanos() + 1));
    }

    /** It worked: the next trouble is another one. */
    void reset() {
        next = first;
    }
}
