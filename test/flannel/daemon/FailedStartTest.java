package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.Backend;
import flannel.backend.HostGwBackend;
import flannel.backend.VxlanBackend;
import flannel.kernel.FakeKernel;
import flannel.kernel.Found;
import flannel.kernel.PacketFilter;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.NetworkConfig;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A start that fails on the way takes back what it has put in, and nothing that was there before it. */
class FailedStartTest {

    private static final Ipv4Subnet NETWORK = Ipv4Subnet.parse("10.1.0.0/16");
    private static final Ipv4Subnet OWN = Ipv4Subnet.parse("10.1.83.0/24");
    private static final Ipv4 ADDRESS = Ipv4.parse("192.168.32.211");

    private final Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);
    private final FakeKernel kernel = new FakeKernel();
    private final Underlay underlay = new Underlay("eth0", FakeKernel.ETH0, ADDRESS, new Ipv4Subnet(ADDRESS, 24), 1500,
            MacAddress.parse("02:00:00:00:e0:00"));

    private DataPath dataPath() {
        return new DataPath("", kernel.reconciler(log), FakeKernel.packetFilter(log), new VirtualTime(), log);
    }

    private void open(DataPath dataPath, boolean first) throws Exception {
        NetworkConfig config = config("vxlan");
        open(dataPath, config, new VxlanBackend(underlay, VxlanBackend.link(config, underlay, MacAddress.parse("02:00:00:00:00:01")), false), first);
    }

    private void openRoutes(DataPath dataPath) throws Exception {
        open(dataPath, config("host-gw"), new HostGwBackend(underlay, ADDRESS), true);
    }

    private static NetworkConfig config(String backend) {
        return NetworkConfig.parse("{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"" + backend + "\"}}");
    }

    private void open(DataPath dataPath, NetworkConfig config, Backend backend, boolean first) throws Exception {
        List<Lease> leases = Stream.of(1, 2, 3).map(host -> new Lease(Ipv4Subnet.parse("10.1." + host + ".0/24"),
                new LeaseAttributes(ADDRESS.plus(host), "host-gw", null, ""), new Lease.Never(), 1)).toList();
        dataPath.open(config, backend, underlay, new DataPath.Self(OWN, ADDRESS, "mark1"), leases,
                new PacketFilter.Rules(NETWORK, OWN, true, true, false), true, first);
    }

    @Test
    void ofRoutesThatWerePutInNoneIsLeft() throws Exception {
        Set<Found> before = new HashSet<>(kernel.entries);
        kernel.breaksAfter = 2;
        DataPath dataPath = dataPath();
        assertThrows(SystemCallException.class, () -> openRoutes(dataPath));
        assertEquals(before, kernel.entries);
        openRoutes(dataPath);
        assertEquals(before.size() + 4, kernel.entries.size(), "three hosts' and nobody's");
    }

    @Test
    void routesOfAnEarlierRunStay() throws Exception {
        openRoutes(dataPath());
        Found route = kernel.entries.stream().filter(Found.Route.class::isInstance).findFirst().orElseThrow();
        kernel.entries.remove(route);
        Set<Found> before = new HashSet<>(kernel.entries);
        kernel.breaksAfter = 0;
        assertThrows(SystemCallException.class, () -> openRoutes(dataPath()));
        assertEquals(before, kernel.entries);
    }

    @Test
    void theFirstOneLeavesNothing() throws Exception {
        Set<Found> before = new HashSet<>(kernel.entries);
        kernel.bringsUp = false;
        DataPath dataPath = dataPath();
        assertThrows(SystemCallException.class, () -> open(dataPath, true));
        assertEquals(before, kernel.entries);
        assertEquals(List.of(), dataPath.mtus(), "and can be looked at");
        kernel.bringsUp = true;
        open(dataPath, true);
        assertTrue(kernel.link("flannel.1").orElseThrow().up());
    }

    @Test
    void whatAnEarlierRunLeftStays() throws Exception {
        open(dataPath(), true);
        Found.Link there = kernel.link("flannel.1").orElseThrow();
        kernel.entries.remove(there);
        kernel.entries.add(new Found.Link(there.index(), there.name(), false, false, there.mtu(), there.queueLength(), there.mac(), there.kind(), there.vxlan()));
        Set<Found> before = new HashSet<>(kernel.entries);
        kernel.bringsUp = false;
        assertThrows(SystemCallException.class, () -> open(dataPath(), true));
        assertEquals(before, kernel.entries, "though nobody remembers it");
    }
}
