package flannel.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Sockets of the C library, in the manner of {@link Libc}: a result, or minus the error number. */
public final class LibcSocket {

    /** include/linux/socket.h. */
    public static final int AF_UNIX = 1;
    public static final int AF_INET = 2;
    public static final int AF_INET6 = 10;
    public static final int AF_NETLINK = 16;
    public static final int AF_BRIDGE = 7;
    public static final int SOCK_DGRAM = 2;
    public static final int SOCK_RAW = 3;
    public static final int SOCK_NONBLOCK = 0x800;
    public static final int SOCK_CLOEXEC = 0x80000;
    public static final int MSG_TRUNC = 0x20;
    public static final int MSG_DONTWAIT = 0x40;

    /** include/uapi/asm-generic/socket.h. */
    public static final int SOL_SOCKET = 1;
    public static final int SO_SNDBUF = 7;
    public static final int SO_RCVBUF = 8;
    public static final int SO_SNDBUFFORCE = 32;
    public static final int SO_RCVBUFFORCE = 33;

    private static final MethodHandle socket$mh =
            Binding.function("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle bind$mh =
            Binding.function("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle getsockname$mh =
            Binding.function("getsockname", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
    private static final MethodHandle setsockopt$mh =
            Binding.function("setsockopt", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle sendto$mh = Binding.function("sendto",
            FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle recv$mh =
            Binding.function("recv", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

    private LibcSocket() {
    }

    /** socket(2). */
    public static int socket(int domain, int type, int protocol) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((int) socket$mh.invokeExact(state, domain, type, protocol), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** bind(2); the whole of {@code address} is a struct sockaddr. */
    public static int bind(int fd, MemorySegment address) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((int) bind$mh.invokeExact(state, fd, address, (int) address.byteSize()), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** getsockname(2); {@code length} is an int, in and out. */
    public static int getsockname(int fd, MemorySegment address, MemorySegment length) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((int) getsockname$mh.invokeExact(state, fd, address, length), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** setsockopt(2); the whole of {@code value} is the option's value. */
    public static int setsockopt(int fd, int level, int option, MemorySegment value) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((int) setsockopt$mh.invokeExact(state, fd, level, option, value, (int) value.byteSize()), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** sendto(2); {@code address} may be {@link MemorySegment#NULL} on a connected socket. */
    public static long sendto(int fd, MemorySegment buffer, long count, int flags, MemorySegment address) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((long) sendto$mh.invokeExact(state, fd, buffer, count, flags, address, (int) address.byteSize()), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** recv(2). */
    public static long recv(int fd, MemorySegment buffer, long count, int flags) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((long) recv$mh.invokeExact(state, fd, buffer, count, flags), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}
