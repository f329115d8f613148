package flannel.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import flannel.net.Ipv4;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** A bound, non-blocking IPv4 UDP socket with the options that a tunnel's end needs. Messages go through {@link #fd}. */
public final class UdpSocket implements AutoCloseable {

    /** include/uapi/linux/in.h. */
    private static final int IP_MTU_DISCOVER = 10;
    private static final int IP_PMTUDISC_WANT = 1;

    /** include/uapi/linux/sockios.h. */
    private static final long SIOCOUTQ = 0x5411;

    /** include/uapi/linux/sock_diag.h: the values of SO_MEMINFO, of which the first is SK_MEMINFO_RMEM_ALLOC. */
    private static final int MEMINFO_VALUES = 9;

    private final int fd;

    /** For the one thread that sends. */
    private final MemorySegment scratch = Arena.ofAuto().allocate(JAVA_INT);

    private UdpSocket(int fd) {
        this.fd = fd;
    }

    /**
     * Binds to one address of this host. Errors that routers report about our datagrams go to the socket's error queue (IP_RECVERR).
     *
     * @throws SystemCallException EADDRINUSE when another program (another flanneld?) has the port
     */
    public static UdpSocket bind(Ipv4 address, int port) throws SystemCallException {
        return bind(address, port, false);
    }

    /**
     * Binds several sockets to the same address. Each remote address and port has one of them where all that comes from there arrives, as
     * long as none is closed (SO_REUSEPORT, Linux 3.9).
     *
     * @throws SystemCallException EADDRINUSE when another program has the port, even if it would share it
     */
    public static List<UdpSocket> bind(Ipv4 address, int port, int count) throws SystemCallException {
        List<UdpSocket> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                UdpSocket socket = bind(address, port, i > 0);
                sockets.add(socket);
                if (i == 0 && count > 1) {
                    socket.share();                     // once it is bound: had it been shared before, so would another daemon's be
                }
            }
        } catch (SystemCallException e) {
            sockets.forEach(UdpSocket::close);
            throw e;
        }
        return List.copyOf(sockets);
    }

    private static UdpSocket bind(Ipv4 address, int port, boolean isShared) throws SystemCallException {
        int fd = SystemCallException.check("socket AF_INET SOCK_DGRAM", LibcSocket.socket(LibcSocket.AF_INET,
                LibcSocket.SOCK_DGRAM | LibcSocket.SOCK_NONBLOCK | LibcSocket.SOCK_CLOEXEC, 0));
        UdpSocket socket = new UdpSocket(fd);
        try (Arena arena = Arena.ofConfined()) {
            if (isShared) {
                socket.share();
            }
            MemorySegment name = arena.allocate(MessageHeaders.SOCKADDR_IN_SIZE, 8);
            name.set(JAVA_SHORT, 0, (short) LibcSocket.AF_INET);
            name.set(JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2, (short) port);
            name.set(JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN), 4, address.bits());
            SystemCallException.check("bind UDP " + address + ":" + port, LibcSocket.bind(fd, name));
            SystemCallException.check("setsockopt IP_RECVERR", socket.option(MessageHeaders.SOL_IP, MessageHeaders.IP_RECVERR, 1));
            SystemCallException.check("setsockopt IP_MTU_DISCOVER", socket.option(MessageHeaders.SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT));
        } catch (SystemCallException e) {
            socket.close();
            throw e;
        }
        return socket;
    }

    private void share() throws SystemCallException {
        SystemCallException.check("setsockopt SO_REUSEPORT", option(LibcSocket.SOL_SOCKET, LibcSocket.SO_REUSEPORT, 1));
    }

    /** Whether the kernel can cut one long message into many datagrams (UDP_SEGMENT, Linux 4.18). */
    public boolean canSegment() {
        return option(MessageHeaders.SOL_UDP, MessageHeaders.UDP_SEGMENT, 0) == 0;
    }

    /** Lets the kernel hand over datagrams of one sender as one long message (UDP_GRO, Linux 5.0); false when it can't. */
    public boolean mergeReceived() {
        return option(MessageHeaders.SOL_UDP, MessageHeaders.UDP_GRO, 1) == 0;
    }

    /** Asks for room for that many bytes waiting in each direction, beyond the system's limit where we may (CAP_NET_ADMIN). */
    public void bufferSizes(int sendBytes, int receiveBytes) {
        if (option(LibcSocket.SOL_SOCKET, LibcSocket.SO_SNDBUFFORCE, sendBytes) != 0) {
            option(LibcSocket.SOL_SOCKET, LibcSocket.SO_SNDBUF, sendBytes);
        }
        if (option(LibcSocket.SOL_SOCKET, LibcSocket.SO_RCVBUFFORCE, receiveBytes) != 0) {
            option(LibcSocket.SOL_SOCKET, LibcSocket.SO_RCVBUF, receiveBytes);
        }
    }

    /** Changes how many bytes may wait to be sent, as the kernel counts them: with its own for each message. Leaves no garbage. */
    public void sendRoom(int bytes) {
        scratch.set(JAVA_INT, 0, bytes / 2);                // the kernel doubles it (socket(7))
        if (LibcSocket.setsockopt(fd, LibcSocket.SOL_SOCKET, LibcSocket.SO_SNDBUFFORCE, scratch) != 0) {
            LibcSocket.setsockopt(fd, LibcSocket.SOL_SOCKET, LibcSocket.SO_SNDBUF, scratch);
        }
    }

    /** Bytes that wait to be sent, counted in the same way; minus the error number. Leaves no garbage. */
    public int unsentBytes() {
        int result = Libc.ioctl(fd, SIOCOUTQ, scratch);
        return result < 0 ? result : scratch.get(JAVA_INT, 0);
    }

    /**
     * Bytes that wait to be received, as the kernel counts them (SO_MEMINFO, Linux 4.12); {@link Integer#MAX_VALUE} where it can't tell.
     */
    public int receivedBytes() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate(JAVA_INT, MEMINFO_VALUES);
            int result = LibcSocket.getsockopt(fd, LibcSocket.SOL_SOCKET, LibcSocket.SO_MEMINFO, values,
                    arena.allocateFrom(JAVA_INT, (int) values.byteSize()));
            return result < 0 ? Integer.MAX_VALUE : values.get(JAVA_INT, 0);
        }
    }

    /**
     * Puts that socket in this one's place, under the same file descriptor, in one step (dup3(2)): the descriptor is valid at any time.
     * A call that another thread is inside ends on the old socket, which keeps its address until the last of them has returned.
     */
    public void replaceBy(UdpSocket other) throws SystemCallException {
        SystemCallException.check("dup3 " + other.fd + " " + fd, Libc.dup3(other.fd, fd, Libc.O_CLOEXEC));
    }

    /** Sends messages from one on: how many were sent, or minus the error number. */
    public int sendMany(MessageHeaders messages, int from, int count) {
        return LibcMessages.sendmmsg(fd, messages, from, count, 0);
    }

    /** The same, but not more than one (for kernels without sendmmsg). */
    public int sendOne(MessageHeaders messages, int from, int count) {
        int result = LibcMessages.sendmsg(fd, messages, from, 0);
        return result < 0 ? result : 1;
    }

    private int option(int level, int option, int value) {
        try (Arena arena = Arena.ofConfined()) {
            return LibcSocket.setsockopt(fd, level, option, arena.allocateFrom(JAVA_INT, value));
        }
    }

    public int fd() {
        return fd;
    }

    @Override
    public void close() {
        Libc.close(fd);
    }
}
