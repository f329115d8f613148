package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lab.Await;
import flannel.lease.Lease;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two data paths in this process, each in a network namespace of its own, without daemons. */
class UdpBackendTest {

    @Test
    void tenThousandPeersAreNoSlowerThanOne() throws Exception {
        Node.withTwo(UdpConfig.DEFAULT, Limits.forThisHost(1), (one, two) -> {
            one.transferTo(two, 200_000_000);                            // warm
            Duration few = one.transferTo(two, 200_000_000);
            List<Lease> peers = new ArrayList<>(List.of(Node.TWO));
            for (int i = 0; i < 10_000; i++) {
                peers.add(Node.lease("10." + (100 + i / 256) + "." + i % 256 + ".0/24", "172.16." + i / 250 + "." + (1 + i % 250)));
            }
            one.backend().leases(Node.ONE.subnet(), peers);
            Duration many = one.transferTo(two, 200_000_000);
            System.out.printf("    200 MB: with 1 peer in %d ms, with %d in %d ms%n", few.toMillis(), peers.size(), many.toMillis());
            assertTrue(many.toMillis() < 5 * few.toMillis(), "far from the thousands of times of a list");
        });
    }

    @ParameterizedTest
    @EnumSource(Level.class)
    void everyPacketIsCounted(Level level) throws Exception {
        Node.withTwo(new UdpConfig(Node.PORT, true, level), new Limits(64, 256 * 1024, 8, 2), (one, two) -> {
            one.transferTo(two, 20_000_000);
            one.namespace().tryRun("ping", "-c", "1", "-W", "1", "10.77.0.1");
            UdpCounters here = one.backend().counters();
            Await.that("the other end has counted them too", () -> two.backend().counters().of(Counter.RECEIVED_BYTES) >= 20_000_000);
            assertTrue(here.of(Counter.SENT_BYTES) > 20_000_000, here.toString());
            assertTrue(here.of(Counter.SENT_PACKETS) >= 20_000_000 / 1472);
            assertEquals(1, here.of(Counter.NO_ROUTE));
            assertEquals(1, here.of(Counter.ICMP_REPLIES));
            for (Counter counter : List.of(Counter.MALFORMED, Counter.STRANGER, Counter.SPOOFED, Counter.MISDIRECTED,
                    Counter.TOO_MANY_SEGMENTS)) {
                assertEquals(0, here.of(counter), here.toString());
            }
            boolean trains = here.of(Counter.SENT_PACKETS) > 10 * here.of(Counter.SENT_MESSAGES);
            boolean superPackets = here.of(Counter.SENT_PACKETS) > 10 * here.of(Counter.TUN_READS);
            assertEquals(level == Level.OFFLOAD, trains, here.toString());
            assertEquals(level.compareTo(Level.TSO) <= 0, superPackets, here.toString());
            assertEquals(level == Level.SINGLE, here.of(Counter.SEND_CALLS) >= here.of(Counter.SENT_PACKETS), here.toString());
        });
    }
}
