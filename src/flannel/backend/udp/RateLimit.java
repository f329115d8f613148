package flannel.backend.udp;

/** A token bucket: so many events a second, and a burst of as many at once. For one thread. */
final class RateLimit {

    private static final long SECOND_NANOS = 1_000_000_000L;

    private final long intervalNanos;
    private final long burstNanos;
    private long nextNanos;
    private boolean started;

    RateLimit(double perSecond, int burst) {
        intervalNanos = (long) (SECOND_NANOS / perSecond);
        burstNanos = (burst - 1) * intervalNanos;
    }

    /** True when one more event may happen now; counts it. */
    boolean allows(long nowNanos) {
        if (!started || nowNanos - nextNanos > burstNanos) {
            started = true;
            nextNanos = nowNanos - burstNanos;
        }
        if (nextNanos - nowNanos > 0) {
            return false;
        }
        nextNanos += intervalNanos;
        return true;
    }
}
