package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.net.Ipv4;
import flannel.status.NetworkStatus;
import flannel.status.NetworkStatus.Entries;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Mtu;
import flannel.status.NetworkStatus.OwnLease;
import flannel.status.NetworkStatus.Peer;
import flannel.status.NetworkStatus.Phase;
import flannel.status.NetworkStatus.Stuck;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What a daemon tells of itself is what has happened to it. */
class ReportTest {

    private static final Duration SECOND = Duration.ofSeconds(1);

    private final VirtualCluster cluster = new VirtualCluster(1);
    private final VirtualCluster.Host one = cluster.host(1);
    private final VirtualCluster.Host two = cluster.host(2);

    private void startBoth() {
        one.start();
        two.start();
        cluster.run(SECOND);
    }

    private void peer(String subnet, String address, String backend) {
        cluster.store.put(subnet, new LeaseAttributes(Ipv4.parse(address), backend, null, ""),
                new Lease.At(cluster.time.wallTime().plus(Duration.ofHours(24))));
        cluster.run(SECOND);
    }

    private Peer told(String subnet) {
        return one.report().peers().stream().filter(peer -> peer.subnet().equals(subnet)).findFirst().orElseThrow();
    }

    private static Map<String, Long> repaired(Known report) {
        return report.repaired().entrySet().stream().filter(each -> each.getValue() > 0)
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    private static final Entries ROUTE = new Entries(List.of("route"), List.of());

    @Test
    void aQuietNetworkIsHealthy() {
        startBoth();
        Known report = one.report();
        assertEquals(List.of(), report.troubles());
        assertEquals(Phase.ACTIVE, report.phase());
        assertEquals("10.1.0.0/16", report.range());
        assertEquals("host-gw", report.backend());
        assertEquals(new OwnLease(one.subnet().toString(), "192.168.32.211", false, Duration.ofHours(24).minus(SECOND)), report.lease());
        assertEquals(List.of(new Mtu("eth0", 1500)), report.mtus());
        assertEquals(List.of(new Peer(two.subnet().toString(), "192.168.32.212", "host-gw", false, "", ROUTE, null)), report.peers());
        assertEquals(Map.of(), repaired(report));
        assertEquals(SECOND, report.store().listed());
    }

    @Test
    void withoutAConfigItWaits() {
        cluster.store.config(null);
        one.start();
        cluster.run(SECOND);
        Known report = one.report();
        assertEquals(Phase.UNCONFIGURED, report.phase());
        assertNull(report.lease());
        assertEquals(1, report.troubles().size(), report.troubles().toString());
        assertTrue(report.troubles().getFirst().startsWith("failed to retrieve network config"), report.troubles().toString());
    }

    @Test
    void aStoreThatIsAwayIsTold() {
        startBoth();
        cluster.store.trouble("no leader");
        one.relist();
        cluster.run(SECOND);
        assertTrue(one.report().store().trouble().contains("no leader"), one.report().toString());
        assertEquals(List.of(one.report().store().trouble()), one.report().troubles());
        cluster.store.trouble(null);
        cluster.run(Duration.ofMinutes(1));
        assertEquals(List.of(), one.report().troubles());
    }

    @Test
    void peersThatAreKeptInDoubtAreTold() {
        startBoth();
        peer("10.1.9.0/24", "192.168.32.99", "host-gw");
        cluster.store.wipe();
        cluster.run(SECOND);
        assertEquals(new Peer("10.1.9.0/24", "192.168.32.99", "host-gw", true, "", ROUTE, null), told("10.1.9.0/24"));
        assertTrue(one.report().troubles().toString().contains("1 peer's lease is no longer in the store"), one.report().troubles().toString());
    }

    @Test
    void aPeerWhoseValueWasMadeUnreadableIsKept() {
        startBoth();
        peer("10.1.9.0/24", "192.168.32.99", "host-gw");
        cluster.store.occupy("10.1.9.0-24");
        cluster.run(SECOND);
        assertEquals(new Peer("10.1.9.0/24", "192.168.32.99", "host-gw", true, "", ROUTE, null), told("10.1.9.0/24"));
    }

    @Test
    void whyALeaseIsNotFollowedIsTold() {
        startBoth();
        peer("10.1.9.0/24", "192.168.32.99", "vxlan");
        cluster.store.occupy("10.1.8.0-24");
        cluster.run(SECOND);
        assertEquals(new Peer("10.1.9.0/24", "192.168.32.99", "", false, "Ignoring non-host-gw subnet(10.1.9.0/24): type=vxlan"), told("10.1.9.0/24"));
        assertEquals(new Peer("10.1.8.0/24", "", "", false, "Ignoring 10.1.8.0-24 in the store: nonsense"), told("10.1.8.0/24"));
        assertEquals(2, one.report().troubles().size());
        peer("10.1.9.0/24", "192.168.32.99", "host-gw");
        cluster.store.remove("10.1.8.0-24");
        cluster.run(SECOND);
        assertEquals(List.of(), one.report().troubles());
    }

    @Test
    void whatWasPutBackIsTold() {
        startBoth();
        one.removeSomeRoute();
        cluster.run(SECOND);
        one.file = null;
        cluster.run(Duration.ofSeconds(11));
        Known report = one.report();
        assertEquals(Map.of("file", 1L, "route", 1L), repaired(report));
        assertEquals(Repairs.KINDS, List.copyOf(report.repaired().keySet()));
        assertEquals(List.of("route " + two.subnet() + " via 192.168.32.212 dev eth0: removed", "the subnet file: "),
                report.repairs().stream().map(repair -> repair.what() + ": " + repair.cause()).toList());
        assertEquals(List.of(), report.troubles());
    }

    @Test
    void aConfigThatHasChangedIsTold() {
        startBoth();
        cluster.store.config("{\"Network\":\"10.2.0.0/16\",\"Backend\":{\"Type\":\"host-gw\"}}");
        cluster.run(SECOND);
        assertEquals(List.of("the network config has changed: restart flanneld to use it"), one.report().troubles());
    }

    // ---- asking ----

    private Known known() {
        startBoth();
        return one.report();
    }

    private static void answer(Message question, Known known) {
        assertInstanceOf(Message.Report.class, question).answer().complete(known);
    }

    @Test
    void aSessionThatDoesNotAnswerIsToldAsStuckAndNotBuriedUnderQuestions() throws InterruptedException {
        BlockingQueue<Message> queue = new ArrayBlockingQueue<>(10);
        Inquiry inquiry = new Inquiry("blue", queue);
        for (int i = 0; i < 3; i++) {
            assertEquals("blue", assertInstanceOf(Stuck.class, inquiry.ask(Duration.ofMillis(1))).name());
        }
        assertEquals(1, queue.size());
        Known known = known();
        answer(queue.remove(), known);
        Thread session = Thread.ofVirtual().start(() -> {
            try {
                answer(queue.take(), known);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        assertEquals(known, inquiry.ask(Duration.ofSeconds(30)));
        session.join();
    }

    @Test
    void aQuestionThatFoundTheQueueFullIsAskedAgain() throws InterruptedException {
        BlockingQueue<Message> queue = new ArrayBlockingQueue<>(1);
        queue.add(new Message.UnderlayGone("x"));
        Inquiry inquiry = new Inquiry("", queue);
        assertInstanceOf(Stuck.class, inquiry.ask(Duration.ofMillis(1)));
        queue.remove();
        assertInstanceOf(Stuck.class, inquiry.ask(Duration.ofMillis(1)));
        assertInstanceOf(Message.Report.class, queue.remove());
    }
}
