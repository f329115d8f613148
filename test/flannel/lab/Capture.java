package flannel.lab;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import flannel.linux.Libc;
import flannel.linux.LibcSocket;
import flannel.linux.SystemCallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** What arrives at a host's eth0, frame by frame (packet(7)). */
final class Capture implements AutoCloseable {

    private static final int AF_PACKET = 17;
    private static final int ETH_P_IP = 0x0800;
    private static final int SOCKADDR_LL_SIZE = 20;
    private static final int FRAME = 65536;
    private static final int BUFFER_BYTES = 32 << 20;

    private final int fd;

    /** Starts to capture; the socket keeps frames until they are asked for, as many as fit. */
    Capture(Host host) throws Exception {
        int index = (int) KernelView.link(host, "eth0").integer("ifindex");
        fd = host.namespace().call(() -> open(index));
    }

    private static int open(int interfaceIndex) throws SystemCallException {
        int fd = SystemCallException.check("socket AF_PACKET",
                LibcSocket.socket(AF_PACKET, LibcSocket.SOCK_RAW | LibcSocket.SOCK_CLOEXEC, Short.toUnsignedInt(Short.reverseBytes((short) ETH_P_IP))));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom(JAVA_INT, BUFFER_BYTES);
            SystemCallException.check("setsockopt SO_RCVBUFFORCE",
                    LibcSocket.setsockopt(fd, LibcSocket.SOL_SOCKET, LibcSocket.SO_RCVBUFFORCE, bytes));
            MemorySegment address = arena.allocate(SOCKADDR_LL_SIZE, 8);
            address.set(JAVA_SHORT, 0, (short) AF_PACKET);
            address.set(JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2, (short) ETH_P_IP);
            address.set(JAVA_INT, 4, interfaceIndex);
            SystemCallException.check("bind AF_PACKET", LibcSocket.bind(fd, address));
        }
        return fd;
    }

    /** Everything captured so far, each an IPv4 packet (the Ethernet header is cut off). */
    List<byte[]> packets() {
        List<byte[]> packets = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment frame = arena.allocate(FRAME);
            for (long length = receive(frame); length > 0; length = receive(frame)) {
                packets.add(frame.asSlice(14, length - 14).toArray(JAVA_BYTE));
            }
        }
        return packets;
    }

    private long receive(MemorySegment frame) {
        return LibcSocket.recv(fd, frame, FRAME, LibcSocket.MSG_DONTWAIT);
    }

    @Override
    public void close() {
        Libc.close(fd);
    }
}
