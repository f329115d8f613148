package flannel.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lab.Needs;
import flannel.lab.NetworkNamespace;
import flannel.linux.SystemCallException;
import flannel.linux.Ethtool;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The reconciler and the monitor against the real kernel, in a network namespace whose eth0 is 192.168.32.211/24. */
class ReconcilerKernelTest {

    private static final Log LOG = new Log(System.err, 0);
    private static final Ipv4Subnet NETWORK = Ipv4Subnet.parse("10.1.0.0/16");
    private static final MacAddress MAC = MacAddress.parse("02:00:00:00:d3:01");
    private static final Link.Vxlan VXLAN = new Link.Vxlan("flannel.1", 1450, 1, 8472, Ipv4.parse("192.168.32.211"), "eth0", MAC, false, false);

    private NetworkNamespace host;

    @BeforeEach
    void makeHost() {
        host = Needs.namespace("host");
        host.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "wire");
        host.run("ip", "address", "add", "192.168.32.211/24", "dev", "eth0");
        host.run("ip", "link", "set", "eth0", "up");
        host.run("ip", "link", "set", "wire", "up");
    }

    @AfterEach
    void removeHost() {
        host.close();
    }

    @Test
    void vxlanIsPutIn() throws Exception {
        host.call(() -> {
            try (Reconciler reconciler = Reconciler.open(LOG)) {
                assertEquals(List.of(), reconciler.apply(vxlan(3)));
                assertInPlace(3, "apply");
                assertEquals(List.of(), reconciler.reconcile());
            }
        });
        String link = host.run("ip", "-d", "link", "show", "flannel.1");
        assertTrue(link.contains("UP") && link.contains("mtu 1450") && link.contains("vxlan id 1 local 192.168.32.211 dev eth0")
                && link.contains("dstport 8472 nolearning") && link.contains("02:00:00:00:d3:01") && link.contains("addrgenmode none"), link);
    }

    @Test
    void everythingDeletedOrChangedIsHeardAndPutBack() throws Exception {
        List<String> damages = List.of(
                "ip route del 10.1.2.0/24",
                "ip route replace 10.1.2.0/24 via 10.1.1.0 dev flannel.1 onlink proto 241",
                "ip route replace blackhole 10.1.2.0/24 proto 241",
                "ip route replace 10.1.2.0/24 via 10.1.2.0 dev flannel.1 onlink proto 241 mtu 1000",
                "ip route replace 10.1.2.0/24 via 192.168.32.1 dev eth0",
                "ip route add 10.1.77.0/24 dev flannel.1",
                "ip neigh del 10.1.2.0 dev flannel.1",
                "ip neigh replace 10.1.2.0 lladdr 02:00:00:00:00:99 dev flannel.1 nud permanent",
                "ip neigh replace 10.1.2.0 lladdr 02:00:00:00:00:02 dev flannel.1 nud reachable",
                "ip neigh add 10.1.99.0 lladdr 02:00:00:00:00:99 dev flannel.1 nud permanent",
                "bridge fdb del 02:00:00:00:00:02 dev flannel.1 dst 192.168.32.2",
                "bridge fdb replace 02:00:00:00:00:02 dev flannel.1 dst 192.168.32.9",
                "bridge fdb replace 02:00:00:00:00:02 dev flannel.1 dst 192.168.32.2 port 4789",
                "bridge fdb append 00:00:00:00:00:00 dev flannel.1 dst 192.168.32.9",
                "bridge fdb add 02:00:00:00:00:99 dev flannel.1 dst 192.168.32.9",
                "ip address del 10.1.0.0/32 dev flannel.1",
                "ip address add 10.1.200.0/32 dev flannel.1",
                "ip link set flannel.1 down",
                "ip link set flannel.1 mtu 1400",
                "ip link set flannel.1 address 02:00:00:00:00:77",
                "ip link del flannel.1");
        host.call(() -> {
            Thread listener;
            try (Reconciler reconciler = Reconciler.open(LOG); KernelMonitor monitor = KernelMonitor.open(LOG)) {
                LinkedBlockingQueue<KernelEvent> events = new LinkedBlockingQueue<>();
                listener = listen(monitor, events);
                reconciler.apply(vxlan(3));
                assertEquals(List.of(), contradictions(reconciler, events, 300), "echoes of our own changes");
                for (String damage : damages) {
                    host.run(damage.split(" "));
                    assertFalse(contradictions(reconciler, events, 5000).isEmpty(), "not heard: " + damage);
                    assertEquals(List.of(), reconciler.reconcile(), damage);
                    assertInPlace(3, damage);
                    contradictions(reconciler, events, 50);
                    reconciler.reconcile();
                    assertEquals(List.of(), contradictions(reconciler, events, 50), damage + ": echoes");
                }
            }
            listener.join(5000);
            assertFalse(listener.isAlive());
        });
    }

    @Test
    void checksumOffloadIsAsWantedWhateverBecomesOfTheDevice() throws Exception {
        DesiredState state = vxlan(1);
        DesiredState off = new DesiredState(NETWORK, 24, "eth0", ((Link.Vxlan) state.link()).withChecksums(ChecksumOffload.OFF), state.entries(), Set.of());
        DesiredState on = new DesiredState(NETWORK, 24, "eth0", ((Link.Vxlan) state.link()).withChecksums(ChecksumOffload.ON), state.entries(), Set.of());
        host.call(() -> {
            try (Reconciler reconciler = Reconciler.open(LOG); KernelMonitor monitor = KernelMonitor.open(LOG)) {
                LinkedBlockingQueue<KernelEvent> events = new LinkedBlockingQueue<>();
                listen(monitor, events);
                reconciler.apply(state);
                assertTrue(Ethtool.sendChecksums("flannel.1"), "left as the kernel has it");
                reconciler.apply(off);
                assertFalse(Ethtool.sendChecksums("flannel.1"));
                assertEquals(List.of(), contradictions(reconciler, events, 300), "echoes of our own changes");

                host.run("ip", "link", "del", "flannel.1");
                assertFalse(contradictions(reconciler, events, 5000).isEmpty(), "heard");
                reconciler.reconcile();
                assertFalse(Ethtool.sendChecksums("flannel.1"), "made anew");
                contradictions(reconciler, events, 50);

                Ethtool.setSendChecksums("flannel.1", true);
                reconciler.reconcile();
                assertFalse(Ethtool.sendChecksums("flannel.1"), "switched by somebody else");
                assertEquals(Map.of("link", 1), reconciler.lastComparison().changed());

                reconciler.apply(on);
                assertTrue(Ethtool.sendChecksums("flannel.1"));
                reconciler.reconcile();
                assertEquals(Map.of(), reconciler.lastComparison().changed());
            }
        });
    }

    @Test
    void anAddressThatWasFlushedAndRestoredBringsTheRoutesViaThatLinkBack() throws Exception {
        KernelEntry.Route route = new KernelEntry.Route(Ipv4Subnet.parse("10.1.2.0/24"), Ipv4.parse("192.168.32.2"), "eth0", false);
        String put = "10.1.2.0/24 via 192.168.32.2 dev eth0 proto 241";
        host.call(() -> {
            try (Reconciler reconciler = Reconciler.open(LOG); KernelMonitor monitor = KernelMonitor.open(LOG)) {
                LinkedBlockingQueue<KernelEvent> events = new LinkedBlockingQueue<>();
                listen(monitor, events);
                assertEquals(List.of(), reconciler.apply(new DesiredState(NETWORK, 24, "eth0", null, List.of(route), Set.of())));
                contradictions(reconciler, events, 50);
                host.run("ip", "address", "flush", "dev", "eth0");
                host.run("ip", "address", "add", "192.168.32.211/24", "dev", "eth0");
                assertFalse(host.run("ip", "route").contains(put), "the kernel flushed it");
                assertFalse(contradictions(reconciler, events, 5000).isEmpty(), "heard");
                assertEquals(List.of(), reconciler.reconcile());
                assertTrue(host.run("ip", "route").contains(put));
                contradictions(reconciler, events, 50);

                host.run("ip", "address", "flush", "dev", "eth0");
                assertFalse(contradictions(reconciler, events, 5000).isEmpty(), "heard");
                assertEquals(1, reconciler.reconcile().size(), "the gateway is out of reach");
                contradictions(reconciler, events, 50);
                host.run("ip", "address", "add", "192.168.32.211/24", "dev", "eth0");
                assertFalse(contradictions(reconciler, events, 5000).isEmpty(), "heard");
                assertEquals(List.of(), reconciler.reconcile());
                assertTrue(host.run("ip", "route").contains(put));
            }
        });
    }

    @Test
    void theDeviceAndAllThatIsOnItFollowsTheUnderlay() throws Exception {
        host.run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "wire1");
        host.run("ip", "link", "set", "eth1", "up");
        host.run("ip", "link", "set", "wire1", "up");
        List<String> before = List.of(
                "ip address flush dev eth0; ip address add 192.168.32.77/24 dev eth0",
                "ip link set eth0 down; ip link set eth0 name lan0; ip link set lan0 up",
                "ip address flush dev lan0; ip address add 192.168.32.77/24 dev eth1",
                "ip link del eth1; ip link add eth1 type veth peer name wire1; ip link set eth1 up; ip link set wire1 up; "
                        + "ip address add 192.168.32.78/24 dev eth1");
        List<DesiredState> after = List.of(vxlan(3, "eth0", "192.168.32.77"), vxlan(3, "lan0", "192.168.32.77"),
                vxlan(3, "eth1", "192.168.32.77"), vxlan(3, "eth1", "192.168.32.78"));
        host.call(() -> {
            try (Reconciler reconciler = Reconciler.open(LOG)) {
                reconciler.apply(vxlan(3));
                String index = host.run("ip", "-o", "link", "show", "flannel.1").split(":")[0];
                for (int i = 0; i < before.size(); i++) {
                    host.run("sh", "-c", before.get(i));
                    assertEquals(MAC, reconciler.vtepMac((Link.Vxlan) after.get(i).link()).orElseThrow(), "what the lease has to tell");
                    assertEquals(List.of(), reconciler.apply(after.get(i)));
                    assertInPlace(3, after.get(i), before.get(i));
                    String link = host.run("ip", "-d", "-o", "link", "show", "flannel.1");
                    Link.Vxlan wanted = (Link.Vxlan) after.get(i).link();
                    assertTrue(link.contains("vxlan id 1 local " + wanted.local() + " dev " + wanted.underlay())
                            && link.contains(MAC.toString()), link);
                    assertEquals(i < 3, link.startsWith(index + ":"), "the kernel took it along with eth1 only: " + link);
                }
            }
        });
    }

    @Test
    void aForeignRouteThatWasThereFirstStaysAndIsNamed() throws Exception {
        String foreign = "10.1.2.0/24 via 192.168.32.1 dev eth0 proto static";
        host.run(("ip route add " + foreign).split(" "));
        host.call(() -> {
            try (Reconciler reconciler = Reconciler.open(LOG)) {
                for (int time = 0; time < 2; time++) {
                    List<Reconciler.Failure> failures = time == 0 ? reconciler.apply(vxlan(3)) : reconciler.reconcile();
                    assertEquals(1, failures.size(), failures.toString());
                    assertTrue(failures.getFirst().why().getMessage().contains("10.1.2.0/24 via 192.168.32.1 dev eth0"), failures.toString());
                    assertTrue(host.run("ip", "route").contains(foreign));
                }
                host.run(("ip route del " + foreign).split(" "));
                assertEquals(List.of(), reconciler.reconcile());
                assertInPlace(3, "the foreign route's end");
            }
        });
    }

    @Test
    void aHostWithoutAnyRouteHasNone() throws Exception {
        try (NetworkNamespace empty = Needs.namespace("empty")) {
            empty.call(() -> {
                try (Rtnetlink kernel = Rtnetlink.open()) {
                    assertEquals(List.of(), kernel.routes());
                }
            });
        }
    }

    private Thread listen(KernelMonitor monitor, LinkedBlockingQueue<KernelEvent> events) {
        return host.start("monitor", () -> {
            try {
                monitor.run(events::add);
            } catch (SystemCallException e) {
                throw new AssertionError(e);
            }
        });
    }

    private static List<KernelEvent> contradictions(Reconciler reconciler, LinkedBlockingQueue<KernelEvent> events, long millis)
            throws InterruptedException {
        List<KernelEvent> found = new ArrayList<>();
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        while (true) {
            KernelEvent event = events.poll(found.isEmpty() ? deadline - System.nanoTime() : 0, TimeUnit.NANOSECONDS);
            if (event == null) {
                return found;
            }
            if (reconciler.contradicts(event)) {
                found.add(event);
            }
        }
    }

    /** Peers 1 to count, as backend vxlan describes them. */
    static DesiredState vxlan(int count) {
        return vxlan(count, "eth0", "192.168.32.211");
    }

    static DesiredState vxlan(int count, String underlay, String local) {
        List<KernelEntry> entries = new ArrayList<>();
        entries.add(new KernelEntry.Address("flannel.1", Ipv4.parse("10.1.0.0"), 32));
        for (int peer = 1; peer <= count; peer++) {
            entries.addAll(peer(peer));
        }
        Link.Vxlan link = new Link.Vxlan(VXLAN.name(), VXLAN.mtu(), VXLAN.vni(), VXLAN.port(), Ipv4.parse(local), underlay,
                VXLAN.address(), VXLAN.learning(), VXLAN.gbp());
        return new DesiredState(NETWORK, 24, underlay, link, entries, Set.of());
    }

    static List<KernelEntry> peer(int number) {
        Ipv4 base = NETWORK.base().plus(number << 8);
        MacAddress mac = new MacAddress(0x0200_0000_0000L | number);
        return List.of(
                new KernelEntry.Route(new Ipv4Subnet(base, 24), base, "flannel.1", true),
                new KernelEntry.Neighbour("flannel.1", base, mac),
                new KernelEntry.Fdb("flannel.1", mac, Ipv4.parse("192.168.32.0").plus(number)));
    }

    private void assertInPlace(int count, String after) {
        assertInPlace(count, vxlan(count), after);
    }

    private void assertInPlace(int count, DesiredState state, String after) {
        StringBuilder routes = new StringBuilder();
        StringBuilder neighbours = new StringBuilder();
        StringBuilder fdb = new StringBuilder();
        for (int peer = 1; peer <= count; peer++) {
            routes.append("10.1.%d.0/24 via 10.1.%d.0 dev flannel.1 proto 241 onlink\n".formatted(peer, peer));
            neighbours.append("10.1.%d.0 lladdr 02:00:00:00:00:%02x PERMANENT\n".formatted(peer, peer));
            fdb.append("02:00:00:00:00:%02x dst 192.168.32.%d self permanent\n".formatted(peer, peer));
        }
        assertEquals(routes.toString() + "192.168.32.0/24 dev " + state.underlay() + " proto kernel scope link src "
                + ((Link.Vxlan) state.link()).local() + "\n",
                trimmed("ip", "route"), after);
        assertEquals(neighbours.toString(), sorted(trimmed("ip", "neigh", "show", "dev", "flannel.1", "nud", "permanent")), after);
        assertEquals(fdb.toString(), sorted(trimmed("bridge", "fdb", "show", "dev", "flannel.1")), after);
        List<String> addresses = host.run("ip", "-4", "address", "show", "dev", "flannel.1").lines().map(String::strip)
                .filter(line -> line.startsWith("inet ")).toList();
        assertEquals(List.of("inet 10.1.0.0/32 scope global flannel.1"), addresses, after);
    }

    private String trimmed(String... command) {
        return host.run(command).lines().map(String::strip).map(line -> line + "\n").reduce("", String::concat);
    }

    private static String sorted(String lines) {
        return lines.lines().sorted().map(line -> line + "\n").reduce("", String::concat);
    }
}
