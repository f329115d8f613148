package flannel.linux;

import static flannel.linux.SystemCallException.check;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import flannel.net.MacAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

/**
 * A non-blocking socket at one device, packet(7): sees what comes in there before the host's packet filter has a say, and what goes out
 * after it had; what it sends itself, the filter does not see. Packets begin with the header of their protocol. For one thread.
 */
public final class PacketSocket implements AutoCloseable {

    /** include/linux/socket.h, include/uapi/linux/if_ether.h, include/uapi/asm-generic/socket.h. */
    private static final int AF_PACKET = 17;
    private static final int ETH_P_IP = 0x0800;
    private static final int ETH_P_ARP = 0x0806;
    private static final int ETH_P_ALL = 0x0003;
    private static final int SO_ATTACH_FILTER = 26;

    /** struct sockaddr_ll: u16 family, be16 protocol, int index, u16 type, u8 kind, u8 length, u8 address[8]. */
    private static final int SOCKADDR_LL_SIZE = 20;
    private static final int MAC_SIZE = 6;

    /** include/uapi/linux/bpf_common.h, filter.h: struct sock_filter is u16 code, u8 jump if true, u8 jump if false, u32 k. */
    private static final int SOCK_FILTER_SIZE = 8;
    private static final int LOAD_BYTE = 0x30;
    private static final int LOAD_WORD = 0x20;
    private static final int JUMP_IF_EQUAL = 0x15;
    private static final int RETURN = 0x06;
    /** Whom a packet is for, instead of a place in it: SKF_AD_OFF + SKF_AD_PKTTYPE; include/uapi/linux/if_packet.h. */
    private static final int PACKET_TYPE = -0x1000 + 4;
    private static final int PACKET_OTHERHOST = 3;

    private final int fd;
    private final int index;
    private final int protocol;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment name = arena.allocate(SOCKADDR_LL_SIZE, 8);
    private final MemorySegment pollFd = arena.allocate(Libc.POLLFD_SIZE, 8);

    private PacketSocket(int fd, int index, int protocol) {
        this.fd = fd;
        this.index = index;
        this.protocol = protocol;
    }

    /**
     * Opens it for packets of this host's that have a word in one of some places.
     *
     * @param index   of the device
     * @param word    in network byte order
     * @param offsets where it may be, ascending, in bytes from the IP header on
     * @param enough  bytes of a packet that are handed over at most
     * @throws SystemCallException EPERM without CAP_NET_RAW
     */
    public static PacketSocket open(int index, int word, int[] offsets, int enough) throws SystemCallException {
        return open(index, false, word, offsets, enough);
    }

    /** The same for such that come by with another machine's hardware address, and are for this host by mistake only. */
    public static PacketSocket openForOthers(int index, int word, int[] offsets, int enough) throws SystemCallException {
        return open(index, true, word, offsets, enough);
    }

    private static PacketSocket open(int index, boolean others, int word, int[] offsets, int enough) throws SystemCallException {
        PacketSocket socket = socket(index, ETH_P_IP);
        try {
            check("setsockopt SO_ATTACH_FILTER", socket.filter(others, word, offsets, enough));
            check("bind AF_PACKET to device " + index, LibcSocket.bind(socket.fd, socket.named(ETH_P_ALL)));
        } catch (SystemCallException e) {
            socket.close();
            throw e;
        }
        return socket;
    }

    /** Opens it for ARP (RFC 826), whose packets begin with its header. */
    public static PacketSocket openArp(int index) throws SystemCallException {
        PacketSocket socket = socket(index, ETH_P_ARP);
        try {
            check("bind AF_PACKET to device " + index, LibcSocket.bind(socket.fd, socket.named(ETH_P_ARP)));
        } catch (SystemCallException e) {
            socket.close();
            throw e;
        }
        return socket;
    }

    /** Of no protocol yet, so that nothing comes in before the filter is there. */
    private static PacketSocket socket(int index, int protocol) throws SystemCallException {
        return new PacketSocket(check("socket AF_PACKET", LibcSocket.socket(AF_PACKET,
                LibcSocket.SOCK_DGRAM | LibcSocket.SOCK_NONBLOCK | LibcSocket.SOCK_CLOEXEC, 0)), index, protocol);
    }

    private int filter(boolean others, int word, int[] offsets, int enough) {
        try (Arena one = Arena.ofConfined()) {
            int length = 2 + 2 * offsets.length + 2;
            MemorySegment program = one.allocate((long) length * SOCK_FILTER_SIZE, 8);
            instruction(program, 0, LOAD_BYTE, 0, 0, PACKET_TYPE);
            instruction(program, 1, JUMP_IF_EQUAL, others ? 0 : length - 2 - 2, others ? length - 2 - 2 : 0, PACKET_OTHERHOST);
            for (int i = 0; i < offsets.length; i++) {
                instruction(program, 2 * i + 2, LOAD_WORD, 0, 0, offsets[i]); // beyond the packet's end it is refused: later places are no better
                instruction(program, 2 * i + 3, JUMP_IF_EQUAL, length - 1 - (2 * i + 4), 0, word);
            }
            instruction(program, length - 2, RETURN, 0, 0, 0);
            instruction(program, length - 1, RETURN, 0, 0, enough);
            MemorySegment described = one.allocate(16, 8); // struct sock_fprog: u16 length, pointer
            described.set(JAVA_SHORT, 0, (short) length);
            described.set(JAVA_LONG, 8, Binding.pointer(program));
            return LibcSocket.setsockopt(fd, LibcSocket.SOL_SOCKET, SO_ATTACH_FILTER, described);
        }
    }

    private static void instruction(MemorySegment program, int at, int code, int jump, int elseJump, int k) {
        long offset = (long) at * SOCK_FILTER_SIZE;
        program.set(JAVA_SHORT, offset, (short) code);
        program.set(JAVA_BYTE, offset + 2, (byte) jump);
        program.set(JAVA_BYTE, offset + 3, (byte) elseJump);
        program.set(JAVA_INT, offset + 4, k);
    }

    private MemorySegment named(int ofProtocol) {
        name.set(JAVA_SHORT, 0, (short) AF_PACKET);
        name.set(JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2, (short) ofProtocol);
        name.set(JAVA_INT, 4, index);
        return name;
    }

    /** Sends the first bytes of a buffer, a packet of the socket's protocol, to a neighbour on the device's link: how many, or minus the error number. */
    public int send(MemorySegment packet, int length, MacAddress to) {
        named(protocol).set(JAVA_BYTE, 11, (byte) MAC_SIZE);
        for (int i = 0; i < MAC_SIZE; i++) {
            name.set(JAVA_BYTE, 12 + i, to.octet(i));
        }
        return (int) LibcSocket.sendto(fd, packet, length, 0, name);
    }

    /** Receives a packet, or its beginning: how many bytes, or minus the error number, EAGAIN when none is there. */
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

    @Override
    public void close() {
        Libc.close(fd);
        arena.close();
    }
}
