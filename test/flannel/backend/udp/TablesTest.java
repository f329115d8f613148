package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the data path is told, and whom it lets in. */
class TablesTest {

    private static final Ipv4Subnet NETWORK = Ipv4Subnet.parse("10.0.0.0/8");
    private static final Ipv4Subnet OWN = Ipv4Subnet.parse("10.1.1.0/24");

    private static int ip(String text) {
        return Ipv4.parse(text).bits();
    }

    @Test
    void findsEveryOneOfTenThousandSubnets() {
        Map<Ipv4Subnet, Ipv4> routes = new HashMap<>();
        for (int i = 0; i < 10_000; i++) {
            routes.put(new Ipv4Subnet(new Ipv4(ip("10.1.0.0") + (i << 8)), 24), new Ipv4(ip("192.168.0.1") + i));
        }
        ForwardingTable table = new ForwardingTable(NETWORK, OWN, routes);
        routes.forEach((subnet, host) -> {
            assertEquals(host.bits(), table.host(subnet.base().bits()));
            assertEquals(host.bits(), table.host(subnet.last().bits()));
            assertTrue(table.isPeer(host.bits()));
        });
        assertEquals(0, table.host(ip("10.0.255.255")));
        assertEquals(0, table.host(ip("10.1.0.0") + (10_000 << 8)));
        assertFalse(table.isPeer(ip("192.168.0.0")));
    }

    @Test
    void theLongestPrefixCounts() {
        Random random = new Random(7);
        Map<Ipv4Subnet, Ipv4> routes = new HashMap<>();
        for (int i = 0; i < 300; i++) {
            routes.put(new Ipv4Subnet(new Ipv4(ip("10.0.0.0") + (random.nextInt() >>> 14)), 16 + random.nextInt(15)), new Ipv4(1 + i));
        }
        ForwardingTable table = new ForwardingTable(NETWORK, OWN, routes);
        for (int i = 0; i < 20_000; i++) {
            Ipv4 address = new Ipv4(ip("10.0.0.0") + (random.nextInt() >>> 13));
            int expected = routes.keySet().stream().filter(subnet -> subnet.contains(address))
                    .max((a, b) -> a.prefixLength() - b.prefixLength()).map(subnet -> routes.get(subnet).bits()).orElse(0);
            assertEquals(expected, table.host(address.bits()));
        }
    }

    @Test
    void nobodyIsKnownAtFirst() {
        assertEquals(0, ForwardingTable.EMPTY.host(ip("10.1.2.3")));
        assertFalse(ForwardingTable.EMPTY.isPeer(0));
        assertFalse(ForwardingTable.EMPTY.isOwn(ip("10.1.1.2")));
        assertFalse(ForwardingTable.EMPTY.isOwn(-1));
    }

    private static final ForwardingTable TABLE = new ForwardingTable(Ipv4Subnet.parse("10.1.0.0/16"), OWN, Map.of(
            Ipv4Subnet.parse("10.1.2.0/24"), Ipv4.parse("192.168.32.212"), Ipv4Subnet.parse("10.1.3.0/24"), Ipv4.parse("192.168.32.213")));

    private static Counter refusal(String host, String innerSource) {
        return refusal(host, innerSource, "10.1.1.2");
    }

    private static Counter refusal(String host, String innerSource, String innerDestination) {
        return Admission.refusal(TABLE, ip(host),
                MemorySegment.ofArray(Packets.icmpEcho(ip(innerSource), ip(innerDestination), new byte[0])), 0);
    }

    @Test
    void admission() {
        assertNull(refusal("192.168.32.212", "10.1.2.9"));
        assertNull(refusal("192.168.32.212", "192.168.32.212"), "a host's own address");
        assertEquals(Counter.SPOOFED, refusal("192.168.32.212", "10.1.3.9"), "another peer's subnet");
        assertEquals(Counter.SPOOFED, refusal("192.168.32.212", "10.1.1.1"), "our own subnet");
        assertEquals(Counter.SPOOFED, refusal("192.168.32.212", "10.1.99.1"), "nobody's subnet");
        assertEquals(Counter.STRANGER, refusal("192.168.32.214", "10.1.2.9"));
        assertEquals(Counter.STRANGER, refusal("192.168.32.214", "8.8.8.8"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"192.168.32.211", "192.168.32.1", "8.8.8.8", "10.1.2.1", "10.1.3.9", "10.1.99.1", "224.0.0.1",
        "255.255.255.255", "127.0.0.1"})
    void whatIsForElsewhereIsNotTaken(String innerDestination) {
        assertEquals(Counter.MISDIRECTED, refusal("192.168.32.212", "10.1.2.9", innerDestination));
        assertEquals(Counter.MISDIRECTED, refusal("192.168.32.212", "192.168.32.212", innerDestination));
        assertEquals(Counter.STRANGER, refusal("192.168.32.214", "10.1.2.9", innerDestination), "who sends it counts more");
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.1.1.0", "10.1.1.1", "10.1.1.254", "10.1.1.255"})
    void whatIsForThisHostsSubnetIsTaken(String innerDestination) {
        assertNull(refusal("192.168.32.212", "10.1.2.9", innerDestination));
    }

    @Test
    void pathMtusAreForgotten() {
        PathMtus mtus = PathMtus.NONE.with(1, 1400, 0).with(2, 68, 0);
        assertEquals(1400, mtus.of(1, 0));
        assertEquals(552, mtus.of(2, 0), "nothing below the kernel's own floor is believed");
        assertEquals(Integer.MAX_VALUE, mtus.of(3, 0));
        assertEquals(Integer.MAX_VALUE, mtus.of(1, 601_000_000_000L));
        assertTrue(PathMtus.NONE.isEmpty());
    }

    @Test
    void aFullTableOfPathMtusTakesNewsOfTheHostsInIt() {
        PathMtus mtus = PathMtus.NONE;
        for (int host = 1; host <= 2000; host++) {
            mtus = mtus.with(host, 1400, 0);
        }
        assertEquals(1400, mtus.of(1024, 0));
        assertEquals(Integer.MAX_VALUE, mtus.of(1025, 0));
        assertEquals(1300, mtus.with(1, 1300, 0).of(1, 0));
    }

    @Test
    void rateLimit() {
        RateLimit limit = new RateLimit(10, 3);
        long start = Long.MAX_VALUE - 50_000_000;
        int allowed = 0;
        for (int i = 0; i < 100; i++) {
            allowed += limit.allows(start) ? 1 : 0;
        }
        assertEquals(3, allowed);
        assertTrue(limit.allows(start + 100_000_000), "one more after a tenth of a second, over the clock's overflow");
        assertFalse(limit.allows(start + 100_000_000));
        allowed = 0;
        for (int i = 0; i < 100; i++) {
            allowed += limit.allows(start + 10_000_000_000L) ? 1 : 0;
        }
        assertEquals(3, allowed, "no more than a burst is saved up");
    }
}
