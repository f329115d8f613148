package flannel.daemon;

import java.time.Duration;

/** A moment at which something is to be done, or none. */
final class Alarm {

    /** When an alarm that is not set rings. */
    static final long NEVER = Long.MAX_VALUE;

    /** As long as a deadline can be without an overflow: a century. */
    private static final Duration LONGEST = Duration.ofDays(36_500);

    private final Clock clock;
    private long atNanos = NEVER;

    Alarm(Clock clock) {
        this.clock = clock;
    }

    /** Sets it anew, whatever it was set to. */
    void in(Duration wait) {
        atNanos = after(clock.nanos(), wait);
    }

    /** The moment so long after another; at the earliest that one. */
    static long after(long nanos, Duration wait) {
        return nanos + (wait.isNegative() ? Duration.ZERO : wait.compareTo(LONGEST) > 0 ? LONGEST : wait).toNanos();
    }

    void now() {
        in(Duration.ZERO);
    }

    /** Sets it, unless it is set to an earlier moment. */
    void within(Duration wait) {
        long before = atNanos;
        in(wait);
        atNanos = Math.min(before, atNanos);
    }

    void cancel() {
        atNanos = NEVER;
    }

    boolean isSet() {
        return atNanos != NEVER;
    }

    /** By the clock's nanoseconds; {@link #NEVER} when it is not set. */
    long atNanos() {
        return atNanos;
    }

    /** True once, when its moment has come. */
    boolean rings() {
        boolean due = isSet() && atNanos <= clock.nanos();
        if (due) {
            atNanos = NEVER;
        }
        return due;
    }
}
