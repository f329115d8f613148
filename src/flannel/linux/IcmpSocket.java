package flannel.linux;

import static flannel.linux.SystemCallException.check;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import flannel.net.Ipv4;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

/**
 * A raw, non-blocking socket for IPv4's ICMP (raw(7)): messages go out without an IP header, and come in with theirs. All that it sends
 * carries DF, whatever is believed of the path. For one thread.
 *
 * <p>Not a ping socket (icmp(7)): those are for the groups of net.ipv4.ping_group_range, on CentOS 7 for nobody, not even root; and what
 * routers report would have to be fetched from an error queue, while here it is one more message. CAP_NET_RAW is root's, and the unit
 * leaves it to us.
 */
public final class IcmpSocket implements AutoCloseable {

    /** include/uapi/linux/icmp.h: the filter's bits are the types that are kept out. */
    private static final int SOL_RAW = 255;
    private static final int ICMP_FILTER = 1;
    private static final int ECHO_REPLY = 0;
    private static final int DESTINATION_UNREACHABLE = 3;
    private static final int TIME_EXCEEDED = 11;

    /** include/uapi/linux/in.h. */
    private static final int IPPROTO_ICMP = 1;
    private static final int IP_TTL = 2;
    private static final int IP_MTU_DISCOVER = 10;
    private static final int IP_PMTUDISC_PROBE = 3;

    private static final int RECEIVE_BUFFER_BYTES = 1 << 20;

    private final int fd;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment name = arena.allocate(MessageHeaders.SOCKADDR_IN_SIZE, 8);
    private final MemorySegment pollFd = arena.allocate(Libc.POLLFD_SIZE, 8);

    private IcmpSocket(int fd) {
        this.fd = fd;
        name.set(JAVA_SHORT, 0, (short) LibcSocket.AF_INET);
    }

    /**
     * Opens it for echo replies and for what routers report.
     *
     * @param hops time to live of what it sends
     * @throws SystemCallException EPERM without CAP_NET_RAW
     */
    public static IcmpSocket open(int hops) throws SystemCallException {
        IcmpSocket socket = new IcmpSocket(check("socket AF_INET SOCK_RAW ICMP", LibcSocket.socket(LibcSocket.AF_INET,
                LibcSocket.SOCK_RAW | LibcSocket.SOCK_NONBLOCK | LibcSocket.SOCK_CLOEXEC, IPPROTO_ICMP)));
        try {
            check("setsockopt ICMP_FILTER",
                    socket.option(SOL_RAW, ICMP_FILTER, ~(1 << ECHO_REPLY | 1 << DESTINATION_UNREACHABLE | 1 << TIME_EXCEEDED)));
            check("setsockopt IP_MTU_DISCOVER", socket.option(MessageHeaders.SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE));
            check("setsockopt IP_TTL " + hops, socket.option(MessageHeaders.SOL_IP, IP_TTL, hops));
            if (socket.option(LibcSocket.SOL_SOCKET, LibcSocket.SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES) != 0) {
                socket.option(LibcSocket.SOL_SOCKET, LibcSocket.SO_RCVBUF, RECEIVE_BUFFER_BYTES);
            }
        } catch (SystemCallException e) {
            socket.close();
            throw e;
        }
        return socket;
    }

    /** From now on sends from that address, and hears what comes to it: 0, or minus the error number, EADDRNOTAVAIL when it is not here. */
    public int bind(Ipv4 address) {
        return LibcSocket.bind(fd, named(address));
    }

    /** Sends the first bytes of a buffer, ICMP's header first: how many, or minus the error number. */
    public int send(MemorySegment message, int length, Ipv4 to) {
        return (int) LibcSocket.sendto(fd, message, length, 0, named(to));
    }

    /** Receives a packet, IP header first, or its beginning: how many bytes, or minus the error number, EAGAIN when none is there. */
    public int receive(MemorySegment buffer) {
        return (int) LibcSocket.recv(fd, buffer, buffer.byteSize(), 0);
    }

    /** Waits until there is something to receive, or the time is over. */
    public void await(int timeoutMillis) throws SystemCallException {
        Libc.setPollFd(pollFd, 0, fd, Libc.POLLIN);
        int result = Libc.poll(pollFd, 1, timeoutMillis);
        if (result < 0 && result != -Errno.EINTR) {
            throw new SystemCallException("poll", -result);
        }
    }

    private MemorySegment named(Ipv4 address) {
        name.set(JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN), 4, address.bits());
        return name;
    }

    private int option(int level, int option, int value) {
        try (Arena one = Arena.ofConfined()) {
            return LibcSocket.setsockopt(fd, level, option, one.allocateFrom(JAVA_INT, value));
        }
    }

    @Override
    public void close() {
        Libc.close(fd);
        arena.close();
    }
}
