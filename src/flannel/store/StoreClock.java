package flannel.store;

import flannel.linux.BootClock;
import java.time.Duration;
import java.time.Instant;
import java.util.function.LongSupplier;

/**
 * Time as a store counts it, in milliseconds since it was made. While the server runs it goes with CLOCK_BOOTTIME, which nobody sets; from one
 * run to the next it goes on by the wall clock, but never backwards. Ends of leases are told on it, and are made times of day only for those
 * who are told.
 */
final class StoreClock {

    /** The wall clock is set when it has moved so much more, or less, than time has gone by. */
    private static final Duration SET = Duration.ofSeconds(2);

    private final LongSupplier bootNanos;
    private final LongSupplier wallMillis;
    private long aheadOfBootMillis;
    private long wallAheadOfBootMillis;

    StoreClock(LongSupplier bootNanos, LongSupplier wallMillis) {
        this.bootNanos = bootNanos;
        this.wallMillis = wallMillis;
        this.aheadOfBootMillis = -boot();
        this.wallAheadOfBootMillis = wallMillis.getAsLong() - boot();
    }

    /** This machine's. */
    static StoreClock system() {
        return new StoreClock(new BootClock()::nanos, System::currentTimeMillis);
    }

    private long boot() {
        return bootNanos.getAsLong() / 1_000_000;
    }

    /** Goes on from where an earlier run has been. */
    void resume(long thenMillis, long wallThenMillis) {
        aheadOfBootMillis = thenMillis + Math.max(0, wallMillis.getAsLong() - wallThenMillis) - boot();
    }

    long now() {
        return aheadOfBootMillis + boot();
    }

    /** Milliseconds of the wall clock. */
    long wall() {
        return wallMillis.getAsLong();
    }

    /** The time of day of a moment on this clock. */
    Instant wallTime(long moment) {
        return Instant.ofEpochMilli(moment - aheadOfBootMillis + wallAheadOfBootMillis);
    }

    /** Whether the wall clock was set since this was last asked: then every {@link #wallTime} is another. */
    boolean wasSet() {
        long ahead = wallMillis.getAsLong() - boot();
        boolean set = Math.abs(ahead - wallAheadOfBootMillis) > SET.toMillis();
        wallAheadOfBootMillis = set ? ahead : wallAheadOfBootMillis;
        return set;
    }
}
