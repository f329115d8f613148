package flannel.daemon;

import java.time.Duration;
import java.time.Instant;

/** Time that goes when a test says so; the wall clock can be set apart from it. */
final class VirtualTime implements Clock {

    private long nanos = 1_000_000_000L;
    private Instant wall = Instant.parse("2026-11-22T10:00:00Z");

    @Override
    public long nanos() {
        return nanos;
    }

    @Override
    public Instant wallTime() {
        return wall;
    }

    void advance(Duration duration) {
        nanos += duration.toNanos();
        wall = wall.plus(duration);
    }

    void advanceTo(long target) {
        if (target > nanos) {
            advance(Duration.ofNanos(target - nanos));
        }
    }

    /** Somebody sets the clock. */
    void setWall(Duration by) {
        wall = wall.plus(by);
    }
}
