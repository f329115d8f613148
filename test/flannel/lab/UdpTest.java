package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.udp.Packets;
import flannel.net.Ipv4;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The udp backend between two hosts: who gets in, what senders are told, and what happens when something is taken away. */
class UdpTest {

    private static final String CONFIG = "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"udp\"%s}}";
    private static final int PORT = 8285;

    private static Lab lab;
    private static Host one;
    private static Host two;
    private static NetworkNamespace here;
    private static NetworkNamespace there;

    @BeforeAll
    static void twoHostsThatTalk() throws Exception {
        lab = Needs.lab(Store.Api.V3);
        lab.store().put("config", CONFIG.formatted(""));
        one = lab.host(1);
        two = lab.host(2);
        one.run("ip", "tuntap", "add", "mode", "tun", "name", "flannel0");              // as somebody else's daemon leaves it
        one.run("ip", "address", "add", "10.1.250.0/16", "dev", "flannel0");
        one.run("ip", "link", "set", "flannel0", "up", "mtu", "1400");
        lab.startAll(one, two);
        here = one.plugContainer();
        there = two.plugContainer();
        Ping.start(here, two.containerAddress()).close();
    }

    @AfterAll
    static void takeDown() {
        if (lab != null) {
            lab.close();
        }
    }

    @Test
    void deviceAddressRouteAndLeaseAreTheOriginals() throws Exception {
        for (Host host : new Host[] {one, two}) {
            String base = host.subnet().replace("/24", "");
            assertEquals(1472, KernelView.link(host, "flannel0").integer("mtu"));
            String addresses = host.run("ip", "-4", "-o", "address", "show", "dev", "flannel0");
            assertTrue(addresses.contains("inet " + base + "/16 scope global flannel0"), addresses);
            assertEquals(1, addresses.lines().count(), addresses);
            assertTrue(KernelView.mentions(host, "10.1.0.0/16 dev flannel0"));
            assertEquals("1472", host.subnetEnv().get("FLANNEL_MTU"));
            String lease = lab.store().get("subnets/" + host.subnet().replace('/', '-'));
            assertTrue(lease.startsWith("{\"PublicIP\":\"" + host.address() + "\"") && !lease.contains("Backend"), lease);
        }
    }

    // ---------------------------------------------------------------- who gets in

    @Test
    void strangersAndSpoofersGetNothingIn() throws Exception {
        String elsewhere = "10.1.240.7";                                // in the subnet of a third host, which the switch plays
        try (UdpLink link = new UdpLink(here, there, two.containerAddress());
                DatagramSocket stranger = lab.outside().call(() -> new DatagramSocket(new InetSocketAddress(lab.gateway(), PORT)))) {
            byte[] fromPeer = inner(one.containerAddress(), link, "from a peer's subnet");
            int log = two.daemon().logSize();
            send(stranger, fromPeer);
            send(stranger, inner(elsewhere, link, "from nobody's subnet"));
            send(stranger, inner("8.8.8.8", link, "from outside"));
            two.daemon().awaitLog(log, "dropped a packet from 192\\.168\\.32\\.1, which is the PublicIP of no lease .it carried "
                    + one.containerAddress());
            lab.store().put("subnets/10.1.240.0-24", "{\"PublicIP\":\"" + lab.gateway() + "\"}", 1000);
            two.daemon().awaitLog("Subnet added: 10.1.240.0/24");
            send(stranger, fromPeer);
            send(stranger, inner(two.containerAddress(), link, "from the host's own subnet"));
            send(stranger, new byte[] {0x45, 0, 0});
            send(stranger, new byte[0]);
            send(stranger, inner(elsewhere, link, "fine"));
            assertArrayEquals("fine".getBytes(StandardCharsets.UTF_8), link.receive(), "nothing before it got in");
            assertTrue(link.isEmpty());
        } finally {
            lab.store().delete("subnets/10.1.240.0-24");
        }
    }

    private static byte[] inner(String source, UdpLink link, String text) throws Exception {
        return Packets.udp(Ipv4.parse(source).bits(), Ipv4.parse(two.containerAddress()).bits(), 4000, link.port(), 1,
                text.getBytes(StandardCharsets.UTF_8));
    }

    private static void send(DatagramSocket from, byte[] packet) throws Exception {
        from.send(new DatagramPacket(packet, packet.length, InetAddress.getByName(two.address()), PORT));
    }

    @Test
    void withoutSourceCheckEveryoneMay() throws Exception {
        lab.store().put("config", CONFIG.formatted(", \"SourceCheck\": false"));
        try (UdpLink link = new UdpLink(here, there, two.containerAddress());
                DatagramSocket stranger = lab.outside().call(() -> new DatagramSocket())) {
            two.daemon().kill();
            lab.startAll(two);
            send(stranger, inner(one.containerAddress(), link, "through an address translation"));
            assertArrayEquals("through an address translation".getBytes(StandardCharsets.UTF_8), link.receive());
        } finally {
            lab.store().put("config", CONFIG.formatted(""));
            two.daemon().kill();
            lab.startAll(two);
        }
    }

    // ---------------------------------------------------------------- what it needs

    /** As under a unit whose CapabilityBoundingSet= leaves it out. */
    @Test
    void aPortBelow1024NeedsACapabilityWhichIsNamed(@TempDir Path folder) throws Exception {
        Path program = Files.writeString(folder.resolve("flanneld"), """
                #!/bin/sh
                exec setpriv --bounding-set -net_bind_service --inh-caps -net_bind_service %s "$@"
                """.formatted(Lab.built()));
        assertTrue(program.toFile().setExecutable(true));
        Host three = lab.host(3, program);
        lab.store().put("config", CONFIG.formatted(", \"Port\": 500"));
        try {
            three.start(lab.options()).awaitLog("bind UDP " + three.address() + ":500: EACCES .*CAP_NET_BIND_SERVICE");
        } finally {
            three.reset();
            lab.store().put("config", CONFIG.formatted(""));
        }
    }

    // ---------------------------------------------------------------- what senders are told

    @Test
    void unknownSubnetIsUnreachable() {
        NetworkNamespace.Result ping = here.tryRun("ping", "-c", "1", "-W", "5", "10.1.251.9");
        assertNotEquals(0, ping.exitCode());
        assertTrue(ping.output().contains("Destination Net Unreachable"), ping.output());
    }

    /** The switch as a router that carries less than the hosts' interfaces. */
    @Test
    void smallerMtuOnTheWay() throws Exception {
        NetworkNamespace router = lab.outside();
        router.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.br0.send_redirects=0");
        router.run("ip", "route", "add", two.address(), "dev", "br0", "mtu", "lock", "1300");
        one.run("ip", "route", "add", two.address(), "via", lab.gateway());
        try {
            NetworkNamespace.Result ping = here.tryRun("ping", "-c", "5", "-i", "0.2", "-W", "1", "-M", "do", "-s", "1400", two.containerAddress());
            assertTrue(ping.output().contains("Frag needed and DF set (mtu = 1272)") || ping.output().contains("mtu=1272"), ping.output());
            assertTrue(here.run("ip", "route", "get", two.containerAddress()).contains("mtu 1272"));
            here.run("ping", "-c", "1", "-W", "5", "-M", "do", "-s", Integer.toString(1272 - 28), two.containerAddress());
            here.run("ping", "-c", "1", "-W", "5", "-s", "1444", two.containerAddress());
            Transfer.start(here, there, two.containerAddress(), 5_000_000).finish();
        } finally {
            one.run("ip", "route", "del", two.address());
            router.run("ip", "route", "del", two.address());
            here.run("ip", "route", "flush", "cache");
        }
    }

    // ---------------------------------------------------------------- what is taken away

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"ip link del flannel0", "ip address del OWN/16 dev flannel0", "ip route del 10.1.0.0/16 dev flannel0",
        "ip link set flannel0 down", "ip link set flannel0 mtu 1300 txqueuelen 3"})
    void isPutBack(String command) throws Exception {
        String before = kernel();
        try (Ping ping = Ping.start(here, two.containerAddress())) {
            one.run(command.replace("OWN", one.subnet().replace("/24", "")).split(" "));
            Duration took = Await.that("as before: " + before, () -> kernel().equals(before));
            System.out.printf("    put back within %4d ms after %s%n", took.toMillis(), command);
            ping.awaitReplies(3);
        }
    }

    private static String kernel() {
        return one.namespace().tryRun("sh", "-c", "ip -o link show dev flannel0; ip -4 -o address show dev flannel0; ip route show dev flannel0")
                .output().replaceAll("(?m)^\\d+:| state \\w+| proto (kernel|241)| src [\\d.]+|\\s+$", "");
    }

    /** The device may have another number of queues than before. */
    @ParameterizedTest(name = "with {0} queues then")
    @ValueSource(ints = {4, 1})
    void flowsGoOnAfterAKill(int queues) throws Exception {
        Transfer transfer = Transfer.start(here, there, two.containerAddress(), Long.MAX_VALUE);
        try (Ping ping = Ping.start(here, two.containerAddress())) {
            one.daemon().kill();
            long killed = System.nanoTime();
            one.start(lab.options("-udp-queues=" + queues));
            ping.awaitReplies(1);
            long silentMillis = (System.nanoTime() - killed) / 1_000_000;
            long readyMillis = one.daemon().awaitReady().toMillis();
            System.out.printf("    killed: %d ms without an answer; the new daemon was ready after %d ms%n", silentMillis, readyMillis);
            assertTrue(silentMillis - readyMillis < 1000);
            assertEquals(queues > 1, one.run("ip", "-d", "link", "show", "flannel0").contains("multi_queue numqueues " + queues + " "));
            long arrived = transfer.bytesReceived();
            Await.that("TCP goes on", () -> transfer.bytesReceived() > arrived + 10_000_000);
        }
        transfer.stop();
        transfer.finish();
    }
}
