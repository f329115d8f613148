package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.json.JsonValue;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** A store that loses, forgets or garbles what it had: packets flow on meanwhile, not one is lost. */
@ParameterizedClass(name = "etcd {0}")
@EnumSource(Store.Api.class)
class StoreEdgesTest {

    private static final String CONFIG = "{\"Network\": \"10.1.0.0/16\", \"SubnetMin\": \"10.1.10.0\", \"SubnetMax\": \"10.1.99.0\", \"Backend\":{\"Type\":\"vxlan\"}}";

    /** Half a second of pings: by then whatever was to be torn down is. */
    private static final int A_WHILE = 10;

    /** With the heap of 64 MiB full, and all else that a JVM has. */
    private static final long MOST_RESIDENT_KIB = 200 << 10;

    private static Lab lab;

    @Parameter
    private Store.Api api;

    private Host one;
    private Host two;
    private List<String> subnets;

    @BeforeParameterizedClassInvocation
    static void build(Store.Api api) throws Exception {
        lab = Needs.lab(api);
    }

    @AfterParameterizedClassInvocation
    static void takeDown() {
        lab.close();
    }

    @BeforeEach
    void twoHosts() throws Exception {
        lab.store().put("config", CONFIG);
        one = lab.host(1);
        two = lab.host(2);
        lab.startAll(one, two);
        subnets = List.of(one.subnet(), two.subnet());
    }

    @AfterEach
    void asNew() throws Exception {
        lab.reset();
    }

    @Test
    void aConfigThatIsDeletedAndRestoredIsNoEvent() throws Exception {
        try (Talk talk = Talk.of(one, two)) {
            lab.store().delete("config");
            one.daemon().awaitLog("config was deleted");
            two.daemon().awaitLog("config was deleted");
            one.daemon().awaitTold("STATUS=.*config was deleted");
            talk.awaitReplies(A_WHILE);
            lab.store().put("config", CONFIG);
            one.daemon().awaitLog("is back as it was");
            two.daemon().awaitLog("is back as it was");
            assertEquals(0, talk.lost("config deleted and restored, etcd " + api));
        }
        asBefore();
        followsNews();
    }

    /** The kernel of the third host goes on, its daemon never writes again: as a Go flannel, which does so once a day. */
    @Test
    void aPrefixThatIsDeletedCutsNobody() throws Exception {
        Host silent = silentHost(86_400);
        try (Talk talk = Talk.of(one, two, silent)) {
            lab.store().deleteAll();
            Await.that("both leases are back, config or not", () -> lab.store().leases().size() == 2);
            talk.awaitReplies(A_WHILE);
            lab.store().put("config", CONFIG);
            one.daemon().awaitLog("is back as it was");
            two.daemon().awaitLog("is back as it was");
            assertEquals(0, talk.lost("prefix deleted, config put back, etcd " + api));
        }
        asBefore();
        followsNews();
    }

    @Test
    void anEmptiedEtcdCutsNobody() throws Exception {
        int ttlSeconds = api == Store.Api.V2 ? 12 : 86_400;
        Host silent = silentHost(ttlSeconds);
        long putNanos = System.nanoTime();
        try (Talk talk = Talk.of(one, two, silent)) {
            lab.etcd().stop();
            lab.etcd().wipe();
            lab.etcd().start();
            Await.that("both leases are back, config or not", () -> lab.store().leases().size() == 2);
            lab.store().put("config", CONFIG);
            one.daemon().awaitLog("is back as it was");
            talk.awaitReplies(A_WHILE);
            if (api == Store.Api.V2) {
                assertEquals(0, talk.lostTo(silent));
                talk.leave(silent);
                // in v3 nobody is told when the leases of others end: they are kept for a day
                Await.that("the silent host's route goes with its lease's time", () -> !KernelView.mentions(one, silent.subnet()));
                double seconds = (System.nanoTime() - putNanos) / 1e9;
                System.out.printf("    a silent host's route went %.1f s after its lease of %d s was written%n", seconds, ttlSeconds);
                assertTrue(seconds > ttlSeconds - 1, seconds + " s");
            }
            assertEquals(0, talk.lost("etcd emptied, etcd " + api));
        }
        asBefore();
        followsNews();
    }

    @Test
    void aStoreThatAnswersJunkCutsNobody() throws Exception {
        Host silent = silentHost(86_400);
        List<String> junk = api == Store.Api.V3 ? List.of("{}", "{\"header\":{},\"kvs\":[]}")
                : List.of("{\"action\":\"get\",\"node\":{}}", "{\"action\":\"get\",\"node\":{\"key\":\"/atomic.io/network\",\"dir\":true}}");
        try (Talk talk = Talk.of(one, two, silent)) {
            lab.etcd().stop();
            for (String json : junk) {
                try (JunkServer server = lab.junkInPlaceOfEtcd(json, "")) {
                    server.awaitAnswers(6);
                    talk.awaitReplies(A_WHILE);
                }
            }
            String list = api == Store.Api.V3 ? "{\"header\":{\"cluster_id\":\"7\",\"revision\":\"9\"},\"kvs\":["
                    : "{\"action\":\"get\",\"node\":{\"key\":\"/atomic.io/network\",\"dir\":true,\"nodes\":[";
            try (JunkServer server = lab.junkInPlaceOfEtcd(list, "{\"key\":\"L2F0b21pYy5pby9uZXR3b3JrLw==\",\"value\":\"" + "x".repeat(500) + "\"},")) {
                server.awaitAnswers(6);
                talk.awaitReplies(A_WHILE);
                for (Host host : List.of(one, two)) {
                    assertTrue(host.daemon().isAlive() && host.daemon().residentKib() < MOST_RESIDENT_KIB, () -> "a list without end: " + host.daemon().log());
                }
            }
            lab.etcd().start();
            assertEquals(0, talk.lost("junk in place of etcd's answers, etcd " + api));
            followsNews();
            assertEquals(0, talk.lost("and etcd back"));
        }
        asBefore();
    }

    @Test
    void anOlderBackupCutsNobody() throws Exception {
        two.daemon().terminate();
        lab.store().delete("subnets/" + two.subnet().replace('/', '-'));
        lab.etcd().stop();
        lab.etcd().backUp();
        lab.etcd().start();
        lab.startAll(two);
        assertEquals(subnets.get(1), two.subnet());
        Host silent = silentHost(86_400);
        int peers = 50;
        for (int i = 1; i <= peers; i++) {
            putPeer("10.1." + (200 + i) + ".0/24", 100 + i);
        }
        Await.that("all are known", () -> peersAt(one) == peers + 2 && peersAt(two) == peers + 2);
        try (Talk talk = Talk.of(one, two, silent)) {
            int before = one.daemon().logSize();
            lab.etcd().stop();
            lab.etcd().restore();
            lab.etcd().start();
            one.daemon().awaitLog(before, "store has lost");
            Await.that("host 2 has written its lease again", () -> lab.store().leases().size() == 2);
            Await.that("and host 1 its own, which the backup had", () -> lab.store().ttlSeconds("subnets/" + subnets.get(0).replace('/', '-')) > 86_000);
            talk.awaitReplies(A_WHILE);
            assertEquals(0, talk.lost("an older backup restored, without host 2 and " + (peers + 1) + " others, etcd " + api));
        }
        assertEquals(List.of(peers + 2, peers + 2), List.of(peersAt(one), peersAt(two)));
        asBefore();
        followsNews();
    }

    private static void putPeer(String subnet, int last) {
        String mac = String.format("02:00:00:00:00:%02x", last);
        lab.store().put("subnets/" + subnet.replace('/', '-'), "{\"PublicIP\":\"192.168.32." + last
                + "\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"" + mac + "\"}}", 86_400);
    }

    private static int peersAt(Host host) {
        return (int) KernelView.routes(host).stream().filter(route -> route.contains("dev flannel.1") && route.contains("onlink")).count();
    }

    /** A third host, whose daemon is dead and whose lease has so long to live. */
    private Host silentHost(int ttlSeconds) throws Exception {
        Host three = lab.host(3);
        lab.startAll(three);
        three.container();
        Await.that("host 3 and host 1 know each other", () -> KernelView.hasVxlanPeer(one, three) && KernelView.hasVxlanPeer(three, one));
        Await.that("host 3 and host 2 know each other", () -> KernelView.hasVxlanPeer(two, three) && KernelView.hasVxlanPeer(three, two));
        three.daemon().kill();
        lab.store().put("subnets/" + three.subnet().replace('/', '-'), "{\"PublicIP\":\"" + three.address()
                + "\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"" + KernelView.vtepMac(three) + "\"}}", ttlSeconds);
        return three;
    }

    /** Both daemons live, with the subnets they had, and their leases say so. */
    private void asBefore() throws Exception {
        assertTrue(one.daemon().isAlive() && two.daemon().isAlive());
        assertEquals(subnets, List.of(one.subnet(), two.subnet()));
        for (Host host : List.of(one, two)) {
            String key = host.subnet().replace('/', '-');
            assertEquals(List.of(key), lab.store().leasesWith(host.address() + "\""));
            assertEquals(KernelView.vtepMac(host), JsonValue.parse(lab.store().get("subnets/" + key)).get("BackendData").text("VtepMAC"));
            assertTrue(lab.store().ttlSeconds("subnets/" + key) > 86_000);
        }
    }

    /** And what the store tells from now on is followed. */
    private void followsNews() throws Exception {
        putPeer("10.1.4.0/24", 99);
        for (Host host : List.of(one, two)) {
            Await.that("a new peer", () -> KernelView.hasVxlanPeer(host, "10.1.4.0/24", "02:00:00:00:00:63", "192.168.32.99"));
        }
    }
}
