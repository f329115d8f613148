package flannel.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.kernel.Underlays.Selection;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which interface is chosen, where it is followed to, and what is said while there is none. */
class UnderlaysTest {

    private static final Selection ANY = new Selection(List.of(), List.of(), null);
    private static final MacAddress MAC = MacAddress.parse("02:00:00:00:e0:01");
    private static final int ETH0 = FakeKernel.ETH0;
    private static final int ETH1 = 7;
    private static final int TUN0 = 8;

    private final FakeKernel kernel = new FakeKernel();
    private Underlay current;

    @BeforeEach
    void aHostWithTwoInterfaces() throws Exception {
        kernel.entries.add(new Found.Link(1, "lo", true, true, 65536, 1000, null, "", null));
        kernel.entries.add(link(ETH1, "eth1", 9000));
        address(1, "127.0.0.1/8");
        address(ETH0, "192.168.32.211/24");
        address(ETH1, "10.77.0.5/24");
        defaultRoute(ETH0, "192.168.32.1", 100);
        current = Underlays.choose(ANY, kernel);
        assertEquals("eth0", current.name());
    }

    private static Selection iface(String... wanted) {
        return new Selection(List.of(wanted), List.of(), null);
    }

    private static Selection regex(String... wanted) {
        return new Selection(List.of(), Stream.of(wanted).map(Pattern::compile).toList(), null);
    }

    private static Found.Link link(int index, String name, int mtu) {
        return new Found.Link(index, name, true, false, mtu, 1000, MAC, "", null);
    }

    private void address(int index, String cidr) {
        String[] parts = cidr.split("/");
        kernel.entries.add(new Found.Address(index, Ipv4.parse(parts[0]), Integer.parseInt(parts[1])));
    }

    private void noAddress(int index) {
        kernel.entries.removeIf(entry -> entry instanceof Found.Address address && address.index() == index);
    }

    private void defaultRoute(int index, String gateway, int metric) {
        kernel.entries.add(new Found.Route(index, Ipv4Subnet.parse("0.0.0.0/0"), Ipv4.parse(gateway), false, 3, 0, metric, true));
    }

    private void replace(Found.Link link) {
        kernel.entries.removeIf(entry -> entry instanceof Found.Link other && other.index() == link.index());
        kernel.entries.add(link);
    }

    private Underlay follow(Selection selection, Underlay from) throws Exception {
        return Underlays.follow(selection, from, kernel);
    }

    private String failure(Selection selection, Underlay from) {
        return assertThrows(UnderlayException.class, () -> follow(selection, from)).getMessage();
    }

    private String failure(Selection selection) {
        return assertThrows(UnderlayException.class, () -> Underlays.choose(selection, kernel)).getMessage();
    }

    @Test
    void anotherDefaultRouteMovesNobody() throws Exception {
        kernel.entries.add(link(TUN0, "tun0", 1400));
        address(TUN0, "172.29.0.2/32");
        defaultRoute(TUN0, "172.29.0.1", 0);
        assertEquals("tun0", Underlays.choose(ANY, kernel).name(), "a new choice would");
        assertEquals(current, follow(ANY, current));
    }

    @Test
    void aFurtherAddressChangesNothingAndTheLossOfTheFirstMovesToIt() throws Exception {
        address(ETH0, "192.168.32.90/24");
        assertEquals(current, follow(ANY, current));
        noAddress(ETH0);
        address(ETH0, "192.168.32.90/24");
        Underlay after = follow(ANY, current);
        assertEquals(new Underlay("eth0", ETH0, Ipv4.parse("192.168.32.90"), current.onLink(), current.mtu(), current.mac()), after);
        assertEquals(after, follow(ANY, after));
    }

    @Test
    void whileThereIsNoAddressThatIsSaidAndItsReturnIsNoChange() throws Exception {
        noAddress(ETH0);
        assertEquals("eth0 has no IPv4 address", failure(ANY, current));
        address(ETH0, "192.168.32.211/24");
        assertEquals(current, follow(ANY, current));
    }

    @Test
    void aRenamedInterfaceIsTheSame() throws Exception {
        replace(link(ETH0, "lan0", 1500));
        Underlay after = follow(iface("eth0"), current);
        assertEquals(new Underlay("lan0", ETH0, current.address(), current.onLink(), 1500, MAC), after);
    }

    @Test
    void anInterfaceMadeAnewUnderItsNameIsTheSame() throws Exception {
        kernel.deleteLink(ETH0, "eth0");
        assertTrue(failure(ANY, current).startsWith("eth0 is gone: failed to get default interface"), failure(ANY, current));
        kernel.entries.add(link(9, "eth0", 1500));
        assertEquals("eth0 has no IPv4 address", failure(ANY, current));
        address(9, "192.168.32.50/24");
        assertEquals(new Underlay("eth0", 9, Ipv4.parse("192.168.32.50"), current.onLink(), 1500, MAC), follow(ANY, current));
    }

    @Test
    void anInterfaceThatIsGoneIsChosenAnew() throws Exception {
        kernel.deleteLink(ETH0, "eth0");
        defaultRoute(ETH1, "10.77.0.1", 0);
        assertEquals("eth1", follow(ANY, current).name());
        assertEquals("eth1", follow(iface("eth0", "eth1"), current).name());
        assertTrue(failure(iface("eth0"), current).contains("-iface=eth0: no such network interface; there are eth1 (10.77.0.5)"));
    }

    @Test
    void anAddressThatMovedToABridgeIsFollowedUnlessTheOperatorNamedTheInterface() throws Exception {
        noAddress(ETH0);
        kernel.entries.add(link(9, "br0", 1500));
        address(9, "192.168.32.211/24");
        assertEquals("br0", follow(ANY, current).name());
        assertEquals("br0", follow(iface("192.168.32.211"), current).name());
        assertEquals("eth0 has no IPv4 address", failure(iface("eth0"), current));
    }

    @Test
    void whatTheOperatorAskedForGoesBeforeTheInterface() throws Exception {
        noAddress(ETH0);
        address(ETH0, "192.168.40.9/24");
        assertEquals("eth0", follow(iface("eth0"), current).name());
        assertEquals("eth0", follow(regex("^eth0$"), current).name());
        assertEquals("eth1", follow(iface("192.168.32.211", "10.77.0.5"), current).name());
        assertEquals("eth1", follow(regex("^192\\.168\\.32\\.", "^10\\."), current).name());
        String said = failure(iface("192.168.32.211"), current);
        assertTrue(said.startsWith("192.168.32.211 is gone: -iface=192.168.32.211: No interface with given IP found; there are"), said);
        assertTrue(said.contains("eth0 (192.168.40.9)") && said.contains("eth1 (10.77.0.5)"), said);
    }

    @Test
    void aWrongNameIsAnsweredWithWhatThereIs() {
        assertEquals("-iface=eth7: no such network interface; there are eth0 (192.168.32.211), eth1 (10.77.0.5)", failure(iface("eth7")));
        for (int i = 0; i < 3000; i++) {
            kernel.entries.add(link(100 + i, "veth" + i, 1500));
            address(100 + i, "10.200." + i / 250 + "." + (1 + i % 250) + "/24");
        }
        assertTrue(failure(iface("eth7")).length() < 500 && failure(iface("eth7")).endsWith(" more"), failure(iface("eth7")));
        kernel.entries.removeIf(entry -> entry instanceof Found.Address);
        assertEquals("-iface=eth7: no such network interface; no interface has an IPv4 address", failure(iface("eth7")));
    }

    @Test
    void whatMayChangeTheUnderlayConcernsIt() {
        Found.Link eth0 = new Found.Link(ETH0, "eth0", true, false, 1500, 1000, current.mac(), "", null);
        Found.Address own = new Found.Address(ETH0, current.address(), 24);
        Found.Address other = new Found.Address(ETH1, Ipv4.parse("10.77.0.6"), 24);
        Found.Route route = new Found.Route(ETH0, Ipv4Subnet.parse("0.0.0.0/0"), Ipv4.parse("192.168.32.1"), false, 3, 0, 0, true);
        List<KernelEvent> reasons = List.of(new KernelEvent.Overrun(), new KernelEvent.Vanished(own), new KernelEvent.Appeared(own),
                new KernelEvent.Vanished(eth0), new KernelEvent.Appeared(link(ETH0, "lan0", 1500)),
                new KernelEvent.Appeared(link(9, "eth0", 1500)),
                new KernelEvent.Appeared(new Found.Link(ETH0, "eth0", true, false, 9000, 1000, current.mac(), "", null)));
        List<KernelEvent> others = List.of(new KernelEvent.RulesChanged(), new KernelEvent.Appeared(eth0), new KernelEvent.Vanished(other),
                new KernelEvent.Appeared(other), new KernelEvent.Appeared(link(ETH1, "eth1", 1400)), new KernelEvent.Appeared(route));
        reasons.forEach(event -> assertTrue(Underlays.concerns(event, current), event.toString()));
        others.forEach(event -> assertFalse(Underlays.concerns(event, current), event.toString()));
        List.of(other, eth0, route).forEach(what -> assertTrue(Underlays.concerns(new KernelEvent.Appeared(what), null), what.toString()));
    }

    @Test
    void anOverlayOverTheHostsOwnLinkOrGatewayIsNoticed() throws Exception {
        address(9, "10.1.5.1/24");  // docker0's
        assertEquals(Optional.empty(), Underlays.overlap(Ipv4Subnet.parse("10.1.0.0/16"), current, kernel));
        assertEquals(Optional.of("the range 192.168.32.0/24 of eth0"),
                Underlays.overlap(Ipv4Subnet.parse("192.168.32.0/25"), current, kernel), "without our own address in it");
        assertEquals(Optional.of("the range 192.168.32.0/24 of eth0"),
                Underlays.overlap(Ipv4Subnet.parse("192.168.0.0/16"), current, kernel));
        defaultRoute(ETH1, "10.77.0.1", 200);
        assertEquals(Optional.of("the gateway 10.77.0.1 of the default route"),
                Underlays.overlap(Ipv4Subnet.parse("10.77.0.0/28"), current, kernel));
    }
}
