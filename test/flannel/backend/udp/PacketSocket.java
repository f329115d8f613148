package flannel.backend.udp;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import flannel.lab.NetworkNamespace;
import flannel.linux.Libc;
import flannel.linux.LibcSocket;
import flannel.linux.SystemCallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

/** Hands packets with a virtio header to flannel0, as a container with CAP_NET_RAW may through its eth0 (packet(7), PACKET_VNET_HDR). */
final class PacketSocket implements AutoCloseable {

    private static final int AF_PACKET = 17;
    private static final int SOL_PACKET = 263;
    private static final int PACKET_VNET_HDR = 15;
    private static final int ETH_P_IP = 0x0800;
    private static final int SOCKADDR_LL_SIZE = 20;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(70_000, 8);
    private final MemorySegment address = arena.allocate(SOCKADDR_LL_SIZE, 8);
    private final int fd;

    PacketSocket(NetworkNamespace namespace) throws Exception {
        int index = Integer.parseInt(namespace.run("ip", "-o", "link", "show", "flannel0").replaceFirst("(?s):.*", ""));
        address.set(JAVA_SHORT, 0, (short) AF_PACKET);
        address.set(JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2, (short) ETH_P_IP);
        address.set(JAVA_INT, 4, index);
        fd = namespace.call(() -> SystemCallException.check("socket AF_PACKET",
                LibcSocket.socket(AF_PACKET, LibcSocket.SOCK_RAW | LibcSocket.SOCK_CLOEXEC, 0)));
        SystemCallException.check("setsockopt PACKET_VNET_HDR",
                LibcSocket.setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, arena.allocateFrom(JAVA_INT, 1)));
        SystemCallException.check("setsockopt SO_SNDBUF",
                LibcSocket.setsockopt(fd, LibcSocket.SOL_SOCKET, LibcSocket.SO_SNDBUFFORCE, arena.allocateFrom(JAVA_INT, 1 << 20)));
    }

    /** Sends a packet, made by {@link Packets#withVirtio}. */
    void send(byte[] withVirtio) throws SystemCallException {
        MemorySegment.copy(withVirtio, 0, buffer, JAVA_BYTE, 0, withVirtio.length);
        SystemCallException.check("sendto AF_PACKET", LibcSocket.sendto(fd, buffer, withVirtio.length, 0, address));
    }

    @Override
    public void close() {
        Libc.close(fd);
        arena.close();
    }
}
