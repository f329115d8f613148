package flannel.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * An array of struct mmsghdr (recvmmsg(2)), each with room for an IPv4 address and for one control message of up to
 * {@value #CONTROL_SIZE} bytes with its header. Layout of the 64-bit Linux targets, the same on x86_64 and aarch64:
 *
 * <pre>
 * struct msghdr  { void *name; u32 namelen; struct iovec *iov; size_t iovlen; void *control; size_t controllen; int flags; }
 * struct mmsghdr { struct msghdr hdr; unsigned int len; }
 * struct cmsghdr { size_t len; int level; int type; }                                                       then the data
 * </pre>
 */
public final class MessageHeaders {

    /** Bytes for one control message, header and padding included: the largest, IP_RECVERR's, needs 16 + 16 + 16. */
    public static final int CONTROL_SIZE = 64;

    /** include/uapi/linux/in.h, include/uapi/linux/udp.h. */
    public static final int SOL_IP = 0;
    public static final int SOL_UDP = 17;
    public static final int UDP_SEGMENT = 103;
    public static final int UDP_GRO = 104;
    public static final int IP_RECVERR = 11;

    /** The datagram was longer than the memory given for it. */
    public static final int MSG_TRUNC = 0x20;

    static final int SOCKADDR_IN_SIZE = 16;

    private static final long SIZE = 64;
    private static final long NAME = 0;
    private static final long NAME_LENGTH = 8;
    private static final long IOV = 16;
    private static final long IOV_LENGTH = 24;
    private static final long CONTROL = 32;
    private static final long CONTROL_LENGTH = 40;
    private static final long FLAGS = 48;
    private static final long RECEIVED = 56;

    private static final long CMSG_LEVEL = 8;
    private static final long CMSG_TYPE = 12;
    private static final long CMSG_DATA = 16;

    private static final ValueLayout.OfShort PORT = JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt IPV4 = JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN);

    private final MemorySegment headers;
    private final MemorySegment names;
    private final MemorySegment controls;
    private final int capacity;

    public MessageHeaders(Arena arena, int capacity) {
        this.capacity = capacity;
        headers = arena.allocate(capacity * SIZE, 8);
        names = arena.allocate((long) capacity * SOCKADDR_IN_SIZE, 8);
        controls = arena.allocate((long) capacity * CONTROL_SIZE, 8);
        for (int i = 0; i < capacity; i++) {
            headers.set(JAVA_LONG, i * SIZE + NAME, names.address() + (long) i * SOCKADDR_IN_SIZE);
            headers.set(JAVA_LONG, i * SIZE + CONTROL, controls.address() + (long) i * CONTROL_SIZE);
            names.set(JAVA_SHORT, (long) i * SOCKADDR_IN_SIZE, (short) LibcSocket.AF_INET);
        }
    }

    public int capacity() {
        return capacity;
    }

    /** Prepares message {@code index} for sending: where to, and no control message. */
    public void sendTo(int index, int ipv4, int port) {
        long name = (long) index * SOCKADDR_IN_SIZE;
        names.set(PORT, name + 2, (short) port);
        names.set(IPV4, name + 4, ipv4);
        headers.set(JAVA_INT, index * SIZE + NAME_LENGTH, SOCKADDR_IN_SIZE);
        headers.set(JAVA_LONG, index * SIZE + CONTROL_LENGTH, 0);
    }

    /** Makes the kernel cut message {@code index} into datagrams of {@code bytes} each, the last may be shorter (UDP_SEGMENT). */
    public void segmentSize(int index, int bytes) {
        long control = (long) index * CONTROL_SIZE;
        controls.set(JAVA_LONG, control, CMSG_DATA + 2);
        controls.set(JAVA_INT, control + CMSG_LEVEL, SOL_UDP);
        controls.set(JAVA_INT, control + CMSG_TYPE, UDP_SEGMENT);
        controls.set(JAVA_SHORT, control + CMSG_DATA, (short) bytes);
        headers.set(JAVA_LONG, index * SIZE + CONTROL_LENGTH, 24);
    }

    /** The pieces of memory of message {@code index}. */
    public void vectors(int index, IoVectors vectors, int from, int count) {
        headers.set(JAVA_LONG, index * SIZE + IOV, vectors.addressOf(from));
        headers.set(JAVA_LONG, index * SIZE + IOV_LENGTH, count);
    }

    /** Prepares message {@code index} for receiving: the kernel writes these lengths at each call. */
    public void expect(int index) {
        headers.set(JAVA_INT, index * SIZE + NAME_LENGTH, SOCKADDR_IN_SIZE);
        headers.set(JAVA_LONG, index * SIZE + CONTROL_LENGTH, CONTROL_SIZE);
        headers.set(JAVA_INT, index * SIZE + FLAGS, 0);
    }

    /** Address of the other end: whom a message came from, or, in the error queue, whom it had been sent to. */
    public int peerAddress(int index) {
        return names.get(IPV4, (long) index * SOCKADDR_IN_SIZE + 4);
    }

    public int peerPort(int index) {
        return Short.toUnsignedInt(names.get(PORT, (long) index * SOCKADDR_IN_SIZE + 2));
    }

    public boolean isTruncated(int index) {
        return (headers.get(JAVA_INT, index * SIZE + FLAGS) & MSG_TRUNC) != 0;
    }

    /** Bytes received by recvmmsg. */
    public int length(int index) {
        return headers.get(JAVA_INT, index * SIZE + RECEIVED);
    }

    /** What recvmmsg would have noted, after a plain recvmsg. */
    public void length(int index, int bytes) {
        headers.set(JAVA_INT, index * SIZE + RECEIVED, bytes);
    }

    /** Size of the datagrams that the kernel merged into message {@code index} (UDP_GRO); 0 when it is a single one. */
    public int mergedSize(int index) {
        long control = control(index, SOL_UDP, UDP_GRO);
        return control < 0 ? 0 : controls.get(JAVA_INT, control);
    }

    /** Path MTU that an entry of the error queue speaks of (struct sock_extended_err of EMSGSIZE); 0 when it is about something else. */
    public int reportedMtu(int index) {
        long control = control(index, SOL_IP, IP_RECVERR);
        return control < 0 || controls.get(JAVA_INT, control) != Errno.EMSGSIZE ? 0 : controls.get(JAVA_INT, control + 8);
    }

    /** Offset of the data of the one control message if it is of that kind, else -1. */
    private long control(int index, int level, int type) {
        long control = (long) index * CONTROL_SIZE;
        boolean present = headers.get(JAVA_LONG, index * SIZE + CONTROL_LENGTH) >= CMSG_DATA
                && controls.get(JAVA_INT, control + CMSG_LEVEL) == level && controls.get(JAVA_INT, control + CMSG_TYPE) == type;
        return present ? control + CMSG_DATA : -1;
    }

    /** Where the array from message {@code index} on is, for a system call. */
    long address(int index) {
        return headers.address() + index * SIZE;
    }
}
