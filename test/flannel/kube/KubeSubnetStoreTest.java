package flannel.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.LeaseKey;
import flannel.lease.NetworkConfig;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.SubnetStore.Taken;
import flannel.lease.SubnetStore.Wish;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.tls.OpenSsl;
import flannel.tls.Tls;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A cluster in this process that answers as a real API server was recorded to. */
@Timeout(60)
class KubeSubnetStoreTest {

    private static final String CONFIG = "{\"Network\":\"10.244.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}";
    private static final String DATA = "{\"VtepMAC\":\"6a:00:00:00:00:01\"}";
    private static final String PREFIX = "flannel.alpha.coreos.com/";
    private static final LeaseAttributes US = new LeaseAttributes(Ipv4.parse("192.168.33.11"), "vxlan", DATA, "our mark");
    private static final LeaseKey OUR_KEY = new LeaseKey("10.244.1.0-24");
    private static final LeaseKey THEIR_KEY = new LeaseKey("10.244.2.0-24");

    @TempDir
    private Path folder;

    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
    private final Log log = new Log(new PrintStream(logged, true), 0);
    private final List<AutoCloseable> opened = new ArrayList<>();
    private final BlockingQueue<StoreEvent> told = new LinkedBlockingQueue<>();
    private FakeApiServer server;

    @BeforeEach
    void start() throws IOException {
        server = serverAt(0);
        server.node("n1", "10.244.1.0/24", Map.of("kept", "by its writer"));
        server.goNode("n2", "10.244.2.0/24", "192.168.33.12", "vxlan", "{\"VtepMAC\":\"6a:00:00:00:00:02\"}");
        Files.writeString(folder.resolve("net-conf.json"), CONFIG);
        Files.writeString(folder.resolve("token"), "secret\n");
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
    }

    private <T extends AutoCloseable> T open(T each) {
        opened.add(each);
        return each;
    }

    private FakeApiServer serverAt(int port) throws IOException {
        return open(new FakeApiServer(HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0)));
    }

    private KubeSubnetStore store(Map<String, String> environment) {
        KubeOptions options = new KubeOptions(true, "http://127.0.0.1:" + server.port(), "", folder.resolve("net-conf.json"),
                "flannel.alpha.coreos.com", true, environment);
        ApiAccess access = new ApiAccess(ApiAccess.server("", options.apiUrl()), new Token(folder.resolve("token"), null), ApiAccess.nothing(""),
                ApiAccess.nothing(""), ApiAccess.nothing(""));
        return open(new KubeSubnetStore(options, access, new NodeFollower.Times(Duration.ofMillis(50), Duration.ofMinutes(1), Duration.ofMillis(500)),
                new Random(1), log));
    }

    private KubeSubnetStore following() {
        return follow(store(Map.of("NODE_NAME", "n1")), told);
    }

    private KubeSubnetStore follow(KubeSubnetStore store, BlockingQueue<StoreEvent> told) {
        Thread follower = Thread.ofVirtual().start(() -> {
            try {
                store.follow(told::add);
            } catch (InterruptedException e) {
                // the test is over
            }
        });
        opened.add(follower::interrupt);
        return store;
    }

    private StoreEvent next() throws InterruptedException {
        return told.poll(30, TimeUnit.SECONDS);
    }

    /** The next event, which must be of that kind. */
    private <T extends StoreEvent> T next(Class<T> kind) throws InterruptedException {
        return assertInstanceOf(kind, next());
    }

    private static Wish wish() {
        return new Wish(NetworkConfig.parse(CONFIG), US, Ipv4Subnet.parse("10.244.99.0/24"), Set.of(), Set.of());
    }

    private static Map<LeaseKey, Entry> byKey(Collection<Entry> entries) {
        Map<LeaseKey, Entry> byKey = new HashMap<>();
        entries.forEach(entry -> byKey.put(entry.key(), entry));
        return byKey;
    }

    private String log() {
        return logged.toString(StandardCharsets.UTF_8);
    }

    private interface Condition {
        boolean holds();
    }

    private static void await(Condition condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.holds()) {
            assertTrue(System.nanoTime() < end, "it does not come");
            Thread.sleep(5);
        }
    }

    private void awaitWatch() throws InterruptedException {
        await(() -> server.watches() == 1);
    }

    private long lists() {
        return server.requests().stream().filter(request -> request.startsWith("GET /api/v1/nodes?limit=500")).count();
    }

    // ---- this host ----

    @Test
    void theSubnetIsTheNodesAndTheAnnotationsAreThoseOfGoFlannels() throws Exception {
        KubeSubnetStore store = following();
        StoreEvent.Listed listed = next(StoreEvent.Listed.class);
        assertEquals(CONFIG, listed.config());
        assertEquals(Set.of(THEIR_KEY), byKey(listed.entries()).keySet(), "what an earlier flannel said of this host is no other host's");
        Taken taken = store.take(wish(), List.of());
        assertEquals("10.244.1.0/24", taken.lease().subnet().toString());
        assertTrue(taken.lease().isReservation(), "it has no end");
        assertNull(taken.from());
        Map<String, String> annotations = new HashMap<>(server.annotations("n1"));
        assertEquals("by its writer", annotations.remove("kept"));
        assertEquals(Map.of(PREFIX + "backend-data", DATA, PREFIX + "backend-type", "vxlan", PREFIX + "kube-subnet-manager", "true",
                PREFIX + "public-ip", "192.168.33.11"), annotations);
        Lease ours = (Lease) next(StoreEvent.Put.class).entry();
        assertEquals(US, ours.attributes(), "with its mark, which is not in the cluster");
        assertEquals(taken.lease(), ours);

        // another daemon of this host finds everything there
        long patches = server.requests().stream().filter(request -> request.startsWith("PATCH")).count();
        assertEquals(taken.lease(), store.take(wish(), List.of()).lease());
        assertEquals(patches, server.requests().stream().filter(request -> request.startsWith("PATCH")).count());

        LeaseAttributes moved = new LeaseAttributes(Ipv4.parse("192.168.33.99"), "vxlan", DATA, "our mark");
        server.loseAnswerToPatch(); // to do it again does no harm
        Lease renewed = store.renew(ours, moved);
        assertEquals(patches + 2, server.requests().stream().filter(request -> request.startsWith("PATCH")).count());
        assertEquals("192.168.33.99", server.annotations("n1").get(PREFIX + "public-ip"));
        assertEquals(renewed, next(StoreEvent.Put.class).entry());
    }

    @Test
    void whatTheBackendHasNothingToTellIsNull() throws Exception {
        LeaseAttributes hostGw = new LeaseAttributes(US.publicIp(), "host-gw", null, "our mark");
        KubeSubnetStore store = store(Map.of("NODE_NAME", "n1"));
        store.take(new Wish(wish().config(), hostGw, null, Set.of(), Set.of()), List.of());
        assertEquals("null", server.annotations("n1").get(PREFIX + "backend-data"));
        server.goNode("n2", "10.244.2.0/24", "192.168.33.12", "host-gw", "null");
        assertNull(((Lease) byKey(store.read()).get(THEIR_KEY)).attributes().backendData());
    }

    @Test
    void aNodeWithoutARangeWaitsForOne() throws Exception {
        server.node("n1", null, Map.of());
        KubeSubnetStore store = following();
        next(StoreEvent.Listed.class);
        String reason = assertThrows(StoreException.class, () -> store.take(wish(), List.of())).getMessage();
        assertTrue(reason.startsWith("node \"n1\" pod cidr not assigned"), reason);
        server.node("n1", "10.99.1.0/24", Map.of());
        reason = assertThrows(StoreException.class, () -> store.take(wish(), List.of())).getMessage();
        assertTrue(reason.startsWith("the network 10.244.0.0/16 of -net-config-path does not contain the podCIDR 10.99.1.0/24"), reason);
        server.node("n1", "10.244.1.0/24", Map.of());
        assertEquals("10.244.1.0/24", store.take(wish(), List.of()).lease().subnet().toString());
        server.delete("n1");
        reason = assertThrows(StoreException.class, () -> store.take(wish(), List.of())).getMessage();
        assertTrue(reason.startsWith("there is no node \"n1\" in the cluster"), reason);
    }

    @Test
    void anOperatorsAddressIsToldInPlaceOfTheNodes() throws Exception {
        server.node("n1", "10.244.1.0/24", Map.of(PREFIX + "public-ip-overwrite", "203.0.113.7"));
        KubeSubnetStore store = following();
        next(StoreEvent.Listed.class);
        Lease lease = store.take(wish(), List.of()).lease();
        assertEquals("203.0.113.7", server.annotations("n1").get(PREFIX + "public-ip"));
        assertEquals(US, lease.attributes());
        assertEquals(lease, next(StoreEvent.Put.class).entry(), "and is no news to this host");
    }

    @Test
    void conflictsAreMet() throws Exception {
        KubeSubnetStore store = store(Map.of("NODE_NAME", "n1"));
        server.conflicts(2);
        store.take(wish(), List.of());
        assertEquals("true", server.annotations("n1").get(PREFIX + "kube-subnet-manager"));
        server.conflicts(100);
        LeaseAttributes other = new LeaseAttributes(Ipv4.parse("192.168.33.99"), "vxlan", DATA, "our mark");
        Lease held = new Lease(Ipv4Subnet.parse("10.244.1.0/24"), US, new Lease.Never(), 1);
        String reason = assertThrows(StoreException.class, () -> store.renew(held, other)).getMessage();
        assertTrue(reason.contains("Operation cannot be fulfilled on nodes \"n1\""), reason);
    }

    @Test
    void whatSomebodyWritesOverIsToldAndWrittenAgain() throws Exception {
        KubeSubnetStore store = following();
        next(StoreEvent.Listed.class);
        Lease lease = store.take(wish(), List.of()).lease();
        assertEquals(lease, next(StoreEvent.Put.class).entry());
        server.goNode("n1", "10.244.1.0/24", "192.168.33.66", "vxlan", DATA);
        Entry seen = next(StoreEvent.Put.class).entry();
        assertEquals(new Entry.Occupied(OUR_KEY, "somebody wrote the annotations of node n1", seen.asOf()), seen);
        store.renew(lease, US);
        assertEquals("192.168.33.11", server.annotations("n1").get(PREFIX + "public-ip"));
        assertEquals(US, ((Lease) next(StoreEvent.Put.class).entry()).attributes());
        server.node("n1", "10.244.1.0/24", Map.of());
        assertEquals(OUR_KEY, next(StoreEvent.Gone.class).key(), "which has the session take it again");

        server.delete("n1");
        server.node("n1", "10.244.9.0/24", Map.of());
        assertThrows(LeaseConflictException.class, () -> store.renew(lease, US), "another range is another lease");
        assertEquals("10.244.9.0/24", store.take(wish(), List.of()).lease().subnet().toString());
    }

    @Test
    void whatIsGivenBackIsNoLongerTold() throws Exception {
        KubeSubnetStore store = following();
        next(StoreEvent.Listed.class);
        Lease lease = store.take(wish(), List.of()).lease();
        next(StoreEvent.Put.class);
        server.conflicts(1);
        store.giveBack(lease);
        assertEquals(Map.of("kept", "by its writer"), server.annotations("n1"));
        assertEquals(OUR_KEY, next(StoreEvent.Gone.class).key());
        assertThrows(LeaseConflictException.class, () -> store.giveBack(lease));
    }

    @Test
    void thePodKnowsItsNode() throws Exception {
        KubeSubnetStore store = store(Map.of("POD_NAME", "flannel-1", "POD_NAMESPACE", "kube-system"));
        assertEquals("10.244.1.0/24", store.take(wish(), List.of()).lease().subnet().toString());
        String reason = assertThrows(StoreException.class,
                () -> store(Map.of("POD_NAME", "flannel-2", "POD_NAMESPACE", "kube-system")).take(wish(), List.of())).getMessage();
        assertTrue(reason.endsWith("\"flannel-2\" not found"), reason);
        assertThrows(IllegalArgumentException.class, () -> store(Map.of("POD_NAME", "flannel-1")));
        assertThrows(IllegalArgumentException.class, () -> store(Map.of("NODE_NAME", "n1/../../secrets")));
    }

    @Test
    void theConditionIsToldToEachNodeObjectOnceTheNetworkIsUp() throws Exception {
        KubeSubnetStore store = following();
        next(StoreEvent.Listed.class);
        store.take(wish(), List.of());
        next(StoreEvent.Put.class);
        assertEquals(List.of(), server.conditions("n1"));
        store.networkIsUp();
        await(() -> !server.conditions("n1").isEmpty());
        var condition = server.conditions("n1").getFirst();
        assertEquals("NetworkUnavailable=False FlannelIsUp: Flannel is running on this node", condition.text("type") + "=" + condition.text("status")
                + " " + condition.text("reason") + ": " + condition.text("message"));
        server.delete("n1");
        server.node("n1", "10.244.1.0/24", Map.of());
        await(() -> !server.conditions("n1").isEmpty());
        server.forbid(true);
        server.delete("n1");
        server.node("n1", "10.244.1.0/24", Map.of());
        await(() -> log().contains("Unable to set NetworkUnavailable to False for node \"n1\" (trying again each minute): Kubernetes API server 127.0.0.1:"
                + server.port() + ": nodes \"n1\" is forbidden"));
        assertEquals(1, log().lines().count(), log());
    }

    // ---- the others ----

    @Test
    void onlyWhatConcernsALeaseIsTold() throws Exception {
        following();
        next(StoreEvent.Listed.class);
        server.heartbeat("n2");
        server.node("n3", "10.244.3.0/24", Map.of());      // no flannel there
        server.goNode("n4", "10.244.4.0/24", "bad", "vxlan", "{}");
        server.goNode("n5", "10.244.5.0/24", "192.168.33.15", "vxlan", "{\"VtepMAC\":\"6a:00:00:00:00:05\", \"VNI\": 1}");
        assertTrue(((Entry.Occupied) next(StoreEvent.Put.class).entry()).why().startsWith("the annotations of node n4 are no lease: PublicIP: \"bad\""));
        Lease five = (Lease) next(StoreEvent.Put.class).entry();
        assertEquals(new LeaseAttributes(Ipv4.parse("192.168.33.15"), "vxlan", "{\"VtepMAC\":\"6a:00:00:00:00:05\",\"VNI\":1}", ""), five.attributes());
        server.delete("n2");
        assertEquals(THEIR_KEY, next(StoreEvent.Gone.class).key());
    }

    @Test
    void ofTwoNodesWithOneRangeTheNewerCounts() throws Exception {
        following();
        next(StoreEvent.Listed.class);
        server.goNode("n3", "10.244.2.0/24", "192.168.33.13", "vxlan", DATA);
        assertEquals("192.168.33.13", ((Lease) next(StoreEvent.Put.class).entry()).attributes().publicIp().toString());
        await(() -> log().contains("nodes n2 and n3 have the same podCIDR, 10.244.2.0/24"));
        server.delete("n3");
        assertEquals("192.168.33.12", ((Lease) next(StoreEvent.Put.class).entry()).attributes().publicIp().toString());
        server.delete("n2");
        assertEquals(THEIR_KEY, next(StoreEvent.Gone.class).key());
    }

    @Test
    void aWatchThatBreaksGoesOnWhereItWas() throws Exception {
        following();
        next(StoreEvent.Listed.class);
        awaitWatch();
        server.cutWatches();
        server.delete("n2");
        assertEquals(THEIR_KEY, next(StoreEvent.Gone.class).key());
        assertEquals(1, lists(), "nothing had to be listed again");
    }

    @Test
    void whatTheServerHasForgottenIsListedAnew() throws Exception {
        following();
        long before = next(StoreEvent.Listed.class).at().revision();
        awaitWatch();
        synchronized (server) { // as an API server that was away, behind an etcd that was compacted
            server.cutWatches();
            server.delete("n2");
            server.goNode("n3", "10.244.3.0/24", "192.168.33.13", "vxlan", DATA);
            server.forget();
        }
        StoreEvent.Listed listed = next(StoreEvent.Listed.class);
        assertTrue(listed.continued(), "what is missing is gone");
        assertTrue(listed.at().revision() > before);
        assertEquals(Set.of(new LeaseKey("10.244.3.0-24")), byKey(listed.entries()).keySet());
        assertEquals(2, lists());
        assertEquals("GET /api/v1/nodes?limit=500", server.requests().stream().filter(request -> request.contains("limit=500")).toList().getLast(),
                "not out of a memory that may be older");
    }

    @Test
    void aClusterThatWasSetBackProvesNothing() throws Exception {
        following();
        next(StoreEvent.Listed.class);
        awaitWatch();
        server.restore(2);
        assertFalse(next(StoreEvent.Listed.class).continued());
    }

    @Test
    void whileTheServerIsAwayThatIsToldAndThenEverythingAgain() throws Exception {
        following();
        next(StoreEvent.Listed.class);
        int port = server.port();
        server.close();
        String reason = next(StoreEvent.Away.class).reason();
        // by how far the watch had come when the server closed its sockets
        assertTrue(reason.startsWith("Kubernetes API server 127.0.0.1:" + port + ": ") && (reason.contains("connection refused")
                || reason.contains("Connection reset") || reason.contains("the connection was closed without a whole answer")), reason);
        FakeApiServer next = serverAt(port);
        next.node("n1", "10.244.1.0/24", Map.of());
        next.goNode("n2", "10.244.2.0/24", "192.168.33.12", "vxlan", "{\"VtepMAC\":\"6a:00:00:00:00:02\"}");
        next.goNode("n4", "10.244.4.0/24", "192.168.33.14", "vxlan", DATA);
        StoreEvent event = next();
        while (event instanceof StoreEvent.Away) {
            event = next();
        }
        StoreEvent.Listed listed = assertInstanceOf(StoreEvent.Listed.class, event);
        assertTrue(listed.continued());
        assertEquals(Set.of(THEIR_KEY), byKey(listed.entries()).keySet(), "as it was known");
        assertEquals("10.244.4.0-24", next(StoreEvent.Put.class).entry().key().name(), "and goes on");
    }

    @Test
    void aServerThatIsGoneWithoutAWordIsLeft() throws Exception {
        following();
        next(StoreEvent.Listed.class);
        awaitWatch();
        server.bookmark();  // which others do not send
        await(() -> server.requests().stream().filter(request -> request.contains("watch=true")).count() > 1);
        assertTrue(server.requests().getLast().contains("resourceVersion=13&"), "from the bookmark on: " + server.requests().getLast());
    }

    // ---- large clusters ----

    @Test
    void manyNodesComeInPagesAndOfEachOnlyItsLeaseIsKept() throws Exception {
        server.paged();
        server.pad("x".repeat(20_000));
        for (int i = 0; i < 1_300; i++) {
            server.goNode("p" + i, "10.244." + (i / 16) + "." + (i % 16 * 16) + "/28", "192.168.33.12", "vxlan", DATA);
        }
        server.delete("n2");
        following();
        assertEquals(1_300, next(StoreEvent.Listed.class).entries().size());
        assertEquals(3, server.pages());
    }

    @Test
    void aListThatIsTooOldInTheMiddleIsAskedForWhole() throws Exception {
        for (int i = 0; i < 600; i++) {
            server.goNode("p" + i, "10.245." + (i / 16) + "." + (i % 16 * 16) + "/28", "192.168.33.12", "vxlan", DATA);
        }
        server.paged();
        server.expireAfterPage();
        assertEquals(601, store(Map.of("NODE_NAME", "n1")).read().size());
    }

    // ---- tokens and the config ----

    @Test
    void aTokenThatRotatesIsReadAgain() throws Exception {
        server.token("secret");
        KubeSubnetStore store = following();
        next(StoreEvent.Listed.class);
        server.token("another");
        String reason = assertThrows(StoreException.class, () -> store.take(wish(), List.of())).getMessage();
        assertTrue(reason.endsWith(": Unauthorized (the token, or the client certificate, is not one of its)"), reason);
        Files.writeString(folder.resolve("token"), "another");
        store.take(wish(), List.of());
        Files.writeString(folder.resolve("token"), "two words");
        reason = assertThrows(StoreException.class, store::read).getMessage();
        assertFalse(reason.contains("two words"), reason);
        Files.delete(folder.resolve("token"));
        reason = assertThrows(StoreException.class, store::read).getMessage();
        assertTrue(reason.endsWith("token does not exist"), reason);
    }

    @Test
    void theConfigIsReadAgain() throws Exception {
        Path file = folder.resolve("net-conf.json");
        Files.delete(file);
        following();
        assertNull(next(StoreEvent.Listed.class).config());
        Files.writeString(file, CONFIG);
        assertEquals(CONFIG, next(StoreEvent.ConfigChanged.class).config());
        Files.delete(file);
        await(() -> log().contains("net-conf.json is gone; going on with the network config that was there"));
        Files.writeString(file, "{\"Network\":\"10.0.0.0/8\"}");
        assertEquals("{\"Network\":\"10.0.0.0/8\"}", next(StoreEvent.ConfigChanged.class).config());
    }

    // ---- TLS ----

    private String data(String name) throws IOException {
        return Base64.getEncoder().encodeToString(Files.readAllBytes(folder.resolve(name)));
    }

    /** As kubeadm sets one up: who asks shows a certificate of the cluster's authority. */
    @Test
    void theKubeconfigsCertificateIsShownToAServerThatDemandsOne() throws Exception {
        OpenSsl openssl = new OpenSsl(folder);
        openssl.authority("ca");
        openssl.certificate("server", "ca");
        openssl.certificate("client", "ca");
        SSLContext context = Tls.read(new Tls.Options("test", "server", folder.resolve("ca.crt").toString(), folder.resolve("server.crt").toString(),
                folder.resolve("server.key").toString()), log).context();
        HttpsServer https = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        https.setHttpsConfigurator(new HttpsConfigurator(context) {
            @Override
            public void configure(HttpsParameters parameters) {
                SSLParameters demanding = context.getDefaultSSLParameters();
                demanding.setNeedClientAuth(true);
                parameters.setSSLParameters(demanding);
            }
        });
        FakeApiServer secured = open(new FakeApiServer(https));
        secured.node("n1", "10.244.1.0/24", Map.of());
        String cluster = """
                {"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                 "clusters": [{"name": "k", "cluster": {"server": "https://127.0.0.1:PORT", "certificate-authority": "ca.crt"}}],
                 "users": [{"name": "u", "user": %s}]}""".replace("PORT", Integer.toString(secured.port()));
        for (String user : List.of("{\"client-certificate\": \"client.crt\", \"client-key\": \"client.key\"}",
                "{\"client-certificate-data\": \"" + data("client.crt") + "\", \"client-key-data\": \"" + data("client.key") + "\"}")) {
            assertInstanceOf(StoreEvent.Listed.class, firstTold(cluster.formatted(user)));
        }
        StoreEvent.Away refused = assertInstanceOf(StoreEvent.Away.class, firstTold(cluster.formatted("{\"token\": \"secret\"}")));
        assertTrue(refused.reason().contains("client-certificate"), refused.reason());
    }

    private StoreEvent firstTold(String kubeconfig) throws Exception {
        Path file = Files.writeString(folder.resolve("kubeconfig"), kubeconfig);
        KubeOptions options = new KubeOptions(true, "", file.toString(), folder.resolve("net-conf.json"), "flannel.alpha.coreos.com", true,
                Map.of("NODE_NAME", "n1"));
        BlockingQueue<StoreEvent> news = new LinkedBlockingQueue<>();
        try (KubeSubnetStore store = new KubeSubnetStore(options, ApiAccess.of(options, folder),
                new NodeFollower.Times(Duration.ofMillis(50), Duration.ofMinutes(1), Duration.ofMillis(500)), new Random(1), log)) {
            follow(store, news);
            return news.poll(20, TimeUnit.SECONDS);
        }
    }
}
