package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.net.Ipv4;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a container, a host of the overlay or one beside it may do on purpose, and what the others notice of it: nothing. */
class UdpHostileTest {

    private static final int TCP = 1;

    /** Super-packets that are to be cut into very small segments: each is thousands of times the work of another packet. */
    @ParameterizedTest(name = "level {0}, segments of {1} bytes, {2} super-packets a second")
    @CsvSource({"OFFLOAD, 1, 300", "OFFLOAD, 48, 6000", "TSO, 1, 300"})
    void aPingGoesOnBesideAbsurdSuperPackets(Level level, int segmentSize, int perSecond) throws Exception {
        Node.withTwo(new UdpConfig(Node.PORT, true, level), Limits.forThisHost(), (one, two) -> {
            assertEquals(3, one.pingsAnswered(two, 3));
            byte[] packet = superPacket(segmentSize);
            try (PacketSocket container = new PacketSocket(one.namespace())) {
                Thread attacker = Thread.ofPlatform().daemon().start(() -> send(container, packet, perSecond));
                int answered = one.pingsAnswered(two, 20);
                attacker.interrupt();
                attacker.join();
                System.out.println("    " + answered + " of 20 pings answered; " + one.backend().counters());
                assertTrue(answered >= 12, answered + " of 20; " + one.backend().counters());
            }
        });
    }

    private static void send(PacketSocket container, byte[] packet, int perSecond) {
        long start = System.nanoTime();
        try {
            for (long sent = 0; !Thread.interrupted(); sent++) {
                container.send(packet);
                LockSupport.parkNanos(start + (sent + 1) * 1_000_000_000L / perSecond - System.nanoTime());
            }
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] superPacket(int segmentSize) {
        Packets.Tcp tcp = new Packets.Tcp();
        tcp.source = Ipv4.parse("10.1.0.7").bits();
        tcp.destination = Ipv4.parse("10.2.0.0").bits();
        tcp.payload = new byte[60_000];
        return Packets.withVirtio(1, TCP, segmentSize, 20, 16, tcp.build());
    }
}
