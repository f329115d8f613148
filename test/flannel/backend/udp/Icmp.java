package flannel.backend.udp;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import flannel.linux.Libc;
import flannel.linux.LibcSocket;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Forges ICMP errors, from the namespace that the calling thread is in (raw(7)). */
final class Icmp implements AutoCloseable {

    private static final int IPPROTO_ICMP = 1;
    private static final int SOCKADDR_IN_SIZE = 16;

    private final int fd;

    Icmp() throws SystemCallException {
        fd = SystemCallException.check("socket SOCK_RAW",
                LibcSocket.socket(LibcSocket.AF_INET, LibcSocket.SOCK_RAW | LibcSocket.SOCK_CLOEXEC, IPPROTO_ICMP));
    }

    /** Tells a host that a datagram which it is said to have sent to {@code about} was too big for an MTU. */
    void sendFragmentationNeeded(String to, String about, int port, int mtu) throws SystemCallException {
        byte[] quoted = Packets.udp(Ipv4.parse(to).bits(), Ipv4.parse(about).bits(), port, port, 1, new byte[0]);
        byte[] error = new byte[8 + quoted.length];
        error[0] = 3;
        error[1] = 4;
        Packets.u16(error, 6, mtu);
        System.arraycopy(quoted, 0, error, 8, quoted.length);
        Packets.u16(error, 2, Packets.complement(Packets.sum(0, error, 0, error.length)));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SOCKADDR_IN_SIZE, 8);
            address.set(JAVA_SHORT, 0, (short) LibcSocket.AF_INET);
            byte[] bytes = new byte[4];
            Packets.i32(bytes, 0, Ipv4.parse(to).bits());
            MemorySegment.copy(bytes, 0, address, JAVA_BYTE, 4, 4);
            SystemCallException.check("sendto SOCK_RAW",
                    LibcSocket.sendto(fd, arena.allocateFrom(JAVA_BYTE, error), error.length, 0, address));
        }
    }

    @Override
    public void close() {
        Libc.close(fd);
    }
}
