package flannel.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Scattered and batched input and output of the C library, in the manner of {@link Libc}: a result, or minus the error number.
 * The structures are laid out by {@link MessageHeaders} and {@link IoVectors}.
 */
public final class LibcMessages {

    /** include/linux/socket.h. */
    public static final int MSG_DONTWAIT = 0x40;
    public static final int MSG_ERRQUEUE = 0x2000;

    private static final MethodHandle sendmmsg$mh =
            Binding.function("sendmmsg", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle recvmmsg$mh =
            Binding.function("recvmmsg", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle sendmsg$mh =
            Binding.function("sendmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle recvmsg$mh =
            Binding.function("recvmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle writev$mh =
            Binding.function("writev", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));

    private LibcMessages() {
    }

    /** sendmmsg(2): how many of the messages were sent; an error only when the first of them failed. */
    public static int sendmmsg(int fd, MemorySegment messages, int count, int flags) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((int) sendmmsg$mh.invokeExact(state, fd, messages, count, flags), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** recvmmsg(2), without a time-out: how many messages were received. */
    public static int recvmmsg(int fd, MemorySegment messages, int count, int flags) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((int) recvmmsg$mh.invokeExact(state, fd, messages, count, flags, MemorySegment.NULL), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** sendmsg(2); a struct mmsghdr begins with the struct msghdr it wants. */
    public static long sendmsg(int fd, MemorySegment message, int flags) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((long) sendmsg$mh.invokeExact(state, fd, message, flags), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** recvmsg(2). */
    public static long recvmsg(int fd, MemorySegment message, int flags) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((long) recvmsg$mh.invokeExact(state, fd, message, flags), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** writev(2). */
    public static long writev(int fd, MemorySegment vectors, int count) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((long) writev$mh.invokeExact(state, fd, vectors, count), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}
