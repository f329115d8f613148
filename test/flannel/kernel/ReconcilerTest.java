package flannel.kernel;

import static flannel.kernel.ReconcilerKernelTest.peer;
import static flannel.kernel.ReconcilerKernelTest.vxlan;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Which changes the reconciler asks of the kernel, and in which order. */
class ReconcilerTest {

    private static final int FLANNEL_1 = FakeKernel.ETH0 + 1;

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
        List<Reconciler.Failure> failures = reconciler.apply(vxlan(3));
        assertEquals(1, failures.size());
        assertTrue(failures.getFirst().why().getMessage().contains("route 10.1.2.0/24 dev eth0"), failures.toString());
        assertTrue(kernel.entries.contains(foreign));
        assertEquals(2, kernel.routes().stream().filter(route -> route.index() == FLANNEL_1).count());
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

    @Test
    void routesOfAGoHostGatewayAreTakenOverAtTheFirstLookOnly() throws Exception {
        Found.Route stale = route("10.1.50.0/24", "192.168.32.50", FakeKernel.ETH0, 3);
        Found.Route wanted = route("10.1.2.0/24", "192.168.32.2", FakeKernel.ETH0, 3);
        kernel.entries.addAll(List.of(stale, wanted));
        DesiredState hostGateway = new DesiredState(Ipv4Subnet.parse("10.1.0.0/16"), 24, "eth0", null,
                List.of(new KernelEntry.Route(wanted.destination(), wanted.gateway(), "eth0", false)));
        assertEquals(List.of(), reconciler.apply(hostGateway));
        assertEquals(List.of("PUT route 10.1.2.0/24", "DELETE route 10.1.50.0/24"), asked());
        kernel.entries.add(stale);
        kernel.asked.clear();
        reconciler.reconcile();
        assertEquals(List.of(), asked());
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

    @Test
    void whatIsHeardIsHeededOnlyWhenItContradicts() throws Exception {
        applied(2);
        Found.Route ours = kernel.routes().getFirst();
        assertFalse(reconciler.contradicts(new KernelEvent.Appeared(ours)), "the echo of our own change");
        assertTrue(reconciler.contradicts(new KernelEvent.Vanished(ours)));
        assertFalse(reconciler.contradicts(new KernelEvent.Appeared(route("10.99.0.0/16", "192.168.32.1", FakeKernel.ETH0, 3))));
        assertTrue(reconciler.contradicts(new KernelEvent.Overrun()), "what was lost may have been anything");
    }
}
