package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.probe.Host;
import flannel.probe.Outcome;
import flannel.probe.Refusal;
import flannel.status.NetworkStatus.Echoes;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a series of echoes says of the way to a peer. */
class ReachTest {

    private static final Host PEER = Host.of("vxlan", Ipv4Subnet.parse("10.1.12.0/24"), Ipv4.parse("192.168.32.212"));
    private static final long SECOND = 1_000_000_000L;
    private static final Duration TOOK = Duration.ofMillis(2);

    private final Reach reach = new Reach("192.168.32.212", PEER);
    private long now = -SECOND;

    private static Outcome.Size size(int bytes, boolean answered) {
        Duration took = answered ? TOOK : Duration.ZERO;
        return new Outcome.Size(bytes, 1, answered ? 1 : 0, took, took, took);
    }

    private void round(boolean small, boolean full, Refusal refusal) {
        now += SECOND;
        reach.note(new Outcome(PEER, PEER.addresses().getFirst(), List.of(size(84, small), size(1450, full)), refusal), now);
    }

    @Test
    void nothingIsKnownBeforeTheFirst() {
        assertNull(reach.told(now));
    }

    @Test
    void allIsWell() {
        round(true, true, null);
        assertEquals(new Echoes(Duration.ofSeconds(4), 0, TOOK, ""), reach.told(now + 4 * SECOND));
    }

    @Test
    void aLostOneIsNoTroubleYet() {
        round(true, true, null);
        round(false, false, null);
        round(false, false, null);
        assertEquals(new Echoes(Duration.ofSeconds(2), 1 - 2 / 6.0, TOOK, ""), reach.told(now));
    }

    @Test
    void whatHasAnsweredIsAskedUntilItNoLongerDoes() {
        assertEquals(PEER, reach.asked());
        round(false, false, null);
        assertEquals(PEER, reach.asked());
        round(true, false, null);
        assertEquals(new Host(PEER.subnet(), PEER.addresses().subList(0, 1)), reach.asked());
        round(false, false, null);
        assertEquals(PEER, reach.asked());
    }

    @Test
    void silence() {
        for (int i = 0; i < 3; i++) {
            round(false, false, new Refusal.Reported(Ipv4.parse("192.168.32.1"), 3, 1, 0));
        }
        assertEquals(new Echoes(null, 1, null, "no echo is answered (192.168.32.1 says: host unreachable): is that host up, and does a packet filter"
                + " between the hosts let the backend's packets through?"), reach.told(now));
        round(true, true, null);
        assertEquals("", reach.told(now).trouble());
    }

    @Test
    void onlySmallPacketsGetThrough() {
        for (int i = 0; i < 3; i++) {
            round(true, false, null);
        }
        assertEquals(new Echoes(Duration.ZERO, 0.5, TOOK, "small packets get through, those of 1450 bytes do not: the underlay takes smaller packets"
                + " than its MTU says"), reach.told(now));
    }

    @Test
    void theLastTwentyCount() {
        for (int i = 0; i < 100; i++) {
            round(false, false, null);
        }
        for (int i = 0; i < 19; i++) {
            round(true, true, null);
        }
        assertEquals(0.05, reach.told(now).loss(), 1e-9);
        round(true, true, null);
        assertEquals(0, reach.told(now).loss());
    }
}
