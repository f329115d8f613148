package flannel.kernel;

import static flannel.kernel.ReconcilerKernelTest.peer;
import static flannel.kernel.ReconcilerKernelTest.vxlan;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which changes the reconciler asks of the kernel, and in which order. */
class ReconcilerTest {

    private static final int FLANNEL_1 = FakeKernel.ETH0 + 1;
    private static final MacAddress MAC = MacAddress.parse("02:00:00:00:d3:01");

    private final FakeKernel kernel = new FakeKernel();
    private final Reconciler reconciler = new Reconciler(new Log(new PrintStream(OutputStream.nullOutputStream()), 0), kernel);

    private void applied(int peers) throws Exception {
        assertEquals(List.of(), reconciler.apply(vxlan(peers)));
        kernel.asked.clear();
    }

    private List<String> asked() {
        return kernel.asked.stream().map(change -> change.kind() + " " + switch (change.what()) {
            case Found.Route route -> "route " + route.destination();
            case Found.Neighbour neighbour -> "neighbour " + neighbour.address();
            case Found.Fdb fdb -> "fdb " + fdb.mac();
            case Found.Address address -> "address " + address.address();
            case Found.Link link -> "link " + link.name();
        }).toList();
    }

    private static Found.Route route(String destination, String gateway, int device, int protocol) {
        return new Found.Route(device, Ipv4Subnet.parse(destination), gateway == null ? null : Ipv4.parse(gateway), false, protocol,
                gateway == null ? 253 : 0, 0, true);
    }

    @Test
    void whatARouteNeedsIsThereBeforeIt() throws Exception {
        reconciler.apply(vxlan(2));
        assertEquals(List.of("PUT address 10.1.0.0",
                "PUT neighbour 10.1.1.0", "PUT neighbour 10.1.2.0", "PUT fdb 02:00:00:00:00:01", "PUT fdb 02:00:00:00:00:02",
                "ADD route 10.1.1.0/24", "ADD route 10.1.2.0/24"), asked());
    }

    @Test
    void whatIsInPlaceIsLeftAlone() throws Exception {
        applied(100);
        assertEquals(List.of(), reconciler.reconcile());
        assertEquals(List.of(), reconciler.apply(vxlan(100)));
        assertEquals(List.of(), asked());
    }

    @Test
    void aComparisonTellsWhatItHadToChange() throws Exception {
        applied(2);
        long before = reconciler.comparisons();
        kernel.deleteLink(FLANNEL_1, "flannel.1");
        reconciler.reconcile();
        assertEquals(new Reconciler.Comparison(Map.of("link", 1, "address", 1, "neighbour", 2, "fdb", 2, "route", 2), "deleted link flannel.1"),
                reconciler.lastComparison());
        reconciler.reconcile();
        assertEquals(new Reconciler.Comparison(Map.of(), ""), reconciler.lastComparison());
        assertEquals(before + 2, reconciler.comparisons());
    }

    @Test
    void whatTheKernelRefusesWasNotChanged() throws Exception {
        kernel.unwelcome = what -> what instanceof Found.Route;
        reconciler.apply(vxlan(2));
        reconciler.reconcile();
        assertEquals(new Reconciler.Comparison(Map.of(), ""), reconciler.lastComparison());
    }

    @Test
    void oneLeaseIsOneMessageForEachOfItsEntries() throws Exception {
        applied(200);
        reconciler.change(List.of(), peer(201));
        assertEquals(List.of("PUT neighbour 10.1.201.0", "PUT fdb 02:00:00:00:00:c9", "ADD route 10.1.201.0/24"), asked());
        kernel.asked.clear();
        reconciler.change(peer(7), List.of());
        assertEquals(List.of("DELETE route 10.1.7.0/24", "DELETE neighbour 10.1.7.0", "DELETE fdb 02:00:00:00:00:07"), asked());
    }

    @Test
    void aPeerThatMovesIsReplacedWithoutAGap() throws Exception {
        applied(3);
        KernelEntry.Fdb before = new KernelEntry.Fdb("flannel.1", MacAddress.parse("02:00:00:00:00:02"), Ipv4.parse("192.168.32.2"));
        KernelEntry.Fdb after = new KernelEntry.Fdb("flannel.1", before.mac(), Ipv4.parse("192.168.32.99"));
        reconciler.change(List.of(before), List.of(after));
        assertEquals(List.of("PUT fdb 02:00:00:00:00:02", "DELETE fdb 02:00:00:00:00:02"), asked());
        assertEquals(Ipv4.parse("192.168.32.99"), ((Found.Fdb) kernel.asked.getFirst().what()).vtep());
    }

    @Test
    void staleEntriesGoAndForeignOnesStay() throws Exception {
        applied(1);
        Set<Found> foreign = Set.of(
                route("0.0.0.0/0", "192.168.32.1", FakeKernel.ETH0, 3), route("10.1.99.0/24", null, FakeKernel.ETH0, 4),
                route("10.2.0.0/24", "192.168.32.9", FakeKernel.ETH0, Reconciler.ROUTE_PROTOCOL), route("10.1.0.0/32", null, FLANNEL_1, 2),
                new Found.Neighbour(FakeKernel.ETH0, Ipv4.parse("192.168.32.9"), MacAddress.parse("02:00:00:00:00:09"), 0x80));
        Set<Found> stale = Set.of(
                route("10.1.50.0/24", "192.168.32.9", FakeKernel.ETH0, Reconciler.ROUTE_PROTOCOL), route("10.1.0.0/16", null, FLANNEL_1, 3),
                new Found.Neighbour(FLANNEL_1, Ipv4.parse("10.1.50.0"), MacAddress.parse("02:00:00:00:00:50"), 0x80),
                new Found.Fdb(FLANNEL_1, MacAddress.parse("02:00:00:00:00:50"), Ipv4.parse("192.168.32.50"), 0x80),
                new Found.Address(FLANNEL_1, Ipv4.parse("10.1.50.0"), 32));
        Set<Found> right = new HashSet<>(kernel.entries);
        kernel.entries.addAll(foreign);
        kernel.entries.addAll(stale);
        reconciler.reconcile();
        assertTrue(kernel.entries.containsAll(foreign), asked().toString());
        assertTrue(kernel.entries.containsAll(right), asked().toString());
        stale.forEach(entry -> assertFalse(kernel.entries.contains(entry), entry.toString()));
    }

    @Test
    void aForeignRouteThatWasThereFirstIsNamedAndLeft() throws Exception {
        Found.Route foreign = route("10.1.2.0/24", null, FakeKernel.ETH0, 4);
        kernel.entries.add(foreign);
        for (int time = 0; time < 3; time++) {
            List<Reconciler.Failure> failures = time == 0 ? reconciler.apply(vxlan(3)) : reconciler.reconcile();
            assertEquals(1, failures.size());
            assertTrue(failures.getFirst().why().getMessage().contains("route 10.1.2.0/24 dev eth0"), failures.toString());
            assertTrue(kernel.entries.contains(foreign));
        }
        assertEquals(2, kernel.routes().stream().filter(route -> route.index() == FLANNEL_1).count());
    }

    @Test
    void docker0sOwnRouteIsNotToBeRemovedButDockerStartedAgain() throws Exception {
        kernel.entries.add(new Found.Link(9, "docker0", true, false, 1450, 1000, MAC, "bridge", null));
        kernel.entries.add(new Found.Route(9, Ipv4Subnet.parse("10.1.2.0/24"), null, false, 2, 253, 0, false));
        kernel.entries.add(new Found.Link(10, "br-7f", true, false, 1450, 1000, MAC, "bridge", null));
        kernel.entries.add(new Found.Route(10, Ipv4Subnet.parse("10.1.3.0/24"), null, false, 2, 253, 0, false));
        kernel.entries.add(route("10.1.1.0/24", "10.1.2.9", 9, 4));
        List<String> told = reconciler.apply(vxlan(3)).stream().map(failure -> failure.why().getMessage()).toList();
        assertEquals(3, told.size());
        assertTrue(told.get(0).endsWith("device docker0 has an address in 10.1.2.0/24, another host's subnet; "
                + "Docker must be started with this host's subnet: systemctl restart docker"), told.toString());
        assertTrue(told.get(1).contains("device br-7f has an address in 10.1.3.0/24"), told.toString());
        assertTrue(told.get(2).contains("someone else's route 10.1.1.0/24 via 10.1.2.9 dev docker0 is there; remove it"), told.toString());
    }

    @Test
    void aRouteThatTookThePlaceOfOursIsReplaced() throws Exception {
        applied(3);
        Found.Route ours = kernel.routes().get(1);
        Found.Route usurper = route(ours.destination().toString(), "192.168.32.1", FakeKernel.ETH0, 3);
        kernel.entries.remove(ours);
        kernel.entries.add(usurper);
        assertEquals(List.of(), reconciler.reconcile());
        assertEquals(List.of("PUT route " + ours.destination()), asked());
        assertTrue(kernel.entries.contains(ours));
    }

    private static DesiredState hostGateway(Set<Ipv4> formerGateways, KernelEntry... entries) {
        return new DesiredState(Ipv4Subnet.parse("10.1.0.0/16"), 24, "eth0", null, List.of(entries), formerGateways);
    }

    private static KernelEntry.Route wanted(Found.Route route) {
        return new KernelEntry.Route(route.destination(), route.gateway(), "eth0", false);
    }

    @Test
    void routesOfAGoHostGatewayToHostsWithALeaseAreTakenOverAtTheFirstLookOnly() throws Exception {
        Set<Ipv4> hosts = Set.of(Ipv4.parse("192.168.32.2"), Ipv4.parse("192.168.32.3"));
        Found.Route right = route("10.1.2.0/24", "192.168.32.2", FakeKernel.ETH0, 3);
        Found.Route moved = route("10.1.3.0/24", "192.168.32.2", FakeKernel.ETH0, 3);
        Found.Route stale = route("10.1.50.0/24", "192.168.32.3", FakeKernel.ETH0, 3);
        kernel.entries.addAll(List.of(right, moved, stale));
        DesiredState desired = hostGateway(hosts, wanted(right), wanted(route("10.1.3.0/24", "192.168.32.3", FakeKernel.ETH0, 3)));
        assertEquals(List.of(), reconciler.apply(desired));
        assertEquals(List.of("PUT route 10.1.2.0/24", "PUT route 10.1.3.0/24", "DELETE route 10.1.50.0/24"), asked());
        kernel.entries.add(stale);
        kernel.asked.clear();
        reconciler.reconcile();
        assertEquals(List.of(), asked());
    }

    @Test
    void theAdministratorsRoutesStay() throws Exception {
        Found.Route toNobodysHost = route("10.1.88.0/24", "192.168.32.9", FakeKernel.ETH0, 3);
        Found.Route narrow = route("10.1.89.7/32", "192.168.32.2", FakeKernel.ETH0, 3);
        Found.Route toAHost = route("10.1.90.0/24", "192.168.32.2", FakeKernel.ETH0, 3);
        kernel.entries.addAll(List.of(toNobodysHost, narrow, toAHost));
        assertEquals(List.of(), reconciler.apply(hostGateway(Set.of())), "alloc");
        assertEquals(List.of(), asked());
        assertEquals(List.of(), reconciler.apply(hostGateway(Set.of(Ipv4.parse("192.168.32.2")))), "host-gw, for the first time");
        assertEquals(List.of("DELETE route 10.1.90.0/24"), asked());
    }

    /** An older package was on this host once more: what it left is of use to the very leases that it was made for. */
    @Test
    void aRouteThatOnlyLacksOurMarkBecomesOurs() throws Exception {
        Found.Route right = route("10.1.2.0/24", "192.168.32.2", FakeKernel.ETH0, 3);
        kernel.entries.add(right);
        assertEquals(List.of(), reconciler.apply(hostGateway(Set.of(), wanted(right))));
        assertEquals(List.of("PUT route 10.1.2.0/24"), asked());
    }

    @Test
    void aDeviceThatIsGoneIsMadeAnewWithAllThatWasOnIt() throws Exception {
        applied(2);
        Set<String> before = new HashSet<>(kernel.entries.stream().map(entry -> entry.toString().replaceAll("index=\\d+", "")
                .replaceAll("queueLength=\\d+", "")).toList());
        kernel.entries.removeIf(entry -> entry.index() == FLANNEL_1);
        assertEquals(List.of(), reconciler.reconcile());
        assertEquals(before, new HashSet<>(kernel.entries.stream().map(entry -> entry.toString().replaceAll("index=\\d+", "")
                .replaceAll("queueLength=\\d+", "")).toList()));
    }

    @ParameterizedTest(name = "a kernel that can change the device in place: {0}")
    @ValueSource(booleans = {true, false})
    void theDeviceFollowsTheUnderlayAndKeepsTheAddressThatItsPeersKnow(boolean inPlace) throws Exception {
        kernel.changesVxlan = inPlace;
        applied(2);
        DesiredState renumbered = vxlan(2, "eth0", "192.168.32.77");
        assertEquals(MAC, reconciler.vtepMac(withOtherMac(renumbered)).orElseThrow());
        assertEquals(List.of(), reconciler.apply(renumbered));
        assertFollowed(renumbered, FakeKernel.ETH0, inPlace ? FLANNEL_1 : FLANNEL_1 + 1);
        assertEquals(inPlace ? 0 : 7, kernel.asked.size(), asked().toString());
        kernel.asked.clear();

        Found.Link eth0 = kernel.link("eth0").orElseThrow();
        kernel.entries.remove(eth0);
        kernel.entries.add(new Found.Link(eth0.index(), "lan0", true, false, 1500, 1000, eth0.mac(), "veth", null));
        DesiredState renamed = vxlan(2, "lan0", "192.168.32.77");
        assertEquals(List.of(), reconciler.apply(renamed));
        assertEquals(List.of(), asked(), "it is the same interface");

        // made anew: the kernel takes a VXLAN device along with its underlay
        kernel.deleteLink(FakeKernel.ETH0, "lan0");
        kernel.deleteLink(kernel.link("flannel.1").orElseThrow().index(), "flannel.1");
        kernel.entries.add(new Found.Link(50, "lan0", true, false, 1500, 1000, eth0.mac(), "veth", null));
        assertTrue(reconciler.contradicts(new KernelEvent.Appeared(kernel.link("lan0").orElseThrow())));
        assertEquals(MAC, reconciler.vtepMac(withOtherMac(renamed)).orElseThrow(), "though there is no device");
        assertEquals(List.of(), reconciler.apply(renamed));
        assertFollowed(renamed, 50, kernel.link("flannel.1").orElseThrow().index());
    }

    private void assertFollowed(DesiredState state, int underlay, int index) throws Exception {
        Found.Link device = kernel.link("flannel.1").orElseThrow();
        Link.Vxlan wanted = (Link.Vxlan) state.link();
        assertEquals(new Found.Link(index, "flannel.1", true, false, wanted.mtu(), 1000, MAC, "vxlan",
                new Found.Vxlan(1, 8472, wanted.local(), underlay, false, false, true)), device);
        assertEquals(7, kernel.entries.stream().filter(entry -> entry.index() == index && !(entry instanceof Found.Link)).count());
        assertEquals(2 + 7, kernel.entries.size());
    }

    /** As it is asked for after a move, when the MAC for a new device would be another. */
    private static Link.Vxlan withOtherMac(DesiredState state) {
        Link.Vxlan link = (Link.Vxlan) state.link();
        return new Link.Vxlan(link.name(), link.mtu(), link.vni(), link.port(), link.local(), link.underlay(),
                MacAddress.parse("02:00:00:00:d3:99"), link.learning(), link.gbp());
    }

    @Test
    void aDeviceOfAnEarlierRunIsMovedToTheUnderlayOfThisOne() throws Exception {
        applied(2);
        Found.Link before = kernel.link("flannel.1").orElseThrow();
        kernel.entries.add(new Found.Link(50, "eth1", true, false, 1500, 1000, MAC, "veth", null));
        DesiredState moved = vxlan(2, "eth1", "10.77.0.5");
        try (Reconciler next = new Reconciler(new Log(new PrintStream(OutputStream.nullOutputStream()), 0), kernel)) {
            assertEquals(before.mac(), next.vtepMac(withOtherMac(moved)).orElseThrow());
            assertEquals(List.of(), next.apply(moved));
        }
        assertEquals(List.of(), asked());
        assertEquals(before.index(), kernel.link("flannel.1").orElseThrow().index());
    }

    @Test
    void plainRoutesMoveToAnotherUnderlayInPlace() throws Exception {
        Found.Route onEth0 = route("10.1.2.0/24", "192.168.32.2", FakeKernel.ETH0, Reconciler.ROUTE_PROTOCOL);
        assertEquals(List.of(), reconciler.apply(hostGateway(Set.of(), wanted(onEth0))));
        kernel.asked.clear();
        kernel.entries.add(new Found.Link(50, "eth1", true, false, 1500, 1000, MAC, "veth", null));
        assertEquals(List.of(), reconciler.apply(new DesiredState(Ipv4Subnet.parse("10.1.0.0/16"), 24, "eth1", null,
                List.of(new KernelEntry.Route(onEth0.destination(), onEth0.gateway(), "eth1", false)), Set.of())));
        assertEquals(List.of("PUT route 10.1.2.0/24"), asked());
        assertEquals(List.of(50), kernel.routes().stream().map(Found.Route::index).toList());
    }

    @Test
    void whatIsHeardIsHeededOnlyWhenItContradicts() throws Exception {
        applied(2);
        Found.Route ours = kernel.routes().getFirst();
        Ipv4 peer = ours.gateway();
        MacAddress mac = MacAddress.parse("02:00:00:00:00:01");
        MacAddress other = MacAddress.parse("02:00:00:00:00:99");
        Found.Link device = kernel.link("flannel.1").orElseThrow();
        Found.Link eth0 = kernel.link("eth0").orElseThrow();
        List<KernelEvent> echoesAndOthersAffairs = List.of(
                new KernelEvent.Appeared(ours), new KernelEvent.Appeared(ours.withScope(3)), new KernelEvent.Appeared(device),
                new KernelEvent.Appeared(eth0), new KernelEvent.RulesChanged(),
                new KernelEvent.Appeared(route("10.99.0.0/16", "192.168.32.1", FakeKernel.ETH0, 3)),
                new KernelEvent.Vanished(route("10.1.1.0/24", "192.168.32.1", FakeKernel.ETH0, 3)),
                new KernelEvent.Appeared(new Found.Neighbour(FakeKernel.ETH0, peer, other, 0x80)),
                new KernelEvent.Appeared(new Found.Neighbour(FLANNEL_1, Ipv4.parse("10.1.77.0"), other, 0x02)),
                new KernelEvent.Appeared(new Found.Fdb(FLANNEL_1, other, Ipv4.parse("192.168.32.9"), 0x02)),
                new KernelEvent.Vanished(new Found.Fdb(FLANNEL_1, mac, Ipv4.parse("192.168.32.9"), 0x80)),
                new KernelEvent.Appeared(new Found.Address(FLANNEL_1 + 1, Ipv4.parse("10.1.1.1"), 24)));
        List<KernelEvent> contradictions = List.of(
                new KernelEvent.Overrun(), new KernelEvent.Vanished(ours), new KernelEvent.Vanished(device), new KernelEvent.Vanished(eth0),
                new KernelEvent.Appeared(route("10.1.1.0/24", "192.168.32.1", FakeKernel.ETH0, 3)),
                new KernelEvent.Appeared(new Found.Route(FLANNEL_1, ours.destination(), peer, true, Reconciler.ROUTE_PROTOCOL, 0, 0, false)),
                new KernelEvent.Appeared(route("10.1.0.0/16", null, FLANNEL_1, 3)),
                new KernelEvent.Appeared(new Found.Neighbour(FLANNEL_1, peer, other, 0x80)),
                new KernelEvent.Appeared(new Found.Neighbour(FLANNEL_1, peer, mac, 0x02)),
                new KernelEvent.Vanished(new Found.Neighbour(FLANNEL_1, peer, null, 0)),
                new KernelEvent.Appeared(new Found.Fdb(FLANNEL_1, mac, Ipv4.parse("192.168.32.9"), 0x80)),
                new KernelEvent.Appeared(new Found.Fdb(FLANNEL_1, other, Ipv4.parse("192.168.32.9"), 0x80)),
                new KernelEvent.Vanished(new Found.Address(FLANNEL_1, Ipv4.parse("10.1.0.0"), 32)),
                new KernelEvent.Vanished(new Found.Address(FakeKernel.ETH0, Ipv4.parse("192.168.32.211"), 24)),
                new KernelEvent.Appeared(new Found.Address(FakeKernel.ETH0, Ipv4.parse("192.168.32.211"), 24)),
                new KernelEvent.Appeared(new Found.Address(FLANNEL_1, Ipv4.parse("10.1.9.0"), 32)));
        echoesAndOthersAffairs.forEach(event -> assertFalse(reconciler.contradicts(event), event.toString()));
        contradictions.forEach(event -> assertTrue(reconciler.contradicts(event), event.toString()));
        assertFalse(new Reconciler(new Log(new PrintStream(OutputStream.nullOutputStream()), 0), kernel).contradicts(new KernelEvent.Overrun()),
                "nothing is declared yet");
    }

    @Test
    void theDeviceOfARunning071IsTakenOverAndItsWideRouteGoesAfterOursAreIn() throws Exception {
        MacAddress mac = MacAddress.parse("6a:00:00:00:00:01");
        kernel.createVxlan((Link.Vxlan) vxlan(0).link(), mac, FakeKernel.ETH0);
        kernel.setLink(FLANNEL_1, "flannel.1", 1450, null, -1);
        Found.Link device = kernel.link("flannel.1").orElseThrow();
        Found.Fdb right = new Found.Fdb(FLANNEL_1, MacAddress.parse("02:00:00:00:00:01"), Ipv4.parse("192.168.32.1"), 0x80);
        kernel.entries.addAll(List.of(right, new Found.Address(FLANNEL_1, Ipv4.parse("10.1.0.0"), 32),
                new Found.Route(FLANNEL_1, Ipv4Subnet.parse("10.1.0.0/16"), null, false, 3, 0, 0, true),
                // resolved on demand: the other container's address, at its host's device
                new Found.Neighbour(FLANNEL_1, Ipv4.parse("10.1.1.5"), right.mac(), 0x02),
                new Found.Fdb(FLANNEL_1, MacAddress.parse("02:00:00:00:00:77"), Ipv4.parse("192.168.32.77"), 0x80)));
        DesiredState wanted = vxlan(2);
        assertEquals(mac, reconciler.vtepMac((Link.Vxlan) wanted.link()).orElseThrow());
        assertEquals(List.of(), reconciler.apply(wanted));
        assertEquals(List.of("PUT neighbour 10.1.1.0", "PUT neighbour 10.1.2.0", "PUT fdb 02:00:00:00:00:02",
                "ADD route 10.1.1.0/24", "ADD route 10.1.2.0/24", "DELETE route 10.1.0.0/16",
                "DELETE neighbour 10.1.1.5", "DELETE fdb 02:00:00:00:00:77"), asked());
        assertEquals(device, kernel.link("flannel.1").orElseThrow());
    }

    @Test
    void aLeaseThatChangesDoesNotReplaceTheForeignRouteInItsWay() throws Exception {
        Found.Route foreign = route("10.1.2.0/24", "192.168.32.1", FakeKernel.ETH0, 4);
        kernel.entries.add(foreign);
        KernelEntry.Route refused = new KernelEntry.Route(foreign.destination(), Ipv4.parse("192.168.32.2"), "eth0", false);
        KernelEntry.Route changed = new KernelEntry.Route(foreign.destination(), Ipv4.parse("192.168.32.3"), "eth0", false);
        reconciler.apply(vxlan(1));
        reconciler.change(List.of(), List.of(refused));
        assertEquals(1, reconciler.change(List.of(refused), List.of(changed)).size());
        assertTrue(kernel.entries.contains(foreign), kernel.entries.toString());
    }

    /** Ten thousand gateways that are not on-link must not have everything read ten thousand times. */
    @Test
    void refusalsAreFewAndReadTheTablesOnce() throws Exception {
        applied(1);
        kernel.unwelcome = what -> what instanceof Found.Route;
        reconciler.change(List.of(), peer(2));
        int reads = kernel.reads;
        for (int i = 3; i < 250; i++) {
            assertEquals(1, reconciler.change(List.of(), peer(i)).size());
        }
        assertEquals(reads, kernel.reads);
        assertEquals(Reconciler.MOST_FAILURES, reconciler.reconcile().size());
        kernel.unwelcome = what -> false;
        assertEquals(List.of(), reconciler.reconcile());
    }

    @Test
    void aForeignRouteInTheMeantimeIsNamedAndOnceGoneOursIsPutIn() throws Exception {
        applied(2);
        reconciler.change(peer(2), List.of());
        Found.Route foreign = route("10.1.2.0/24", "192.168.32.1", FakeKernel.ETH0, 4);
        kernel.entries.add(foreign);
        List<Reconciler.Failure> failures = reconciler.change(List.of(), peer(2));
        assertEquals(1, failures.size());
        assertTrue(failures.getFirst().why().getMessage().contains("route 10.1.2.0/24 via 192.168.32.1 dev eth0"), failures.toString());
        peer(2).forEach(entry -> assertEquals(!(entry instanceof KernelEntry.Route), reconciler.holds(entry), entry.toString()));
        assertTrue(kernel.entries.remove(foreign), "it was left");
        assertTrue(reconciler.contradicts(new KernelEvent.Vanished(foreign)));
        kernel.asked.clear();
        assertEquals(List.of(), reconciler.reconcile());
        assertEquals(List.of("ADD route 10.1.2.0/24"), asked());
    }

    @Test
    void aGatewayOutOfReachIsNamedAndTriedAgainWhenTheUnderlayHasANewAddress() throws Exception {
        KernelEvent newAddress = new KernelEvent.Appeared(new Found.Address(FakeKernel.ETH0, Ipv4.parse("172.16.0.1"), 16));
        KernelEntry.Route near = new KernelEntry.Route(Ipv4Subnet.parse("10.1.1.0/24"), Ipv4.parse("192.168.32.1"), "eth0", false);
        KernelEntry.Route far = new KernelEntry.Route(Ipv4Subnet.parse("10.1.2.0/24"), Ipv4.parse("172.16.0.9"), "eth0", false);
        kernel.unwelcome = what -> what instanceof Found.Route route && route.gateway().equals(far.gateway());
        List<Reconciler.Failure> failures = reconciler.apply(hostGateway(Set.of(), near, far));
        assertEquals(List.of("route 10.1.2.0/24 via 172.16.0.9 dev eth0"), failures.stream().map(Reconciler.Failure::what).toList());
        assertTrue(reconciler.isCompared() && reconciler.holds(near) && !reconciler.holds(far));
        KernelEvent newState = new KernelEvent.Appeared(kernel.link("eth0").orElseThrow());
        assertTrue(reconciler.contradicts(newAddress) && reconciler.contradicts(newState));
        kernel.unwelcome = what -> false;
        kernel.asked.clear();
        assertEquals(List.of(), reconciler.reconcile());
        assertEquals(List.of("ADD route 10.1.2.0/24"), asked());
        assertFalse(reconciler.contradicts(newState), "nothing waits for it any more");
        assertTrue(reconciler.holds(far));
    }

    /** The kernel takes all routes of a device along with its last address, and does not say so. */
    @Test
    void routesThatWentSilentlyWithTheUnderlaysLastAddressComeBackWithIt() throws Exception {
        Found.Address address = new Found.Address(FakeKernel.ETH0, Ipv4.parse("192.168.32.211"), 24);
        Found.Route right = route("10.1.2.0/24", "192.168.32.2", FakeKernel.ETH0, Reconciler.ROUTE_PROTOCOL);
        assertEquals(List.of(), reconciler.apply(hostGateway(Set.of(), wanted(right))));
        kernel.entries.remove(right);
        kernel.unwelcome = what -> what instanceof Found.Route;
        assertTrue(reconciler.contradicts(new KernelEvent.Vanished(address)));
        assertEquals(1, reconciler.reconcile().size(), "out of reach without an address");
        kernel.unwelcome = what -> false;
        assertTrue(reconciler.contradicts(new KernelEvent.Appeared(address)));
        assertEquals(List.of(), reconciler.reconcile());
        assertTrue(kernel.entries.contains(right));
    }

    @Test
    void tenThousandPeersAreThirtyThousandChangesAndOneMoreIsThree() throws Exception {
        assertEquals(List.of(), reconciler.apply(vxlan(10_000)));
        assertEquals(30_001, kernel.asked.size());
        Map<Integer, Long> chains = kernel.routes().stream().collect(Collectors.groupingBy(Found.Route::scope, Collectors.counting()));
        assertTrue(Collections.max(chains.values()) <= 256 && Collections.max(chains.keySet()) < 253, chains.toString());
        kernel.asked.clear();
        kernel.reads = 0;
        assertEquals(List.of(), reconciler.change(List.of(), peer(10_001)));
        assertEquals(List.of(), reconciler.change(peer(17), List.of()));
        assertEquals(6, kernel.asked.size());
        assertEquals(0, kernel.reads, "no table is read for one lease");
        assertEquals(List.of(), reconciler.reconcile());
        assertEquals(6, kernel.asked.size());
    }

    /** Whatever is done to the kernel behind our back, one comparison mends it, and a second one finds nothing to do. */
    @Test
    void anyDamageIsMendedAtOnce() throws Exception {
        Random random = new Random(241);
        Set<Integer> peers = new TreeSet<>();
        applied(0);
        Set<Found> foreign = new HashSet<>(kernel.entries);
        foreign.add(route("0.0.0.0/0", "192.168.32.1", FakeKernel.ETH0, 3));
        kernel.entries.addAll(foreign);
        for (int step = 0; step < 2000; step++) {
            int number = 1 + random.nextInt(20);
            Ipv4 address = Ipv4.parse("10.1." + number + ".0");
            MacAddress mac = new MacAddress(0x0200_0000_0000L | 1 + random.nextInt(20));
            switch (random.nextInt(7)) {
                case 0, 1 -> assertEquals(List.of(), peers.add(number) ? reconciler.change(List.of(), peer(number))
                        : reconciler.change(peers.remove(number) ? peer(number) : List.of(), List.of()));
                case 2 -> kernel.entries.removeIf(entry -> !foreign.contains(entry) && random.nextInt(10) == 0);
                case 3 -> put(new Found.Neighbour(FLANNEL_1, address, mac, random.nextBoolean() ? 0x80 : 0x02));
                case 4 -> kernel.entries.add(new Found.Fdb(FLANNEL_1, mac, Ipv4.parse("192.168.32." + random.nextInt(1, 9)), 0x80));
                case 5 -> put(route(address + "/24", "192.168.32.9", peers.contains(number) ? FakeKernel.ETH0 : FLANNEL_1, 3));
                default -> kernel.entries.add(new Found.Address(FLANNEL_1, address, 32));
            }
            assertEquals(List.of(), reconciler.reconcile());
            Set<Found> expected = new HashSet<>(foreign);
            for (int peer : peers) {
                Ipv4 base = Ipv4.parse("10.1." + peer + ".0");
                MacAddress itsMac = new MacAddress(0x0200_0000_0000L | peer);
                expected.addAll(List.of(new Found.Route(FLANNEL_1, new Ipv4Subnet(base, 24), base, true, Reconciler.ROUTE_PROTOCOL, 0, 0, true),
                        new Found.Neighbour(FLANNEL_1, base, itsMac, 0x80),
                        new Found.Fdb(FLANNEL_1, itsMac, Ipv4.parse("192.168.32." + peer), 0x80)));
            }
            assertEquals(expected, new HashSet<>(kernel.entries), "step " + step);
            kernel.asked.clear();
            assertEquals(List.of(), reconciler.reconcile());
            assertEquals(List.of(), asked(), "step " + step);
        }
    }

    /** What {@code ip ... replace} does. */
    private void put(Found what) throws SystemCallException {
        kernel.execute(List.of(new Change(Change.Kind.PUT, what)), (change, why) -> { });
    }

    private static DesiredState withUnreachable(KernelEntry... more) {
        List<KernelEntry> entries = new ArrayList<>(List.of(more));
        entries.add(new KernelEntry.Unreachable(Ipv4Subnet.parse("10.1.0.0/16")));
        return new DesiredState(Ipv4Subnet.parse("10.1.0.0/16"), 24, "eth0", null, entries, Set.of());
    }

    @Test
    void whatNobodyHoldsIsUnreachableUnlessThatHidesAnothersRoute() throws Exception {
        kernel.entries.add(route("0.0.0.0/0", "192.168.32.1", FakeKernel.ETH0, 3));
        reconciler.apply(withUnreachable(new KernelEntry.Route(Ipv4Subnet.parse("10.1.5.0/24"), Ipv4.parse("192.168.32.212"), "eth0", false)));
        assertEquals(List.of("ADD route 10.1.5.0/24", "ADD route 10.1.0.0/16"), asked());
        Found.Route none = (Found.Route) kernel.asked.getLast().what();
        assertEquals(new Found.Route(0, Ipv4Subnet.parse("10.1.0.0/16"), null, false, Reconciler.ROUTE_PROTOCOL, 0, 1 << 24, false), none);
        assertEquals("unreachable route 10.1.0.0/16", reconciler.describe(none));
        kernel.asked.clear();
        reconciler.reconcile();
        assertEquals(List.of(), asked());

        kernel.entries.remove(none);
        assertTrue(reconciler.contradicts(new KernelEvent.Vanished(none, "ip")));
        reconciler.reconcile();
        assertEquals(List.of("ADD route 10.1.0.0/16"), asked());
        assertFalse(reconciler.contradicts(new KernelEvent.Appeared(none, "ip")), "our own");

        Found.Route larger = route("10.0.0.0/8", "192.168.32.1", FakeKernel.ETH0, 4);
        kernel.entries.add(larger);
        kernel.asked.clear();
        assertTrue(reconciler.contradicts(new KernelEvent.Appeared(larger, "ip")));
        reconciler.reconcile();
        assertEquals(List.of("DELETE route 10.1.0.0/16"), asked());
        kernel.entries.remove(larger);
        assertTrue(reconciler.contradicts(new KernelEvent.Vanished(larger, "ip")));
        reconciler.reconcile();
        assertTrue(kernel.entries.contains(none));

        reconciler.apply(hostGateway(Set.of()));
        assertFalse(kernel.entries.contains(none), "no longer wanted");
    }
}
