package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.kernel.KernelEntry;
import flannel.kernel.KernelEntry.Fdb;
import flannel.kernel.KernelEntry.Route;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PeersTest {

    private final Peers<String> peers = new Peers<>();

    private static Fdb fdb(int mac, String vtep) {
        return new Fdb("flannel.1", new MacAddress(mac), Ipv4.parse(vtep));
    }

    private static Route route(String subnet, String gateway) {
        return new Route(Ipv4Subnet.parse(subnet), Ipv4.parse(gateway), "eth0", false);
    }

    @Test
    void anEntryStaysWhileAnyLeaseAsksForIt() {
        peers.set("a", 1, List.of(fdb(1, "192.168.0.1"), route("10.1.1.0/24", "192.168.0.1")));
        Peers.Delta second = peers.set("b", 2, List.of(fdb(1, "192.168.0.1"), route("10.1.2.0/24", "192.168.0.1")));
        assertEquals(List.of(route("10.1.2.0/24", "192.168.0.1")), second.wanted());
        assertEquals(List.of(route("10.1.1.0/24", "192.168.0.1")), peers.set("a", 3, List.of()).gone());
        assertTrue(peers.all().contains(fdb(1, "192.168.0.1")));
    }

    @Test
    void theNewerLeaseCountsUntilItGoes() {
        peers.set("old", 1, List.of(fdb(1, "192.168.0.1")));
        assertEquals(new Peers.Delta(List.of(fdb(1, "192.168.0.1")), List.of(fdb(1, "192.168.0.2"))),
                peers.set("new", 2, List.of(fdb(1, "192.168.0.2"))));
        assertEquals(new Peers.Delta(List.of(fdb(1, "192.168.0.2")), List.of(fdb(1, "192.168.0.1"))), peers.set("new", 3, List.of()));
    }

    @Test
    void nothingChangesWhenALeaseIsRenewed() {
        peers.set("a", 1, List.of(fdb(1, "192.168.0.1")));
        assertTrue(peers.set("a", 2, List.of(fdb(1, "192.168.0.1"))).isEmpty());
        assertTrue(peers.set("gone", 3, List.of()).isEmpty());
    }

    @Test
    void theDeltasAddUpToTheWhole() {
        Random random = new Random(5);
        Set<KernelEntry> kernel = new HashSet<>();
        for (int round = 0; round < 5_000; round++) {
            List<KernelEntry> wanted = random.nextInt(4) == 0 ? List.of()
                    : List.of(fdb(random.nextInt(6), "192.168.0." + random.nextInt(4)), route("10.1." + random.nextInt(6) + ".0/24", "192.168.0.1"));
            Peers.Delta delta = peers.set("lease" + random.nextInt(8), round, wanted);
            assertTrue(kernel.containsAll(delta.gone()));
            delta.gone().forEach(kernel::remove);
            kernel.addAll(delta.wanted());
            assertEquals(new HashSet<>(peers.all()), kernel);
        }
    }
}
