package flannel.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** CLOCK_BOOTTIME: nobody sets it, and it goes on while the machine sleeps (clock_gettime(2)). For one thread. */
public final class BootClock {

    private static final int CLOCK_BOOTTIME = 7;    // include/uapi/linux/time.h
    private static final MemorySegment CLOCK_GETTIME = Binding.function("clock_gettime");

    /** struct timespec: time_t tv_sec, long tv_nsec. */
    private final MemorySegment timespec = Arena.ofAuto().allocate(2 * JAVA_LONG.byteSize(), JAVA_LONG.byteAlignment());

    /** Time since the machine was started, in nanoseconds. */
    public long nanos() {
        int result = Binding.call(CLOCK_GETTIME, CLOCK_BOOTTIME, Binding.pointer(timespec), 0, 0, 0);
        if (result < 0) {
            throw new IllegalStateException(new SystemCallException("clock_gettime CLOCK_BOOTTIME", -result));
        }
        return timespec.getAtIndex(JAVA_LONG, 0) * 1_000_000_000L + timespec.getAtIndex(JAVA_LONG, 1);
    }
}
