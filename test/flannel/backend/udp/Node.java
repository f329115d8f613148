package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertNull;

import flannel.kernel.Underlay;
import flannel.lab.Needs;
import flannel.lab.NetworkNamespace;
import flannel.lab.Transfer;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/** A host without a daemon: a network namespace with eth0 and flannel0, and a data path in this process that connects them. */
record Node(NetworkNamespace namespace, Lease lease, UdpBackend backend, ByteArrayOutputStream log, AtomicReference<Throwable> death)
        implements AutoCloseable {

    static final Ipv4Subnet NETWORK = Ipv4Subnet.parse("10.0.0.0/8");
    static final Lease ONE = lease("10.1.0.0/24", "192.168.32.1");
    static final Lease TWO = lease("10.2.0.0/24", "192.168.32.2");
    static final int PORT = 8285;

    /** What a test does with two nodes that know each other. */
    interface Body {
        void run(Node one, Node two) throws Exception;
    }

    static Lease lease(String subnet, String host) {
        return new Lease(Ipv4Subnet.parse(subnet), new LeaseAttributes(Ipv4.parse(host), "", null, ""), new Lease.Never(), 1);
    }

    static Underlay underlay(Ipv4 address) {
        return new Underlay("eth0", 2, address, new Ipv4Subnet(address, 24), 1500, new MacAddress(0));
    }

    static Node open(NetworkNamespace namespace, Lease lease, UdpConfig config, Limits limits) throws Exception {
        Ipv4 address = lease.attributes().publicIp();
        namespace.run("ip", "address", "add", address + "/24", "dev", "eth0");
        AtomicReference<Throwable> death = new AtomicReference<>();
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        UdpBackend backend = namespace.call(() -> UdpBackend.open(config, NETWORK, underlay(address), limits,
                new Log(new PrintStream(log, true), 1), death::set));
        namespace.run("ip", "link", "set", "flannel0", "up", "mtu", "1472");
        namespace.run("ip", "address", "add", lease.subnet().base() + "/8", "dev", "flannel0");
        return new Node(namespace, lease, backend, log, death);
    }

    static void withTwo(UdpConfig config, Limits limits, Body body) throws Exception {
        try (NetworkNamespace here = Needs.namespace("one"); NetworkNamespace there = Needs.namespace("two")) {
            here.connect("eth0", there, "eth0");
            try (Node one = open(here, ONE, config, limits); Node two = open(there, TWO, config, limits)) {
                one.backend.leases(ONE.subnet(), List.of(TWO));
                two.backend.leases(TWO.subnet(), List.of(ONE));
                body.run(one, two);
            }
        }
    }

    /** Address of the host in the overlay: that of flannel0. */
    String address() {
        return lease.subnet().base().toString();
    }

    Duration transferTo(Node other, long bytes) throws Exception {
        return Transfer.start(namespace, other.namespace, other.address(), bytes).finish();
    }

    int pingsAnswered(Node other, int count) {
        return pings(other.address(), count);
    }

    /** How many of so many pings are answered. */
    int pings(String address, int count) {
        String report = namespace.tryRun("ping", "-n", "-c", Integer.toString(count), "-i", "0.1", "-W", "1", address).output();
        return Integer.parseInt(report.replaceFirst("(?s).* (\\d+) received.*", "$1"));
    }

    @Override
    public void close() {
        backend.close();
        assertNull(death.get());
    }
}
