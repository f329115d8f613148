package flannel.netlink;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import flannel.linux.Errno;
import flannel.linux.Libc;
import flannel.linux.LibcSocket;
import flannel.linux.SystemCallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A netlink socket in the network namespace of the thread that opened it. For one thread at a time.
 *
 * <p>The kernel works requests off within send(2), so all its answers are there when send returns. A batch asks for one acknowledgement,
 * of its last message: failures are always reported, and thousands of good news would only fill the receive buffer.
 */
public final class NetlinkSocket implements AutoCloseable {

    /** Bytes sent at once. Linux 3.10 wants them in one contiguous piece of kernel memory, so not more. */
    private static final int SEND_BUFFER = 32 << 10;

    /** Bytes received at once: a dump's pieces are at most 32 KiB. */
    private static final int RECEIVE_BUFFER = 64 << 10;

    /** No request is longer than this. */
    private static final int MAX_REQUEST = 512;

    /** What the kernel may hold for us: notifications of some ten thousand changes. */
    private static final int KERNEL_BUFFER = 16 << 20;

    private static final int ANSWER_TIMEOUT_SECONDS = 10;
    private static final int MAX_DUMPS = 5;

    /** include/uapi/asm-generic/socket.h, for 64-bit: struct timeval of two longs. */
    private static final int SO_RCVTIMEO = 20;

    private static final int SO_ATTACH_FILTER = 26;

    /** Ports that one process has at most, by the scheme of libnl. */
    private static final int MOST_PORTS = 1023;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment sendSegment = arena.allocate(SEND_BUFFER, 8);
    private final MemorySegment receiveSegment = arena.allocate(RECEIVE_BUFFER, 8);
    private final ByteBuffer received = receiveSegment.asByteBuffer();
    private final MessageWriter writer = new MessageWriter(sendSegment.asByteBuffer(), 1);
    private final int fd;
    private int port;

    private NetlinkSocket(int fd) {
        this.fd = fd;
    }

    /** Writes one request: from {@link MessageWriter#begin} to {@link MessageWriter#end}. */
    public interface Request {
        void write(MessageWriter out);
    }

    /** Writes request number {@code index} of a batch. */
    public interface Batch {
        void write(int index, MessageWriter out);
    }

    /** Told of a request of a batch that the kernel refused. */
    public interface FailureSink {
        void failed(int index, int errno, String detail);
    }

    /** Makes a value of a message. */
    public interface Decoder<T> {
        /** The value; null when the message is of no interest. */
        T decode(MessageReader message) throws MalformedMessageException;
    }

    /** Takes what a notification says. */
    public interface Sink {
        void accept(MessageReader message) throws MalformedMessageException;
    }

    /**
     * @param protocol NETLINK_ROUTE or another of {@link Nlmsg}
     * @param groups   multicast groups to hear, as bits; 0 for a socket that asks
     */
    public static NetlinkSocket open(int protocol, int groups) throws SystemCallException {
        String operation = "socket AF_NETLINK protocol " + protocol;
        int type = LibcSocket.SOCK_RAW | LibcSocket.SOCK_CLOEXEC;
        NetlinkSocket socket = new NetlinkSocket(
                SystemCallException.check(operation, LibcSocket.socket(LibcSocket.AF_NETLINK, type, protocol)));
        try {
            socket.setUp(operation, groups);
            return socket;
        } catch (SystemCallException e) {
            socket.close();
            throw e;
        }
    }

    private void setUp(String operation, int groups) throws SystemCallException {
        try (Arena scratch = Arena.ofConfined()) {
            SystemCallException.check("bind " + operation + " groups " + groups, bind(scratch, groups));
            MemorySegment timeout = scratch.allocate(16, 8);
            timeout.set(JAVA_LONG, 0, ANSWER_TIMEOUT_SECONDS);
            SystemCallException.check("set SO_RCVTIMEO", LibcSocket.setsockopt(fd, LibcSocket.SOL_SOCKET, SO_RCVTIMEO, timeout));
            if (option(scratch, LibcSocket.SOL_SOCKET, LibcSocket.SO_RCVBUFFORCE, KERNEL_BUFFER) < 0) {
                option(scratch, LibcSocket.SOL_SOCKET, LibcSocket.SO_RCVBUF, KERNEL_BUFFER);
            }
            // not known to old kernels, and everything works without
            option(scratch, Nlmsg.SOL_NETLINK, Nlmsg.NETLINK_CAP_ACK, 1);
            option(scratch, Nlmsg.SOL_NETLINK, Nlmsg.NETLINK_EXT_ACK, 1);
            option(scratch, Nlmsg.SOL_NETLINK, Nlmsg.NETLINK_GET_STRICT_CHK, 1);
        }
    }

    /** Takes the first free one of this process's ports, as libnl does: the process's id and a number above it. */
    private int bind(Arena scratch, int groups) {
        // struct sockaddr_nl (netlink.h): u16 family, u16 pad, u32 port, u32 groups
        MemorySegment address = scratch.allocate(12, 4);
        address.set(JAVA_SHORT, 0, (short) LibcSocket.AF_NETLINK);
        address.set(JAVA_INT, 8, groups);
        int bound = -Errno.EADDRINUSE;
        for (int number = 1; number <= MOST_PORTS && bound == -Errno.EADDRINUSE; number++) {
            port = (int) ProcessHandle.current().pid() & 0x3FFFFF | number << 22;
            address.set(JAVA_INT, 4, port);
            bound = LibcSocket.bind(fd, address);
        }
        return bound;
    }

    /** What the kernel knows this socket by, and names as the origin of what it asked for (nlmsg_pid). */
    public int port() {
        return port;
    }

    /**
     * Has the kernel keep back the notifications of what the sockets with these ports asked for. (Those of forwarding databases name no
     * origin.) A classic BPF program, linux/filter.h: load nlmsg_pid, drop if it is the first, drop if it is the second ..., else pass.
     */
    public void ignore(List<Integer> ports) throws SystemCallException {
        try (Arena scratch = Arena.ofConfined()) {
            int count = 2 + 2 * ports.size();
            MemorySegment program = scratch.allocate(8L * count, 8);
            instruction(program, 0, 0x20, 0, 12); // BPF_LD | BPF_W | BPF_ABS
            for (int i = 0; i < ports.size(); i++) {
                int origin = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? Integer.reverseBytes(ports.get(i)) : ports.get(i);
                instruction(program, 1 + 2 * i, 0x15, 1, origin); // BPF_JMP | BPF_JEQ | BPF_K: go on, or over the next one
                instruction(program, 2 + 2 * i, 0x06, 0, 0); // BPF_RET | BPF_K
            }
            instruction(program, count - 1, 0x06, 0, -1);
            MemorySegment filter = scratch.allocate(16, 8); // struct sock_fprog: u16 length, pointer
            filter.set(JAVA_SHORT, 0, (short) count);
            filter.set(ADDRESS, 8, program);
            SystemCallException.check("set SO_ATTACH_FILTER", LibcSocket.setsockopt(fd, LibcSocket.SOL_SOCKET, SO_ATTACH_FILTER, filter));
        }
    }

    /** struct sock_filter: u16 code, u8 jump if true, u8 jump if false, u32 operand. */
    private static void instruction(MemorySegment program, int index, int code, int jumpIfFalse, int operand) {
        program.set(JAVA_SHORT, 8L * index, (short) code);
        program.set(JAVA_BYTE, 8L * index + 3, (byte) jumpIfFalse);
        program.set(JAVA_INT, 8L * index + 4, operand);
    }

    private int option(Arena scratch, int level, int option, int value) {
        MemorySegment segment = scratch.allocate(JAVA_INT);
        segment.set(JAVA_INT, 0, value);
        return LibcSocket.setsockopt(fd, level, option, segment);
    }

    /** For poll(2). */
    public int fd() {
        return fd;
    }

    /**
     * Sends a batch of requests, each independent of the others' success, and waits until the kernel has worked them off, in order.
     *
     * @param failures told of each request that was refused
     * @throws SystemCallException when the batch as a whole could not be sent or its answers were lost
     */
    public void execute(String operation, int count, Batch batch, FailureSink failures) throws SystemCallException {
        int index = 0;
        while (index < count) {
            int first = index;
            writer.clear();
            int firstSequence = writer.nextSequence();
            while (index < count && writer.remaining() >= MAX_REQUEST) {
                batch.write(index++, writer);
            }
            writer.acknowledgeLast();
            send(operation);
            awaitAcknowledgement(operation, first, firstSequence, writer.nextSequence() - 1, failures);
        }
    }

    /** Sends one request and waits until it is done. */
    public void execute(String operation, Request request) throws SystemCallException {
        SystemCallException[] failure = new SystemCallException[1];
        execute(operation, 1, (index, out) -> request.write(out),
                (index, errno, detail) -> failure[0] = new SystemCallException(operation, errno, detail));
        if (failure[0] != null) {
            throw failure[0];
        }
    }

    /**
     * Reads a table. The request should carry NLM_F_DUMP. Done again when the table changed meanwhile, a few times at most.
     *
     * @param <T> what a message becomes
     */
    public <T> List<T> dump(String operation, Request request, Decoder<T> decoder) throws SystemCallException {
        List<T> values = new ArrayList<>();
        boolean interrupted = true;
        for (int attempt = 0; interrupted && attempt < MAX_DUMPS; attempt++) {
            values.clear();
            interrupted = dumpOnce(operation, request, decoder, values);
        }
        return values;
    }

    private <T> boolean dumpOnce(String operation, Request request, Decoder<T> decoder, List<T> values) throws SystemCallException {
        int sequence = sendOne(operation, request);
        boolean interrupted = false;
        try {
            while (true) {
                MessageReader message = receive(operation);
                while (message.next()) {
                    if (message.sequence() != sequence) {
                        continue;
                    }
                    interrupted |= (message.flags() & Nlmsg.NLM_F_DUMP_INTR) != 0;
                    if (message.type() == Nlmsg.NLMSG_DONE || message.type() == Nlmsg.NLMSG_ERROR) {
                        if (message.errno() > 0) {
                            throw new SystemCallException(operation, message.errno(), message.errorText());
                        }
                        return interrupted;
                    }
                    T value = decoder.decode(message);
                    if (value != null) {
                        values.add(value);
                    }
                }
            }
        } catch (MalformedMessageException e) {
            throw malformed(operation, e);
        }
    }

    /**
     * Asks for one object.
     *
     * @param <T> what the answer becomes
     */
    public <T> T get(String operation, Request request, Decoder<T> decoder) throws SystemCallException {
        int sequence = sendOne(operation, request);
        try {
            while (true) {
                MessageReader message = receive(operation);
                while (message.next()) {
                    if (message.sequence() == sequence) {
                        if (message.type() == Nlmsg.NLMSG_ERROR) {
                            throw new SystemCallException(operation, message.errno(), message.errorText());
                        }
                        return decoder.decode(message);
                    }
                }
            }
        } catch (MalformedMessageException e) {
            throw malformed(operation, e);
        }
    }

    /**
     * Hands over all notifications that are there; does not wait.
     *
     * @return false when some were lost because they came faster than they were read
     */
    public boolean drain(Sink sink) throws SystemCallException {
        boolean complete = true;
        while (true) {
            long length = LibcSocket.recv(fd, receiveSegment, RECEIVE_BUFFER, LibcSocket.MSG_DONTWAIT | LibcSocket.MSG_TRUNC);
            if (length == -Errno.EAGAIN) {
                return complete;
            }
            if (length == -Errno.ENOBUFS || length > RECEIVE_BUFFER) {
                complete = false;
            } else if (length != -Errno.EINTR) {
                SystemCallException.check("receive netlink notifications", length);
                complete &= hand(length, sink);
            }
        }
    }

    private boolean hand(long length, Sink sink) {
        try {
            MessageReader message = new MessageReader(received.clear().limit((int) length));
            while (message.next()) {
                if (message.type() == Nlmsg.NLMSG_OVERRUN) {
                    return false;
                }
                sink.accept(message);
            }
            return true;
        } catch (MalformedMessageException e) {
            // something was said that we did not understand: the same as not having heard it
            return false;
        }
    }

    private int sendOne(String operation, Request request) throws SystemCallException {
        writer.clear();
        int sequence = writer.nextSequence();
        request.write(writer);
        send(operation);
        return sequence;
    }

    private void send(String operation) throws SystemCallException {
        long sent;
        do {
            sent = LibcSocket.sendto(fd, sendSegment, writer.size(), 0, MemorySegment.NULL);
        } while (sent == -Errno.EINTR);
        SystemCallException.check(operation, sent);
    }

    private MessageReader receive(String operation) throws SystemCallException {
        long length;
        do {
            length = LibcSocket.recv(fd, receiveSegment, RECEIVE_BUFFER, LibcSocket.MSG_TRUNC);
        } while (length == -Errno.EINTR);
        SystemCallException.check(operation, length);
        if (length > RECEIVE_BUFFER) {
            throw new SystemCallException(operation, Errno.EMSGSIZE, "an answer of " + length + " bytes");
        }
        return new MessageReader(received.clear().limit((int) length));
    }

    private void awaitAcknowledgement(String operation, int first, int firstSequence, int lastSequence, FailureSink failures)
            throws SystemCallException {
        try {
            while (true) {
                MessageReader message = receive(operation);
                while (message.next()) {
                    int index = message.sequence() - firstSequence;
                    if (message.type() != Nlmsg.NLMSG_ERROR || index < 0 || index > lastSequence - firstSequence) {
                        continue;
                    }
                    if (message.errno() != 0) {
                        failures.failed(first + index, message.errno(), message.errorText());
                    }
                    if (message.sequence() == lastSequence) {
                        return;
                    }
                }
            }
        } catch (MalformedMessageException e) {
            throw malformed(operation, e);
        }
    }

    private static SystemCallException malformed(String operation, MalformedMessageException e) {
        return new SystemCallException(operation, Errno.EIO, e.getMessage());
    }

    @Override
    public void close() {
        Libc.close(fd);
        arena.close();
    }
}
