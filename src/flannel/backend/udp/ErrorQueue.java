package flannel.backend.udp;

import flannel.linux.IoVectors;
import flannel.linux.LibcMessages;
import flannel.linux.MessageHeaders;
import flannel.linux.UdpSocket;
import java.lang.foreign.Arena;

/** A socket's error queue (IP_RECVERR, ip(7)): what routers have reported about our datagrams. For one thread. */
final class ErrorQueue {

    /** Packets come first. */
    private static final int ERRORS_AT_A_TIME = 64;

    /** Bytes of a datagram that come back with an error: none are needed. */
    private static final int PAYLOAD = 64;

    private final Tunnel tunnel;
    private final UdpSocket socket;
    private final MessageHeaders header;

    ErrorQueue(Tunnel tunnel, UdpSocket socket, Arena arena) {
        this.tunnel = tunnel;
        this.socket = socket;
        header = new MessageHeaders(arena, 1);
        IoVectors vectors = new IoVectors(arena, 1);
        vectors.set(0, arena.allocate(PAYLOAD), 0, PAYLOAD);
        header.vectors(0, vectors, 0, 1);
    }

    /** Reads some, and lets the tunnel know of paths that carry less. */
    void read() {
        for (int i = 0; i < ERRORS_AT_A_TIME; i++) {
            header.expect(0);
            if (LibcMessages.recvmsg(socket.fd(), header, 0, LibcMessages.MSG_ERRQUEUE | LibcMessages.MSG_DONTWAIT) < 0) {
                return;
            }
            tunnel.reported(header.peerAddress(0), header.reportedMtu(0));
        }
    }
}
