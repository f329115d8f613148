package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lab.Await;
import flannel.lab.Needs;
import flannel.lab.NetworkNamespace;
import flannel.lab.Transfer;
import flannel.lease.Lease;
import flannel.linux.Errno;
import flannel.linux.Libc;
import flannel.linux.SystemCallException;
import flannel.linux.TunDevice;
import flannel.log.Log;
import flannel.log.LogOptions;
import flannel.net.Ipv4;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several queues of the TUN device, each with a socket and threads of its own. */
class UdpQueuesTest {

    private static final int QUEUES = 4;
    private static final Lease THREE = Node.lease("10.3.0.0/24", "192.168.32.3");

    private static Limits limits(int threads, int queues) {
        return new Limits(64, 128 * 1024, 8, threads, queues);
    }

    // ---------------------------------------------------------------- why order holds

    /** What is written through a queue's own descriptor would move the flow there, as the last lines show. */
    @Test
    void aFlowStaysInItsQueueWhereverItsAnswersAreWritten() throws Exception {
        try (NetworkNamespace host = Needs.namespace("host"); Arena arena = Arena.ofConfined();
                TunDevice tun = host.call(() -> TunDevice.open("flannel0", false, QUEUES))) {
            MemorySegment buffer = arena.allocate(2000);
            host.run("sysctl", "-qw", "net.ipv6.conf.flannel0.disable_ipv6=1");
            host.run("ip", "address", "add", "10.1.0.1/8", "dev", "flannel0");
            host.run("ip", "link", "set", "flannel0", "up");
            List<DatagramSocket> sockets = new ArrayList<>();
            try {
                for (int i = 0; i < 16; i++) {
                    sockets.add(host.call(() -> new DatagramSocket()));
                }
                List<Integer> queues = sockets.stream().map(socket -> queue(tun, socket, buffer)).toList();
                assertTrue(queues.stream().distinct().count() > 1, "the flows are spread: " + queues);
                for (int i = 0; i < sockets.size(); i++) {
                    answer(tun.writeFd((queues.get(i) + 1) % QUEUES), sockets.get(i), buffer);
                }
                assertEquals(queues, sockets.stream().map(socket -> queue(tun, socket, buffer)).toList());
                for (int i = 0; i < sockets.size(); i++) {
                    answer(tun.readFd((queues.get(i) + 1) % QUEUES), sockets.get(i), buffer);
                }
                assertEquals(queues.stream().map(queue -> (queue + 1) % QUEUES).toList(),
                        sockets.stream().map(socket -> queue(tun, socket, buffer)).toList());
            } finally {
                sockets.forEach(DatagramSocket::close);
            }
        }
    }

    /** Sends a datagram, and finds it in one of the queues. */
    private static int queue(TunDevice tun, DatagramSocket socket, MemorySegment buffer) {
        try {
            socket.send(new DatagramPacket(new byte[4], 4, InetAddress.getByName("10.2.0.2"), 5000));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        for (int queue = 0; queue < QUEUES; queue++) {
            if (Libc.read(tun.readFd(queue), buffer, 0, 2000) > 0) {
                return queue;
            }
        }
        return -1;
    }

    private static void answer(int fd, DatagramSocket to, MemorySegment buffer) throws Exception {
        byte[] packet = Packets.udp(Ipv4.parse("10.2.0.2").bits(), Ipv4.parse("10.1.0.1").bits(), 5000, to.getLocalPort(), 1, new byte[4]);
        MemorySegment.copy(MemorySegment.ofArray(packet), 0, buffer, 0, packet.length);
        assertEquals(packet.length, Libc.write(fd, buffer, packet.length));
        to.setSoTimeout(5000);
        to.receive(new DatagramPacket(new byte[100], 100));
    }

    // ---------------------------------------------------------------- between hosts

    /** Three hosts with four queues, and each has flows to each other one, both ways at the same time. */
    @ParameterizedTest(name = "{0} threads a queue")
    @ValueSource(ints = {1, 2})
    void everyFlowKeepsItsOrderAndNothingIsLost(int threads) throws Exception {
        withThree(limits(threads, QUEUES), limits(threads, QUEUES), nodes -> {
            List<CompletableFuture<EchoedFlows.Outcome>> runs = new ArrayList<>();
            for (Node from : nodes) {
                for (Node to : nodes) {
                    if (from != to) {
                        runs.add(EchoedFlows.start(from.namespace(), to.namespace(), to.address(), 8, Duration.ofMillis(800)));
                    }
                }
            }
            for (CompletableFuture<EchoedFlows.Outcome> run : runs) {
                assertInOrder(run);
            }
            for (Node node : nodes) {
                List<UdpCounters> all = node.backend().countersByThread();
                assertEquals(threads * QUEUES, all.size());
                assertTrue(all.stream().filter(part -> part.of(Counter.SENT_PACKETS) > 0).count() >= 3, "sent by several queues: " + all);
            }
        });
    }

    private static void assertInOrder(CompletableFuture<EchoedFlows.Outcome> run) throws Exception {
        EchoedFlows.Outcome outcome = run.get(30, TimeUnit.SECONDS);
        System.out.printf("    %s%n", outcome);
        assertEquals(0, outcome.outOfOrder(), outcome.toString());
        assertEquals(outcome.sent(), outcome.returned(), outcome.toString());
        assertTrue(outcome.sent() > 100, outcome.toString());
    }

    /** The others send a packet a call from one socket, as the original does. */
    @Test
    void aHostWithOneQueueIsNoWorse() throws Exception {
        withThree(limits(2, QUEUES), limits(1, 1), nodes -> {
            Node several = nodes.getFirst();
            for (Node single : nodes.subList(1, 3)) {
                CompletableFuture<EchoedFlows.Outcome> out = EchoedFlows.start(several.namespace(), single.namespace(), single.address(), 16, Duration.ofMillis(300));
                CompletableFuture<EchoedFlows.Outcome> in = EchoedFlows.start(single.namespace(), several.namespace(), several.address(), 16, Duration.ofMillis(300));
                assertInOrder(out);
                assertInOrder(in);
                several.transferTo(single, 20_000_000);
                single.transferTo(several, 20_000_000);
            }
        });
    }

    private interface Body {
        void run(List<Node> nodes) throws Exception;
    }

    /** @param others the limits of the second and the third host, which do one packet a call when they have one queue */
    private static void withThree(Limits first, Limits others, Body body) throws Exception {
        UdpConfig simple = new UdpConfig(Node.PORT, true, others.queues() == 1 ? Level.SINGLE : Level.OFFLOAD);
        try (NetworkNamespace a = Needs.namespace("one"); NetworkNamespace b = Needs.namespace("two"); NetworkNamespace c = Needs.namespace("three");
                NetworkNamespace between = Needs.namespace("switch")) {
            between.run("ip", "link", "add", "br0", "type", "bridge");
            between.run("ip", "link", "set", "br0", "up");
            for (NetworkNamespace host : List.of(a, b, c)) {
                String port = host.name().replaceFirst(".*-", "");
                host.connect("eth0", between, port);
                between.run("ip", "link", "set", port, "master", "br0");
            }
            try (Node one = Node.open(a, Node.ONE, UdpConfig.DEFAULT, first); Node two = Node.open(b, Node.TWO, simple, others);
                    Node three = Node.open(c, THREE, simple, others)) {
                one.backend().leases(Node.ONE.subnet(), List.of(Node.TWO, THREE));
                two.backend().leases(Node.TWO.subnet(), List.of(Node.ONE, THREE));
                three.backend().leases(THREE.subnet(), List.of(Node.ONE, Node.TWO));
                body.run(List.of(one, two, three));
            }
        }
    }

    // ---------------------------------------------------------------- life

    @Test
    void aDeviceThatIsDeletedIsMadeAgainOnceWithAllItsQueues() throws Exception {
        Node.withTwo(UdpConfig.DEFAULT, limits(1, QUEUES), (one, two) -> {
            for (int i = 1; i <= 3; i++) {
                one.namespace().run("ip", "link", "del", "flannel0");
                Await.that("it is there again", () -> queues(one.namespace(), "flannel0").equals("numqueues 4 numdisabled 4"));
                one.namespace().run("ip", "address", "add", one.address() + "/8", "dev", "flannel0");
                one.namespace().run("ip", "link", "set", "flannel0", "up", "mtu", "1472");
                assertEquals(2, one.pingsAnswered(two, 2));
                assertEquals(i, one.log().toString().lines().filter(line -> line.contains("has been made again")).count(), one.log().toString());
            }
            assertInOrder(EchoedFlows.start(one.namespace(), two.namespace(), two.address(), 16, Duration.ofMillis(200)));
        });
    }

    private static String queues(NetworkNamespace host, String device) {
        return host.tryRun("ip", "-d", "link", "show", device).output().replaceFirst("(?s).*(numqueues \\d+ numdisabled \\d+).*", "$1");
    }

    @Test
    void flowsGoOnFromAnotherAddress() throws Exception {
        Ipv4 next = Ipv4.parse("192.168.32.77");
        Node.withTwo(UdpConfig.DEFAULT, limits(2, QUEUES), (one, two) -> {
            Transfer transfer = Transfer.start(one.namespace(), two.namespace(), two.address(), Long.MAX_VALUE);
            Await.that("it flows", () -> transfer.bytesReceived() > 1_000_000);
            one.namespace().run("ip", "address", "del", "192.168.32.1/24", "dev", "eth0");
            one.namespace().run("ip", "address", "add", next + "/24", "dev", "eth0");
            one.namespace().call(() -> one.backend().moveTo(Node.underlay(next)));
            two.backend().leases(Node.TWO.subnet(), List.of(Node.lease("10.1.0.0/24", next.toString())));
            long before = transfer.bytesReceived();
            Await.that("it flows again", () -> transfer.bytesReceived() > before + 1_000_000);
            transfer.stop();
            transfer.finish();
            List<String> sockets = one.namespace().run("ss", "-Huln").lines().filter(line -> line.contains(":8285")).toList();
            assertEquals(QUEUES, sockets.stream().filter(line -> line.contains(next + ":8285")).count(), sockets.toString());
            assertEquals(QUEUES, sockets.size(), sockets.toString());
        });
    }

    /** Neither another daemon's port nor its device is shared, whatever the kernel would allow. */
    @Test
    void whatAnotherHoldsIsNotShared() throws Exception {
        try (NetworkNamespace host = Needs.namespace("host"); NetworkNamespace there = Needs.namespace("there")) {
            host.connect("eth0", there, "eth0");
            try (Node first = Node.open(host, Node.ONE, UdpConfig.DEFAULT, limits(1, QUEUES))) {
                for (int queues : new int[] {1, QUEUES}) {
                    SystemCallException taken = assertThrows(SystemCallException.class, () -> host.call(() -> open(UdpConfig.DEFAULT, queues)));
                    assertEquals(Errno.EADDRINUSE, taken.errno());
                }
                try (UdpBackend other = host.call(() -> open(new UdpConfig(9000, true, Level.OFFLOAD), QUEUES))) {
                    assertEquals("flannel1", other.link().name());
                    assertEquals("numqueues 4 numdisabled 4", queues(host, "flannel0"));
                }
                assertEquals("flannel0", first.backend().link().name());
            }
        }
    }

    private static UdpBackend open(UdpConfig config, int queues) throws Exception {
        return UdpBackend.open(config, Node.NETWORK, Node.underlay(Ipv4.parse("192.168.32.1")), limits(1, queues),
                Log.open(LogOptions.quiet()), t -> { });
    }

    /** A persistent device of one queue, which nobody holds, and which would stand in the way with its route. */
    @Test
    void aDeviceThatSomebodyLeftIsMadeAnew() throws Exception {
        try (NetworkNamespace host = Needs.namespace("host"); NetworkNamespace there = Needs.namespace("there")) {
            host.connect("eth0", there, "eth0");
            host.run("ip", "tuntap", "add", "mode", "tun", "name", "flannel0");
            host.run("ip", "address", "add", "10.1.250.0/16", "dev", "flannel0");
            try (Node node = Node.open(host, Node.ONE, UdpConfig.DEFAULT, limits(1, QUEUES))) {
                assertEquals("flannel0", node.backend().link().name());
                assertEquals("numqueues 4 numdisabled 4", queues(host, "flannel0"));
                assertTrue(!host.run("ip", "address").contains("10.1.250.0"));
            }
            assertTrue(!host.run("ip", "link").contains("flannel0"));
        }
    }

    @Test
    void closingLeavesNothing() throws Exception {
        try (NetworkNamespace host = Needs.namespace("host"); NetworkNamespace there = Needs.namespace("there")) {
            host.connect("eth0", there, "eth0");
            Node.open(host, Node.ONE, UdpConfig.DEFAULT, limits(2, QUEUES)).close();
            long descriptors = count("/proc/self/fd");
            long threads = count("/proc/self/task");
            for (int i = 0; i < 5; i++) {
                host.call(() -> open(UdpConfig.DEFAULT, QUEUES)).close();
            }
            assertTrue(count("/proc/self/fd") <= descriptors + 5, "file descriptors: " + descriptors + " and " + count("/proc/self/fd"));
            assertTrue(count("/proc/self/task") <= threads + 5, "threads: " + threads + ", then " + count("/proc/self/task"));
            assertEquals("", host.run("ss", "-Huln"));
        }
    }

    private static long count(String folder) throws Exception {
        try (Stream<Path> files = Files.list(Path.of(folder))) {
            return files.count();
        }
    }
}
