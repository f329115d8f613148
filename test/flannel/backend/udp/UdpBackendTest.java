package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.kernel.Underlay;
import flannel.lab.Await;
import flannel.lab.Needs;
import flannel.lab.NetworkNamespace;
import flannel.lab.Transfer;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.log.Log;
import flannel.log.LogOptions;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two data paths in this process, each in a network namespace of its own, without daemons. */
class UdpBackendTest {

    private static final Ipv4Subnet NETWORK = Ipv4Subnet.parse("10.0.0.0/8");
    private static final Lease ONE = lease("10.1.0.0/24", "192.168.32.1");
    private static final Lease TWO = lease("10.2.0.0/24", "192.168.32.2");

    private static Lease lease(String subnet, String host) {
        return new Lease(Ipv4Subnet.parse(subnet), new LeaseAttributes(Ipv4.parse(host), "", null, ""), new Lease.Never(), 1);
    }

    /** A host: its namespace, and its end of the overlay. */
    private record Node(NetworkNamespace namespace, Lease lease, UdpBackend backend, AtomicReference<Throwable> death)
            implements AutoCloseable {

        static Node open(NetworkNamespace namespace, Lease lease, Level level, Limits limits) throws Exception {
            Ipv4 address = lease.attributes().publicIp();
            namespace.run("ip", "address", "add", address + "/24", "dev", "eth0");
            AtomicReference<Throwable> death = new AtomicReference<>();
            Underlay underlay = new Underlay("eth0", 2, address, new Ipv4Subnet(address, 24), 1500, new MacAddress(0));
            UdpBackend backend = namespace.call(() -> UdpBackend.open(new UdpConfig(8285, true, level), NETWORK, underlay, limits,
                    Log.open(LogOptions.quiet()), death::set));
            namespace.run("ip", "link", "set", "flannel0", "up", "mtu", "1472");
            namespace.run("ip", "address", "add", lease.subnet().base() + "/8", "dev", "flannel0");
            return new Node(namespace, lease, backend, death);
        }

        @Override
        public void close() {
            backend.close();
            assertEquals(null, death.get());
        }
    }

    private interface Body {
        void run(Node one, Node two) throws Exception;
    }

    private static void withTwoNodes(Level level, Limits limits, Body body) throws Exception {
        try (NetworkNamespace here = Needs.namespace("one"); NetworkNamespace there = Needs.namespace("two")) {
            here.connect("eth0", there, "eth0");
            try (Node one = Node.open(here, ONE, level, limits); Node two = Node.open(there, TWO, level, limits)) {
                one.backend.leases(ONE.subnet(), List.of(TWO));
                two.backend.leases(TWO.subnet(), List.of(ONE));
                body.run(one, two);
            }
        }
    }

    private static Duration transfer(Node from, Node to, long bytes) throws Exception {
        return Transfer.start(from.namespace, to.namespace, to.lease.subnet().base().toString(), bytes).finish();
    }

    @Test
    void tenThousandPeersAreNoSlowerThanOne() throws Exception {
        withTwoNodes(Level.OFFLOAD, Limits.forThisHost(), (one, two) -> {
            transfer(one, two, 200_000_000);                            // warm
            Duration few = transfer(one, two, 200_000_000);
            List<Lease> peers = new ArrayList<>(List.of(TWO));
            for (int i = 0; i < 10_000; i++) {
                peers.add(lease("10." + (100 + i / 256) + "." + i % 256 + ".0/24", "172.16." + i / 250 + "." + (1 + i % 250)));
            }
            one.backend.leases(ONE.subnet(), peers);
            Duration many = transfer(one, two, 200_000_000);
            System.out.printf("    200 MB: with 1 peer in %d ms, with %d in %d ms%n", few.toMillis(), peers.size(), many.toMillis());
            assertTrue(many.toMillis() < 5 * few.toMillis(), "far from the thousands of times of a list");
        });
    }

    @ParameterizedTest
    @EnumSource(Level.class)
    void everyPacketIsCounted(Level level) throws Exception {
        withTwoNodes(level, new Limits(64, 256 * 1024, 8, 2), (one, two) -> {
            transfer(one, two, 20_000_000);
            one.namespace.tryRun("ping", "-c", "1", "-W", "1", "10.77.0.1");
            UdpCounters here = one.backend.counters();
            Await.that("the other end has counted them too", () -> two.backend.counters().received().bytes() >= 20_000_000);
            assertTrue(here.sent().bytes() > 20_000_000, here.toString());
            assertTrue(here.sent().packets() >= 20_000_000 / 1472);
            assertEquals(1, here.dropped().noRoute());
            assertEquals(1, here.received().icmpReplies());
            assertEquals(0, here.dropped().malformed() + here.dropped().stranger() + here.dropped().spoofed());
            boolean trains = here.sent().packets() > 10 * here.sent().messages();
            boolean superPackets = here.sent().packets() > 10 * here.sent().tunReads();
            assertEquals(level == Level.OFFLOAD, trains, here.toString());
            assertEquals(level.compareTo(Level.TSO) <= 0, superPackets, here.toString());
            assertEquals(level == Level.SINGLE, here.sent().calls() >= here.sent().packets(), here.toString());
        });
    }
}
