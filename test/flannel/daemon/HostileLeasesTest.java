package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.Backend;
import flannel.backend.HostGwBackend;
import flannel.backend.VxlanBackend;
import flannel.kernel.FakeKernel;
import flannel.kernel.Found;
import flannel.kernel.PacketFilter;
import flannel.kernel.Reconciler;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseKey;
import flannel.lease.NetworkConfig;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever leases say, in any order: what this host's kernel gets leads into the overlay and to other hosts, and takes nothing's place. */
class HostileLeasesTest {

    private static final int ROUNDS = 40;
    private static final int STEPS = 200;

    private static final Ipv4Subnet NETWORK = Ipv4Subnet.parse("10.1.0.0/16");
    private static final Ipv4Subnet OWN = Ipv4Subnet.parse("10.1.5.0/24");
    private static final Ipv4 ADDRESS = Ipv4.parse("192.168.32.211");
    private static final Ipv4 PUBLIC = Ipv4.parse("203.0.113.5");
    private static final MacAddress OWN_MAC = MacAddress.parse("02:00:00:00:00:01");
    private static final int DOCKER0 = 9;
    private static final int KERNEL = 2;
    private static final int STATIC = 4;

    private static final List<String> ADDRESSES = List.of("192.168.32.211", "203.0.113.5", "192.168.32.212", "192.168.32.212", "192.168.32.213",
            "192.168.32.0", "192.168.32.255", "10.1.5.1", "10.1.7.9", "127.0.0.1", "0.0.0.0", "0.0.0.7", "224.0.0.1", "239.1.1.1", "240.0.0.1",
            "255.255.255.255", "8.8.8.8", "172.16.0.9");
    private static final List<String> SUBNETS = List.of("0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/17", "10.1.5.0/24", "10.1.5.128/25",
            "10.1.4.0/23", "10.1.5.1/32", "192.168.32.0/24", "192.168.32.211/32", "127.0.0.0/8", "224.0.0.0/4", "10.2.7.0/24", "10.1.77.0/24",
            "10.1.78.0/24", "10.1.9.0/24", "10.1.9.0/24", "10.1.9.9/32");
    private static final List<String> MACS = List.of("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "33:33:00:00:00:01",
            "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:02", "02:00:00:00:00:03", "x", "");

    private final VirtualTime time = new VirtualTime();
    private final Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);

    @ParameterizedTest
    @ValueSource(strings = {"host-gw", "vxlan", "vxlan with DirectRouting"})
    void nothingLeadsWhereItShouldNot(String backend) throws Exception {
        for (int seed = 1; seed <= ROUNDS; seed++) {
            try {
                play(new Random(seed), backend);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
            }
        }
    }

    private void play(RandomGenerator dice, String kind) throws Exception {
        FakeKernel kernel = new FakeKernel();
        kernel.entries.add(new Found.Link(DOCKER0, "docker0", true, false, 1450, 0, MacAddress.parse("02:42:00:00:00:01"), "bridge", null));
        kernel.entries.add(new Found.Address(FakeKernel.ETH0, ADDRESS, 24));
        kernel.entries.add(route("0.0.0.0/0", "192.168.32.1", FakeKernel.ETH0, STATIC));
        kernel.entries.add(route("192.168.32.0/24", null, FakeKernel.ETH0, KERNEL));
        kernel.entries.add(route("10.1.5.0/24", null, DOCKER0, KERNEL));
        kernel.entries.add(route("10.1.77.0/24", null, DOCKER0, KERNEL));
        kernel.entries.add(route("10.1.78.0/24", "192.168.32.1", FakeKernel.ETH0, STATIC));
        Set<Found> foreign = new HashSet<>(kernel.entries);
        Underlay underlay = new Underlay("eth0", FakeKernel.ETH0, ADDRESS, new Ipv4Subnet(ADDRESS, 24), 1500, MacAddress.parse("02:00:00:00:e0:00"));
        NetworkConfig config = NetworkConfig.parse("{\"Network\":\"" + NETWORK + "\",\"Backend\":{\"Type\":\"vxlan\"}}");
        Ipv4 publicIp = kind.equals("host-gw") ? ADDRESS : PUBLIC; // behind NAT the two differ, and neither is another host's
        Backend backend = kind.equals("host-gw") ? new HostGwBackend(underlay, publicIp)
                : new VxlanBackend(underlay, VxlanBackend.link(config, underlay, OWN_MAC), kind.endsWith("DirectRouting"));
        DataPath dataPath = new DataPath("", kernel.reconciler(log), FakeKernel.packetFilter(log), time, log);
        List<Lease> leases = new ArrayList<>();
        for (int i = dice.nextInt(50); i > 0; i--) {
            leases.add(lease(dice, backend.leaseType()));
        }
        dataPath.open(config, backend, underlay, new DataPath.Self(OWN, publicIp, "mark1"), leases,
                new PacketFilter.Rules(NETWORK, OWN, false, false, false), false, false);
        Set<LeaseKey> keys = new HashSet<>();
        leases.forEach(lease -> keys.add(lease.key()));
        for (int step = 0; step < STEPS; step++) {
            Lease lease = lease(dice, backend.leaseType());
            if (dice.nextInt(3) == 0) {
                dataPath.remove(lease.key());
            } else {
                dataPath.put(lease);
                keys.add(lease.key());
            }
            if (dice.nextInt(4) == 0) {
                time.advance(Duration.ofMillis(dice.nextInt(3_000)));
                dataPath.timers();
            }
            check(kernel, foreign, publicIp);
        }
        keys.forEach(dataPath::remove);
        for (int seconds = 0; seconds < 15; seconds++) {
            time.advance(Duration.ofSeconds(1));
            dataPath.timers();
        }
        check(kernel, foreign, publicIp);
        assertEquals(List.of(), kernel.entries.stream().filter(entry -> isToAPeer(entry, foreign)).toList(), "what no lease asks for any more");
    }

    private static Found.Route route(String destination, String gateway, int device, int protocol) {
        return new Found.Route(device, Ipv4Subnet.parse(destination), gateway == null ? null : Ipv4.parse(gateway), false, protocol, 0, 0, true);
    }

    private static String any(RandomGenerator dice, List<String> texts) {
        return texts.get(dice.nextInt(texts.size()));
    }

    private static Lease lease(RandomGenerator dice, String type) {
        Ipv4 address = dice.nextInt(4) == 0 ? new Ipv4(dice.nextInt()) : Ipv4.parse(any(dice, ADDRESSES));
        Ipv4Subnet subnet = switch (dice.nextInt(6)) {
            case 0 -> new Ipv4Subnet(new Ipv4(dice.nextInt()), dice.nextInt(33));
            case 1 -> new Ipv4Subnet(new Ipv4(NETWORK.base().bits() | dice.nextInt(1 << 16)), dice.nextInt(33));
            case 2 -> new Ipv4Subnet(new Ipv4(NETWORK.base().bits() | dice.nextInt(256) << 8), 24);
            default -> Ipv4Subnet.parse(any(dice, SUBNETS));
        };
        String data = dice.nextInt(10) == 0 ? null : "{\"VtepMAC\":\"" + any(dice, MACS) + "\"}";
        return new Lease(subnet, new LeaseAttributes(address, dice.nextInt(10) == 0 ? "other" : type, data,
                dice.nextInt(10) == 0 ? "mark1" : ""), new Lease.Unknown(), 1);
    }

    private static boolean isToAPeer(Found entry, Set<Found> foreign) {
        return !foreign.contains(entry) && !(entry instanceof Found.Link) && !(entry instanceof Found.Address);
    }

    private static void check(FakeKernel kernel, Set<Found> foreign, Ipv4 publicIp) {
        assertTrue(kernel.entries.containsAll(foreign), () -> "of others': " + kernel.entries);
        Set<Ipv4Subnet> destinations = new HashSet<>();
        for (Found entry : kernel.entries) {
            if (!isToAPeer(entry, foreign)) {
                if (entry instanceof Found.Route route) {
                    assertTrue(destinations.add(route.destination()), () -> "twice: " + entry);
                }
                continue;
            }
            boolean good = switch (entry) {
                case Found.Route route -> route.protocol() == Reconciler.ROUTE_PROTOCOL && NETWORK.contains(route.destination())
                        && route.destination().prefixLength() > NETWORK.prefixLength() && !route.destination().overlaps(OWN)
                        && destinations.add(route.destination())
                        && (route.onlink() ? route.gateway().equals(route.destination().base()) : isAnotherHost(route.gateway(), publicIp));
                case Found.Neighbour neighbour -> NETWORK.contains(neighbour.address()) && !OWN.contains(neighbour.address())
                        && neighbour.mac().isUnicast();
                case Found.Fdb fdb -> fdb.mac().isUnicast() && isAnotherHost(fdb.vtep(), publicIp);
                case Found.Link link -> true;
                case Found.Address address -> true;
            };
            assertTrue(good, entry::toString);
        }
    }

    private static boolean isAnotherHost(Ipv4 address, Ipv4 publicIp) {
        return address.isUnicast() && !address.equals(ADDRESS) && !address.equals(publicIp) && !NETWORK.contains(address)
                && !address.equals(Ipv4.parse("192.168.32.0")) && !address.equals(Ipv4.parse("192.168.32.255"));
    }
}
