package flannel.backend.udp;

import flannel.linux.Errno;
import flannel.linux.SystemCallException;
import flannel.linux.TunDevice;
import flannel.linux.UdpSocket;
import java.util.List;

/**
 * What this kernel can do of what the level allows, found out by trying.
 *
 * @param virtioHeader packets of the TUN device carry a virtio header, and TCP packets come and go as super-packets
 * @param udpSegments  the same for UDP packets (USO, Linux 6.2)
 * @param segmentation the socket sends many datagrams as one message (UDP_SEGMENT, Linux 4.18)
 * @param merging      the socket receives many datagrams as one message (UDP_GRO, Linux 5.0)
 * @param batches      many messages a call (sendmmsg, recvmmsg)
 */
record Features(boolean virtioHeader, boolean udpSegments, boolean segmentation, boolean merging, boolean batches) {

    private static final int TCP = TunDevice.TUN_F_CSUM | TunDevice.TUN_F_TSO4 | TunDevice.TUN_F_TSO6 | TunDevice.TUN_F_TSO_ECN;
    private static final int UDP = TunDevice.TUN_F_USO4 | TunDevice.TUN_F_USO6;

    /** Switches on what there is. */
    static Features enable(Level level, boolean virtioHeader, TunDevice tun, List<UdpSocket> sockets) throws SystemCallException {
        boolean udpSegments = virtioHeader && offload(tun, TCP | UDP);
        if (virtioHeader && !udpSegments) {
            SystemCallException.check("ioctl TUNSETOFFLOAD " + tun.name(), tun.offload(TCP));
        }
        boolean trains = level == Level.OFFLOAD;
        return new Features(virtioHeader, udpSegments, trains && sockets.getFirst().canSegment(),
                trains && sockets.stream().allMatch(UdpSocket::mergeReceived),
                level != Level.SINGLE);
    }

    /** Switches the TUN device's part on again after the device was made anew; 0, or minus the error number. */
    int enableAgain(TunDevice tun) {
        return virtioHeader ? tun.offload(udpSegments ? TCP | UDP : TCP) : 0;
    }

    private static boolean offload(TunDevice tun, int features) throws SystemCallException {
        int result = tun.offload(features);
        if (result < 0 && result != -Errno.EINVAL) {
            SystemCallException.check("ioctl TUNSETOFFLOAD " + tun.name(), result);
        }
        return result == 0;
    }

    /** For the log. */
    String describe() {
        return "TUN device " + (virtioHeader ? udpSegments ? "with TCP and UDP super-packets" : "with TCP super-packets" : "with single packets")
                + ", socket " + (batches ? "many datagrams a call" : "one datagram a call")
                + (segmentation ? ", UDP_SEGMENT" : "") + (merging ? ", UDP_GRO" : "");
    }
}
