package flannel.probe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lab.Needs;
import flannel.lab.NetworkNamespace;
import flannel.linux.Errno;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Against real kernels: this host's and a peer's, and a router between them whose way to the peer has an MTU of 1400.
 *
 * <pre>
 *   here 192.0.2.1 ---- 192.0.2.254 router 198.51.100.254 --(1400)-- 198.51.100.1 peer, which has all of 10.2.0.0/16
 * </pre>
 */
class EchoesKernelTest {

    private static final Host SELF = host("10.9.9.0", "192.0.2.1");
    private static final Host PEER = host("10.2.0.0", "198.51.100.1");

    /** Ends before its patience does, if all is well. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration SHORT_PATIENCE = Duration.ofMillis(100);

    private static NetworkNamespace here;
    private static NetworkNamespace router;
    private static NetworkNamespace peer;

    @BeforeAll
    static void connect() {
        here = Needs.namespace("here");
        router = Needs.namespace("router");
        peer = Needs.namespace("peer");
        here.connect("eth0", router, "eth0");
        router.connect("eth1", peer, "eth0");
        here.run("ip", "address", "add", "192.0.2.1/24", "dev", "eth0");
        here.run("ip", "route", "add", "default", "via", "192.0.2.254");
        here.run("ip", "route", "add", "unreachable", "203.0.113.0/24");
        router.run("ip", "address", "add", "192.0.2.254/24", "dev", "eth0");
        router.run("ip", "address", "add", "198.51.100.254/24", "dev", "eth1");
        router.run("ip", "route", "add", "10.2.0.0/16", "via", "198.51.100.1", "mtu", "1400");
        router.run("sysctl", "-qw", "net.ipv4.ip_forward=1");
        peer.run("ip", "address", "add", "198.51.100.1/24", "dev", "eth0");
        peer.run("ip", "route", "add", "default", "via", "198.51.100.254");
        peer.run("ip", "route", "add", "local", "10.2.0.0/16", "dev", "lo");
    }

    @AfterAll
    static void remove() {
        for (NetworkNamespace namespace : new NetworkNamespace[] {here, router, peer}) {
            if (namespace != null) {
                namespace.close();
            }
        }
    }

    private static Host host(String... addresses) {
        return new Host(new Ipv4Subnet(Ipv4.parse("10.2.0.0"), 24), List.of(addresses).stream().map(Ipv4::parse).toList());
    }

    private static Plan plan(int bytes, Duration patience) {
        return new Plan(List.of(84, bytes), 3, Duration.ofMillis(20), patience, 4);
    }

    private static Outcome ask(Plan plan, Host peer) throws Exception {
        return here.call(() -> Echoes.ask(plan, SELF, List.of(peer))).outcomes().getFirst();
    }

    @Test
    void allIsAnswered() throws Exception {
        Round round = here.call(() -> Echoes.ask(plan(1400, PATIENCE), SELF, List.of(PEER)));
        assertEquals(Ipv4.parse("192.0.2.1"), round.source(), "the first that this host has");
        Outcome outcome = round.outcomes().getFirst();
        assertEquals(Ipv4.parse("10.2.0.0"), outcome.address());
        assertEquals(6, outcome.sent());
        for (Outcome.Size size : outcome.sizes()) {
            assertEquals(3, size.answered());
            assertEquals(0, size.loss());
            assertTrue(size.least().isPositive(), size.toString());
            assertTrue(size.least().compareTo(size.mean()) <= 0 && size.mean().compareTo(size.most()) <= 0, size.toString());
        }
        assertNull(outcome.refusal());
    }

    @Test
    void theAddressThatAnswers() throws Exception {
        Outcome outcome = ask(plan(1400, PATIENCE), host("10.3.0.0", "10.2.0.1"));
        assertEquals(Ipv4.parse("10.2.0.1"), outcome.address());
        assertEquals(6, outcome.answered());
        assertNull(outcome.refusal(), "that nobody has the first address is of no concern");
    }

    @Test
    void aPathWithASmallerMtu() throws Exception {
        Outcome outcome = ask(plan(1450, SHORT_PATIENCE), PEER);
        assertEquals(3, outcome.sizes().getFirst().answered());
        assertEquals(0, outcome.sizes().getLast().answered());
        assertEquals(1.0, outcome.sizes().getLast().loss());
        assertEquals(new Refusal.Reported(Ipv4.parse("192.0.2.254"), 3, 4, 1400), outcome.refusal());
        assertEquals("192.0.2.254 says: fragmentation needed, MTU 1400", outcome.refusal().text());
    }

    @Test
    void largerThanTheDevice() throws Exception {
        assertEquals(new Refusal.NotSent(Errno.EMSGSIZE), ask(plan(1501, SHORT_PATIENCE), PEER).refusal());
    }

    @Test
    void nobodyAnswers() throws Exception {
        Round round = here.call(() -> Echoes.ask(plan(1400, SHORT_PATIENCE), host("10.9.9.1"), List.of(host("203.0.113.0"), PEER)));
        assertNull(round.source(), "the kernel's choice");
        assertEquals(0, round.outcomes().getFirst().answered());
        assertEquals(new Refusal.NotSent(Errno.EHOSTUNREACH), round.outcomes().getFirst().refusal());
        assertEquals(6, round.outcomes().getLast().answered());
    }

    @Test
    void aHostThatHasNoSuchAddress() throws Exception {
        Plan oneHop = new Plan(List.of(84), 1, Duration.ofMillis(20), SHORT_PATIENCE, 1);
        assertEquals(new Refusal.Reported(Ipv4.parse("192.0.2.254"), 11, 0, 0), ask(oneHop, PEER).refusal());
    }

    @Test
    void manyAtOnce() throws Exception {
        List<Host> peers = IntStream.range(0, 1_000).mapToObj(number -> host(Ipv4.parse("10.2.0.0").plus(number).toString())).toList();
        Plan plan = new Plan(List.of(84, 1400), 2, Duration.ofMillis(200), PATIENCE, 4);
        Round round = here.call(() -> Echoes.ask(plan, SELF, peers));
        assertEquals(peers, round.outcomes().stream().map(Outcome::peer).toList());
        assertTrue(round.outcomes().stream().allMatch(outcome -> outcome.answered() == 4), () -> round.outcomes().stream()
                .filter(outcome -> outcome.answered() < 4).toList().toString());
        assertNotEquals(round.outcomes().getFirst().address(), round.outcomes().getLast().address());
    }
}
