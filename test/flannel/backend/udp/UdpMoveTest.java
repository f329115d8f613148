package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.kernel.Underlay;
import flannel.lab.Await;
import flannel.lab.Transfer;
import flannel.lease.Lease;
import flannel.linux.Errno;
import flannel.linux.SystemCallException;
import flannel.linux.UdpSocket;
import flannel.net.Ipv4;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The host's address changes under an open backend: the socket moves, and nothing else is noticed. */
class UdpMoveTest {

    private static final Ipv4 OLD = Ipv4.parse("192.168.32.1");
    private static final Ipv4 NEW = Ipv4.parse("192.168.32.77");
    private static final Lease ONE_MOVED = Node.lease("10.1.0.0/24", "192.168.32.77");

    private static void renumber(Node node, Ipv4 from, Ipv4 to) {
        node.namespace().run("ip", "address", "del", from + "/24", "dev", "eth0");
        node.namespace().run("ip", "address", "add", to + "/24", "dev", "eth0");
    }

    private static void moveTo(Node node, Ipv4 address) throws Exception {
        node.namespace().call(() -> node.backend().moveTo(Node.underlay(address)));
    }

    @ParameterizedTest(name = "{0} threads")
    @ValueSource(ints = {1, 2})
    void aFlowGoesOnFromTheNewAddress(int threads) throws Exception {
        Node.withTwo(UdpConfig.DEFAULT, new Limits(64, 128 * 1024, 8, threads), (one, two) -> {
            assertEquals(3, one.pingsAnswered(two, 3));
            Transfer transfer = Transfer.start(one.namespace(), two.namespace(), two.address(), Long.MAX_VALUE);
            Await.that("it flows", () -> transfer.bytesReceived() > 1_000_000);
            renumber(one, OLD, NEW);
            assertEquals(0, two.pingsAnswered(one, 3), "the old address is gone");
            moveTo(one, NEW);
            two.backend().leases(Node.TWO.subnet(), List.of(ONE_MOVED));
            long before = transfer.bytesReceived();
            Await.that("it flows again", () -> transfer.bytesReceived() > before + 1_000_000);
            transfer.stop();
            transfer.finish();
            assertEquals(3, two.pingsAnswered(one, 3));
            String sockets = one.namespace().run("ss", "-Hulnp");
            assertTrue(sockets.contains("192.168.32.77:8285") && !sockets.contains("192.168.32.1:8285"), sockets);
            assertTrue(one.log().toString().contains("moved from 192.168.32.1 on eth0 to 192.168.32.77"), one.log().toString());
        });
    }

    @Test
    void thereAndBackAThousandTimesLeavesNothing() throws Exception {
        Node.withTwo(UdpConfig.DEFAULT, new Limits(64, 128 * 1024, 8, 2), (one, two) -> {
            one.namespace().run("ip", "address", "add", NEW + "/24", "dev", "eth0");
            moveTo(one, NEW);
            moveTo(one, OLD);
            long descriptors = count("/proc/self/fd");
            long threads = count("/proc/self/task");
            one.namespace().call(() -> {
                for (int i = 0; i < 1000; i++) {
                    one.backend().moveTo(Node.underlay(i % 2 == 0 ? NEW : OLD));
                }
            });
            assertTrue(count("/proc/self/fd") <= descriptors + 5, "file descriptors: " + descriptors + " and " + count("/proc/self/fd"));
            assertTrue(count("/proc/self/task") <= threads + 5, "threads: " + threads + ", then " + count("/proc/self/task"));
            assertEquals(1, one.namespace().run("ss", "-Hulnp").lines().filter(line -> line.contains(":8285")).count());
            assertEquals(3, one.pingsAnswered(two, 3));
        });
    }

    private static long count(String folder) throws Exception {
        try (Stream<Path> files = Files.list(Path.of(folder))) {
            return files.count();
        }
    }

    @Test
    void anotherMtuIsFollowed() throws Exception {
        Node.withTwo(UdpConfig.DEFAULT, Limits.forThisHost(1), (one, two) -> {
            Underlay jumbo = new Underlay("eth9", 2, OLD, Node.underlay(OLD).onLink(), 9000, Node.underlay(OLD).mac());
            one.namespace().call(() -> one.backend().moveTo(jumbo));
            assertEquals(8972, one.backend().mtu());
            assertEquals(3, one.pingsAnswered(two, 3), "the socket is the same");
        });
    }

    @Test
    void whereThereIsNothingToMoveToItStaysAndSaysSo() throws Exception {
        Node.withTwo(UdpConfig.DEFAULT, Limits.forThisHost(1), (one, two) -> {
            SystemCallException gone = assertThrows(SystemCallException.class, () -> moveTo(one, Ipv4.parse("192.168.32.99")));
            assertEquals(Errno.EADDRNOTAVAIL, gone.errno());
            assertTrue(gone.getMessage().contains("192.168.32.99:8285") && gone.getMessage().contains("on no interface"), gone.getMessage());
            one.namespace().run("ip", "address", "add", NEW + "/24", "dev", "eth0");
            try (UdpSocket other = one.namespace().call(() -> UdpSocket.bind(NEW, Node.PORT))) {
                SystemCallException taken = assertThrows(SystemCallException.class, () -> moveTo(one, NEW));
                assertEquals(Errno.EADDRINUSE, taken.errno());
                assertTrue(taken.getMessage().contains("another program has this port (ss -ulpn sport = :8285"), taken.getMessage());
            }
            assertEquals(3, one.pingsAnswered(two, 3));
            moveTo(one, NEW);
            two.backend().leases(Node.TWO.subnet(), List.of(ONE_MOVED));
            assertEquals(3, one.pingsAnswered(two, 3));
        });
    }

    @Test
    void aPortThatWeMayNotHaveIsExplained() {
        String text = UdpBackend.remedy(Errno.EACCES, OLD, 500);
        assertTrue(text.contains("below 1024") && text.contains("CAP_NET_BIND_SERVICE") && text.contains("flanneld.service"), text);
    }
}
