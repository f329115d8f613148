package flannel.backend.udp;

import flannel.linux.SystemCallException;
import flannel.linux.TunDevice;
import flannel.linux.UdpSocket;
import flannel.log.Log;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * What all threads share: the TUN device, the sockets, and what they are told, which changes by one volatile write each.
 */
final class Tunnel {

    private static final int RECEIVE_BUFFER_BYTES = 4 << 20;

    /** How many are looked into: anybody can send us ICMP. */
    private static final int MTU_REPORTS_PER_SECOND = 100;

    private final TunDevice tun;
    private final List<UdpSocket> sockets;
    private final Features features;
    private final UdpConfig config;
    private final Log log;
    private final RateLimit restoreLogLimit = new RateLimit(1, 5);
    private final RateLimit mtuReportLimit = new RateLimit(MTU_REPORTS_PER_SECOND, MTU_REPORTS_PER_SECOND);

    private volatile int mtu;
    private volatile ForwardingTable table = ForwardingTable.EMPTY;
    private volatile PathMtus mtus = PathMtus.NONE;

    /**
     * @param sockets one for each of the device's queues
     * @param mtu     of the interface that the datagrams leave by
     */
    Tunnel(TunDevice tun, List<UdpSocket> sockets, Features features, UdpConfig config, int mtu, Log log) {
        this.tun = tun;
        this.sockets = sockets;
        this.features = features;
        this.config = config;
        this.mtu = mtu;
        this.log = log;
        sockets.forEach(socket -> socket.bufferSizes(SocketRoom.FIRST_BYTES / 2, RECEIVE_BUFFER_BYTES));
    }

    /**
     * Goes on with other sockets, in the place of those there were.
     *
     * @param nextMtu of the interface that their datagrams leave by
     */
    void moveTo(List<UdpSocket> next, int nextMtu) throws SystemCallException {
        for (UdpSocket socket : next) {
            socket.bufferSizes(SocketRoom.FIRST_BYTES / 2, RECEIVE_BUFFER_BYTES);
            if (features.merging()) {
                socket.mergeReceived();
            }
        }
        for (int i = 0; i < next.size(); i++) {
            sockets.get(i).replaceBy(next.get(i));
        }
        mtu(nextMtu);
    }

    /** The interface that the datagrams leave by is another, or has another MTU: what is known of the paths is forgotten. */
    synchronized void mtu(int next) {
        mtu = next;
        mtus = PathMtus.NONE;
    }

    TunDevice tun() {
        return tun;
    }

    /** One of the device's queues, and a socket. */
    Lane lane(int queue) {
        return new Lane(tun.readFd(queue), tun.writeFd(queue), sockets.get(queue));
    }

    List<UdpSocket> sockets() {
        return sockets;
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

    /** Somebody deleted the device: makes it again, if no other thread has. Its addresses and routes are the reconciler's, which hears of the new device. */
    synchronized void restoreDevice() {
        int result = tun.attach();
        if (result == 0) {
            return;
        }
        if (result > 0) {
            result = features.enableAgain(tun);
        }
        if (result < 0) {
            throw new UncheckedIOException(new SystemCallException("ioctl TUNSETIFF " + tun.name() + " after its deletion", -result));
        }
        if (restoreLogLimit.allows(System.nanoTime())) {
            log.warning("udp: somebody deleted " + tun.name() + "; it has been made again");
        }
    }

    /** A router has told how large a packet may be to get to that host. */
    synchronized void reported(int host, int largest) {
        if (largest > 0 && largest < mtu && table.isPeer(host)) {
            long now = System.nanoTime();
            if (mtuReportLimit.allows(now)) {
                mtus = mtus.with(host, largest, now);
            }
        }
    }
}
