package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lab.Await;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An interface slower than we are: the socket is full most of the time. */
class UdpPressureTest {

    private static final int DATAGRAMS = 4000;
    private static final int BYTES = 1400;

    /** The device's queue has room for 500. */
    private static final int WITHIN_THE_QUEUE = 480;

    /** What waits at the device may be lost there, as at any interface; what was taken from it arrives. The other direction goes on. */
    @ParameterizedTest(name = "level {0}, {1} threads")
    @CsvSource({"OFFLOAD, 1", "OFFLOAD, 2", "TSO, 1", "BATCH, 1", "SINGLE, 1", "SINGLE, 2"})
    void packetsWaitForTheSocket(Level level, int threads) throws Exception {
        Node.withTwo(new UdpConfig(Node.PORT, true, level), new Limits(64, 128 * 1024, 8, threads), (one, two) -> {
            one.namespace().run("tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "20mbit", "burst", "64kb", "limit", "16mb");
            try (DatagramSocket here = socket(one); DatagramSocket there = socket(two)) {
                for (int i = 0; i < DATAGRAMS; i++) {
                    here.send(new DatagramPacket(new byte[BYTES], BYTES, there.getLocalSocketAddress()));
                }
                there.send(new DatagramPacket(new byte[1], 1, here.getLocalSocketAddress()));
                here.receive(new DatagramPacket(new byte[1], 1));
                long arrived = two.backend().counters().of(Counter.RECEIVED_PACKETS);
                assertTrue(arrived < one.backend().counters().of(Counter.SENT_PACKETS), "ours still wait meanwhile");
                Await.that("everything arrives", () -> two.backend().counters().of(Counter.RECEIVED_PACKETS)
                        == one.backend().counters().of(Counter.SENT_PACKETS) && isQuiet(one));
                UdpCounters counters = one.backend().counters();
                System.out.println("    " + level + ", " + threads + " threads: " + counters);
                assertEquals(0, counters.of(Counter.SOCKET_FULL) + counters.of(Counter.SEND_FAILED), counters.toString());
                assertTrue(counters.of(Counter.SENT_PACKETS) > 500);
            }
            one.transferTo(two, 1_000_000);
        });
    }

    /** What a flow sends that has little to send does not wait behind what others send: a connection is there before their packets are. */
    @ParameterizedTest(name = "level {0}, {1} threads")
    @CsvSource({"OFFLOAD, 1", "OFFLOAD, 2"})
    void aHandshakeGoesBeforeABulkThatWaits(Level level, int threads) throws Exception {
        Node.withTwo(new UdpConfig(Node.PORT, true, level), new Limits(64, 128 * 1024, 8, threads), (one, two) -> {
            one.namespace().run("tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "10mbit", "burst", "16kb", "limit", "16mb");
            InetSocketAddress address = new InetSocketAddress(InetAddress.getByName(two.address()), 0);
            try (DatagramSocket here = socket(one); DatagramSocket there = socket(two);
                    ServerSocket server = two.namespace().call(() -> new ServerSocket(0, 1, address.getAddress()))) {
                for (int i = 0; i < WITHIN_THE_QUEUE; i++) {
                    here.send(new DatagramPacket(new byte[BYTES], BYTES, there.getLocalSocketAddress()));
                }
                one.namespace().call(() -> new Socket(address.getAddress(), server.getLocalPort())).close();
                long arrived = two.backend().counters().of(Counter.RECEIVED_PACKETS);
                System.out.println("    " + arrived + " of " + WITHIN_THE_QUEUE + " had arrived before");
                assertTrue(arrived < WITHIN_THE_QUEUE, arrived + " arrived before; " + one.backend().counters());
                Await.that("all arrive", () -> two.backend().counters().of(Counter.RECEIVED_PACKETS) > WITHIN_THE_QUEUE);
            }
        });
    }

    /** Nothing has been read from the device for a while, though it had the time. */
    private static boolean isQuiet(Node node) throws InterruptedException {
        long read = node.backend().counters().of(Counter.TUN_READS);
        Thread.sleep(50);
        return node.backend().counters().of(Counter.TUN_READS) == read;
    }

    private static DatagramSocket socket(Node node) throws Exception {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getByName(node.address()), 0);
        DatagramSocket socket = node.namespace().call(() -> new DatagramSocket(address));
        socket.setSoTimeout(10_000);
        return socket;
    }
}
