package flannel.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * How this package calls functions of the C library. A result is in the kernel's own convention: not negative, or minus the error number.
 * So no error number is ever read after the fact, and failing costs no exception in a packet loop.
 *
 * <p>To link a type of function costs some 10 ms of every start, a tenth of a second for all that are called here. Therefore they are
 * linked as two types only. On x86-64 and aarch64 the first six integers and pointers are passed in registers, wide ones as narrow ones,
 * named ones as variable ones; a function does not see those it does not take, and its result's upper half is cut off. (System V ABI,
 * AMD64 supplement, 3.2.3; AAPCS64, 6.4.) Every count that Linux returns fits an int: it transfers 0x7ffff000 bytes at most.
 */
final class Binding {

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
    private static final long ERRNO = CALL_STATE.byteOffset(StructLayout.PathElement.groupElement("errno"));
    private static final Linker.Option CAPTURE_ERRNO = Linker.Option.captureCallState("errno");

    private static final MethodHandle NUMBERS = LINKER.downcallHandle(
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG), CAPTURE_ERRNO);
    private static final MethodHandle BUFFERS = LINKER.downcallHandle(
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG), CAPTURE_ERRNO);

    /** errno belongs to a thread, so the place it is captured in does too. */
    private static final ThreadLocal<MemorySegment> STATE = ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CALL_STATE));

    private Binding() {
    }

    /** A function of libc. */
    static MemorySegment function(String name) {
        return LINKER.defaultLookup().find(name)
                .orElseThrow(() -> new UnsupportedOperationException("the C library has no function " + name));
    }

    /** Calls a function with numbers and {@link #pointer}s. */
    static int call(MemorySegment function, long a, long b, long c, long d, long e) {
        MemorySegment state = STATE.get();
        try {
            return result((int) (long) NUMBERS.invokeExact(function, state, a, b, c, d, e), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** Calls a function whose second argument is a buffer, and perhaps its fifth: both stay in being while the call lasts. */
    static int transfer(MemorySegment function, int fd, MemorySegment buffer, long c, long d, MemorySegment e, long f) {
        MemorySegment state = STATE.get();
        try {
            return result((int) (long) BUFFERS.invokeExact(function, state, (long) fd, buffer, c, d, e, f), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    static int transfer(MemorySegment function, int fd, MemorySegment buffer, long c, long d) {
        return transfer(function, fd, buffer, c, d, MemorySegment.NULL, 0);
    }

    /** A pointer as a number, to memory that no other thread frees while the call lasts. */
    static long pointer(MemorySegment segment) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException("not outside the heap: " + segment);
        }
        return segment.address();
    }

    private static int result(int returned, MemorySegment state) {
        return returned >= 0 ? returned : -state.get(ValueLayout.JAVA_INT, ERRNO);
    }
}
