package flannel.backend.udp;

import flannel.linux.IoVectors;
import flannel.linux.LibcMessages;
import flannel.linux.MessageHeaders;
import flannel.linux.SystemCallException;
import flannel.linux.TunDevice;
import flannel.linux.UdpSocket;
import flannel.log.Log;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the two directions share: the TUN device, the socket, and what they are told, which changes by one volatile write each.
 */
final class Tunnel {

    private static final int RECEIVE_BUFFER_BYTES = 4 << 20;

    /** Errors read at a time, and those per second that are looked into: anybody can send us ICMP, packets come first. */
    private static final int ERRORS_AT_A_TIME = 64;
    private static final int MTU_REPORTS_PER_SECOND = 100;

    /** Bytes of a datagram that come back with an error: none are needed. */
    private static final int ERROR_PAYLOAD = 64;

    private final TunDevice tun;
    private final UdpSocket socket;
    private final Features features;
    private final UdpConfig config;
    private final Log log;
    private final MessageHeaders errorHeader;
    private final RateLimit restoreLogLimit = new RateLimit(1, 5);
    private final RateLimit mtuReportLimit = new RateLimit(MTU_REPORTS_PER_SECOND, MTU_REPORTS_PER_SECOND);

    private volatile int mtu;
    private volatile ForwardingTable table = ForwardingTable.EMPTY;
    private volatile PathMtus mtus = PathMtus.NONE;

    /** @param mtu of the interface that the datagrams leave by */
    Tunnel(TunDevice tun, UdpSocket socket, Features features, UdpConfig config, int mtu, Arena arena, Log log) {
        this.tun = tun;
        this.socket = socket;
        this.features = features;
        this.config = config;
        this.mtu = mtu;
        this.log = log;
        errorHeader = new MessageHeaders(arena, 1);
        MemorySegment payload = arena.allocate(ERROR_PAYLOAD);
        IoVectors vectors = new IoVectors(arena, 1);
        vectors.set(0, payload, 0, ERROR_PAYLOAD);
        errorHeader.vectors(0, vectors, 0, 1);
        socket.bufferSizes(SocketRoom.FIRST_BYTES / 2, RECEIVE_BUFFER_BYTES);
    }

    /**
     * Goes on with another socket, in the place of the one there was.
     *
     * @param nextMtu of the interface that its datagrams leave by
     */
    void moveTo(UdpSocket next, int nextMtu) throws SystemCallException {
        next.bufferSizes(SocketRoom.FIRST_BYTES / 2, RECEIVE_BUFFER_BYTES);
        if (features.merging()) {
            next.mergeReceived();
        }
        socket.replaceBy(next);
        mtu(nextMtu);
    }

    /** The interface that the datagrams leave by is another, or has another MTU: what is known of the paths is forgotten. */
    void mtu(int next) {
        mtu = next;
        mtus = PathMtus.NONE;
    }

    TunDevice tun() {
        return tun;
    }

    UdpSocket socket() {
        return socket;
    }

    Features features() {
        return features;
    }

    int port() {
        return config.port();
    }

    boolean sourceCheck() {
        return config.sourceCheck();
    }

    ForwardingTable table() {
        return table;
    }

    void table(ForwardingTable next) {
        table = next;
    }

    PathMtus mtus() {
        return mtus;
    }

    /** Somebody deleted the device: makes it again. Its addresses and routes are the reconciler's, which hears of the new device. */
    void restoreDevice() {
        int result = tun.attach();
        if (result == 0) {
            result = features.enableAgain(tun);
        }
        if (result < 0) {
            throw new UncheckedIOException(new SystemCallException("ioctl TUNSETIFF " + tun.name() + " after its deletion", -result));
        }
        if (restoreLogLimit.allows(System.nanoTime())) {
            log.warning("udp: somebody deleted " + tun.name() + "; it has been made again");
        }
    }

    /** Reads some of what routers have reported about our datagrams. Called by the thread that receives. */
    void readErrors() {
        for (int i = 0; i < ERRORS_AT_A_TIME; i++) {
            errorHeader.expect(0);
            if (LibcMessages.recvmsg(socket.fd(), errorHeader, 0, LibcMessages.MSG_ERRQUEUE | LibcMessages.MSG_DONTWAIT) < 0) {
                return;
            }
            int reported = errorHeader.reportedMtu(0);
            int host = errorHeader.peerAddress(0);
            if (reported > 0 && reported < mtu && table.isPeer(host)) {
                long now = System.nanoTime();
                if (mtuReportLimit.allows(now)) {
                    mtus = mtus.with(host, reported, now);
                }
            }
        }
    }
}
