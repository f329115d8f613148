package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lab.Await;
import flannel.net.Ipv4;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a container, a host of the overlay or one beside it may do on purpose, and what the others notice of it: nothing. */
class UdpHostileTest {

    private static final int TCP = 1;

    /** Super-packets that are to be cut into very small segments: each is thousands of times the work of another packet. */
    @ParameterizedTest(name = "level {0}, segments of {1} bytes, {2} super-packets a second")
    @CsvSource({"OFFLOAD, 1, 300", "OFFLOAD, 48, 6000", "TSO, 1, 300"})
    void aPingGoesOnBesideAbsurdSuperPackets(Level level, int segmentSize, int perSecond) throws Exception {
        Node.withTwo(new UdpConfig(Node.PORT, true, level), Limits.forThisHost(1), (one, two) -> {
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

    private static final String UNDERLAY = "192.168.32.2";

    /** A host that holds a lease sends to addresses that are none of ours: through us they would reach what trusts this host. */
    @Test
    void whatIsForElsewhereStaysOut() throws Exception {
        Node.withTwo(UdpConfig.DEFAULT, Limits.forThisHost(1), (one, two) -> {
            one.backend().leases(Node.ONE.subnet(), List.of(Node.TWO, Node.lease("172.16.0.0/12", UNDERLAY)));
            one.namespace().run("ip", "route", "add", "172.16.0.0/12", "dev", "flannel0");
            two.namespace().run("ip", "address", "add", "172.16.0.1/32", "dev", "lo");
            assertEquals(0, one.pings("172.16.0.1", 3), "an address of that host, but not of its subnet");
            assertEquals(3, two.backend().counters().of(Counter.MISDIRECTED));
            assertEquals(3, one.pingsAnswered(two, 3));
            String log = two.log().toString();
            assertTrue(log.contains("dropped a packet from 192.168.32.1 whose destination is not in this host's subnet"
                    + " (it carried 10.1.0.0 -> 172.16.0.1)"), log);
        });
    }

    @Test
    void alsoWithoutSourceCheck() throws Exception {
        Node.withTwo(new UdpConfig(Node.PORT, false, Level.OFFLOAD), Limits.forThisHost(1), (one, two) -> {
            one.backend().leases(Node.ONE.subnet(), List.of(Node.TWO, Node.lease("172.16.0.0/12", UNDERLAY)));
            one.namespace().run("ip", "route", "add", "172.16.0.0/12", "dev", "flannel0");
            two.namespace().run("ip", "address", "add", "172.16.0.1/32", "dev", "lo");
            assertEquals(0, one.pings("172.16.0.1", 3));
            assertEquals(3, two.backend().counters().of(Counter.MISDIRECTED));
            assertEquals(3, one.pingsAnswered(two, 3));
        });
    }

    /**
     * "Fragmentation needed" about datagrams that were never sent: only what is said of a peer counts, and nothing below 552. Of several sockets
     * one hears of it, which need not be the one that sends.
     */
    @ParameterizedTest(name = "{0} queues")
    @ValueSource(ints = {1, 4})
    void forgedErrorsAreBelievedWithinBounds(int queues) throws Exception {
        Node.withTwo(UdpConfig.DEFAULT, Limits.forThisHost(queues), (one, two) -> {
            two.namespace().call(() -> {
                try (Icmp forger = new Icmp()) {
                    for (int i = 0; i < 20_000; i++) {
                        forger.sendFragmentationNeeded("192.168.32.1", "172.16." + i / 256 + "." + i % 256, Node.PORT, 600 + i % 500);
                    }
                    forger.sendFragmentationNeeded("192.168.32.1", "192.168.32.2", Node.PORT, 60);
                }
            });
            Await.that("the last report has been read", () -> one.backend().pathMtu(Ipv4.parse("192.168.32.2")) == 552);
            assertEquals(Integer.MAX_VALUE, one.backend().pathMtu(Ipv4.parse("172.16.0.1")), "no peer");
            assertEquals(3, one.pingsAnswered(two, 3));
            one.transferTo(two, 5_000_000);
        });
    }
}
