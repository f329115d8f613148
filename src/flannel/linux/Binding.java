package flannel.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * How this package binds functions of the C library. Each is a {@code static final} handle made by {@link #function};
 * it takes {@link #callState()} first, and {@link #result} turns its return value into the kernel's own convention: not negative, or minus
 * the error number. So no error number is ever read after the fact, and failing costs no exception in a packet loop.
 */
final class Binding {

    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
    private static final long ERRNO = CALL_STATE.byteOffset(StructLayout.PathElement.groupElement("errno"));
    private static final Linker.Option CAPTURE_ERRNO = Linker.Option.captureCallState("errno");

    /** errno belongs to a thread, so the place it is captured in does too. */
    private static final ThreadLocal<MemorySegment> STATE = ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CALL_STATE));

    private Binding() {
    }

    /** A downcall handle for a function of libc. */
    static MethodHandle function(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(symbol(name), descriptor, CAPTURE_ERRNO);
    }

    /** The same for a function declared with "..." after its first {@code fixed} arguments (open, ioctl, fcntl). */
    static MethodHandle variadic(String name, int fixed, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(symbol(name), descriptor, CAPTURE_ERRNO, Linker.Option.firstVariadicArg(fixed));
    }

    private static MemorySegment symbol(String name) {
        return LINKER.defaultLookup().find(name)
                .orElseThrow(() -> new UnsupportedOperationException("the C library has no function " + name));
    }

    /** Where this thread's calls leave errno. */
    static MemorySegment callState() {
        return STATE.get();
    }

    static int result(int returned, MemorySegment callState) {
        return returned >= 0 ? returned : -callState.get(ValueLayout.JAVA_INT, ERRNO);
    }

    static long result(long returned, MemorySegment callState) {
        return returned >= 0 ? returned : -callState.get(ValueLayout.JAVA_INT, ERRNO);
    }
}
