package flannel.backend.aws;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** Time that passes when a test says so. */
final class VirtualClock implements InstantSource {

    private Instant now = Instant.parse("2026-11-25T02:00:00Z");

    @Override
    public synchronized Instant instant() {
        return now;
    }

    synchronized void advance(Duration duration) {
        now = now.plus(duration);
    }

    synchronized void set(Instant instant) {
        now = instant;
    }

    long nanos() {
        return Duration.between(Instant.EPOCH, instant()).toNanos();
    }
}
