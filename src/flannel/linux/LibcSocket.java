package flannel.linux;

import java.lang.foreign.MemorySegment;

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
    public static final int SO_REUSEPORT = 15;
    public static final int SO_SNDBUFFORCE = 32;
    public static final int SO_RCVBUFFORCE = 33;
    public static final int SO_MEMINFO = 55;

    private static final MemorySegment SOCKET = Binding.function("socket");
    private static final MemorySegment BIND = Binding.function("bind");
    private static final MemorySegment GETSOCKNAME = Binding.function("getsockname");
    private static final MemorySegment SETSOCKOPT = Binding.function("setsockopt");
    private static final MemorySegment GETSOCKOPT = Binding.function("getsockopt");
    private static final MemorySegment SENDTO = Binding.function("sendto");
    private static final MemorySegment RECV = Binding.function("recv");

    private LibcSocket() {
    }

    /** socket(2). */
    public static int socket(int domain, int type, int protocol) {
        return Binding.call(SOCKET, domain, type, protocol, 0, 0);
    }

    /** bind(2); the whole of {@code address} is a struct sockaddr. */
    public static int bind(int fd, MemorySegment address) {
        return Binding.transfer(BIND, fd, address, address.byteSize(), 0);
    }

    /** getsockname(2); {@code length} is an int, in and out. */
    public static int getsockname(int fd, MemorySegment address, MemorySegment length) {
        return Binding.call(GETSOCKNAME, fd, Binding.pointer(address), Binding.pointer(length), 0, 0);
    }

    /** setsockopt(2); the whole of {@code value} is the option's value. */
    public static int setsockopt(int fd, int level, int option, MemorySegment value) {
        return Binding.call(SETSOCKOPT, fd, level, option, Binding.pointer(value), value.byteSize());
    }

    /** getsockopt(2); {@code length} is an int, in and out. */
    public static int getsockopt(int fd, int level, int option, MemorySegment value, MemorySegment length) {
        return Binding.call(GETSOCKOPT, fd, level, option, Binding.pointer(value), Binding.pointer(length));
    }

    /** sendto(2); {@code address} may be {@link MemorySegment#NULL} on a connected socket. */
    public static long sendto(int fd, MemorySegment buffer, long count, int flags, MemorySegment address) {
        return Binding.transfer(SENDTO, fd, buffer, count, flags, address, address.byteSize());
    }

    /** recv(2). */
    public static long recv(int fd, MemorySegment buffer, long count, int flags) {
        return Binding.transfer(RECV, fd, buffer, count, flags);
    }
}
