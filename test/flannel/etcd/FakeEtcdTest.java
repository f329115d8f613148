package flannel.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.etcd.LeaseRegistry.Cursor;
import flannel.json.JsonValue;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.LeaseKey;
import flannel.lease.StoreEvent.ConfigChanged;
import flannel.lease.StoreEvent.Gone;
import flannel.lease.StoreEvent.Put;
import flannel.lease.StoreException;
import flannel.log.Log;
import flannel.net.HttpProxies;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Answers that are late, torn, lost, odd or of another release. */
class FakeEtcdTest {

    private static final Duration DAY = Duration.ofDays(1);
    private static final EtcdTimeouts QUICK =
            new EtcdTimeouts(Duration.ofSeconds(2), Duration.ofMillis(700), Duration.ofSeconds(2), Duration.ofMillis(700));
    private static final Ipv4Subnet SUBNET = Ipv4Subnet.parse("10.1.83.0/24");
    private static final LeaseAttributes OURS = new LeaseAttributes(Ipv4.parse("192.168.32.211"), "host-gw", null, "");
    private static final String OUR_VALUE = "{\\\"PublicIP\\\":\\\"192.168.32.211\\\",\\\"BackendType\\\":\\\"host-gw\\\"}";
    private static final String NOT_FOUND = "{\"errorCode\":100,\"message\":\"Key not found\",\"cause\":\"/n\",\"index\":7}";
    private static final String NO_LEADER = "{\"errorCode\":300,\"message\":\"Raft Internal Error\",\"index\":7}";
    private static final String HEADER = "\"header\":{\"cluster_id\":\"9\",\"revision\":\"7\"}";

    private final List<AutoCloseable> opened = new ArrayList<>();
    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
    }

    private FakeEtcd fake(FakeEtcd.Script script) {
        FakeEtcd fake = new FakeEtcd(script);
        opened.add(fake);
        return fake;
    }

    private LeaseRegistry open(String api, String... endpoints) {
        return openAs("", api, endpoints);
    }

    private LeaseRegistry openAs(String user, String api, String... endpoints) {
        String password = user.isEmpty() ? "" : "secret:ä";
        LeaseRegistry registry = EtcdSubnetStore.registry(new EtcdOptions(List.of(endpoints), "/n", api, "", "", "", user, password), QUICK,
                new Log(new PrintStream(logged, true), 0));
        opened.add(registry);
        return registry;
    }

    private static String node(String action, String value, long index) {
        return "{\"action\":\"" + action + "\",\"node\":{\"key\":\"/n/subnets/10.1.83.0-24\",\"value\":\"" + value
                + "\",\"expiration\":\"2026-11-23T10:22:34.719603806Z\",\"ttl\":86400,\"modifiedIndex\":" + index + ",\"createdIndex\":5}}";
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes());
    }

    private static String kv(String key, String value, String more) {
        return "{\"key\":\"" + base64(key) + "\",\"value\":\"" + base64(value) + "\"" + more + "}";
    }

    // ---- endpoints ----

    @Test
    void goesToTheNextEndpointAndStaysThere() throws Exception {
        FakeEtcd noLeader = fake(call -> call.at(7, "c").json(500, NO_LEADER));
        FakeEtcd silent = fake(FakeEtcd.Call::hang);
        FakeEtcd torn = fake(call -> {
            call.exchange().getResponseHeaders().set("Content-Type", "application/json");
            call.exchange().sendResponseHeaders(200, 1000);
            call.chunk("{\"action\":\"get\",\"no");
        });
        FakeEtcd nonsense = fake(call -> call.json(200, "<html>"));
        FakeEtcd good = fake(call -> call.at(7, "c").json(404, NOT_FOUND));
        LeaseRegistry registry = open("v2", noLeader.endpoint(), silent.endpoint(), torn.endpoint() + "/," + nonsense.endpoint(),
                good.endpoint());
        assertEquals(new Cursor(8, "c"), registry.list().cursor());
        registry.list();
        assertEquals(1, noLeader.lines().size());
        assertEquals(1, silent.lines().size());
        // the second list, and twice the other API for the hint
        assertTrue(good.lines().size() >= 2);
    }

    @Test
    void namesEveryEndpointAndItsReason() throws Exception {
        FakeEtcd noLeader = fake(call -> call.at(7, "c").json(500, NO_LEADER));
        FakeEtcd silent = fake(FakeEtcd.Call::hang);
        FakeEtcd hangsUp = fake(call -> { });
        int closedPort;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closedPort = socket.getLocalPort();
        }
        String refused = "http://127.0.0.1:" + closedPort;
        LeaseRegistry registry =
                open("v2", noLeader.endpoint(), silent.endpoint(), hangsUp.endpoint(), refused, "http://no.such.host.invalid:2379");
        StoreException e = assertThrows(StoreException.class, registry::list);
        assertEquals("etcd cluster is unavailable: " + noLeader.endpoint() + ": Raft Internal Error; " + silent.endpoint()
                + ": no answer within 700 ms; " + hangsUp.endpoint() + ": the connection was closed without an answer (if this etcd wants TLS,"
                + " name it https://); " + refused + ": connection refused; http://no.such.host.invalid:2379: the name no.such.host.invalid"
                + " does not resolve (FLANNEL_ETCD_ENDPOINTS in /etc/sysconfig/flanneld, DNS, /etc/hosts)", e.getMessage());
    }

    @Test
    void saysWhenTheApiIsNotServed() {
        FakeEtcd modern = fake(call -> call.text(404, "404 page not found\n"));
        for (String api : List.of("v2", "v3", "auto")) {
            StoreException e = assertThrows(StoreException.class, () -> open(api, modern.endpoint()).list());
            assertTrue(e.getMessage().contains("does not serve etcd's"), e.getMessage());
        }
    }

    // ---- writes whose answer is lost ----

    @Test
    void aLostAnswerIsReadBack() throws Exception {
        FakeEtcd etcd = fake(call -> {
            if (call.line().startsWith("GET")) {
                call.at(9, "c").json(200, node("get", OUR_VALUE, 9));
            }
        });
        Lease lease = open("v2", etcd.endpoint()).create(SUBNET, OURS, DAY);
        assertEquals(9, lease.asOf());
        assertEquals(1, etcd.count("PUT"));
    }

    @Test
    void aLostRequestIsSentAgain() throws Exception {
        AtomicInteger puts = new AtomicInteger();
        FakeEtcd etcd = fake(call -> {
            if (call.line().startsWith("GET")) {
                call.at(7, "c").json(404, NOT_FOUND);
            } else if (puts.incrementAndGet() > 1) {
                call.at(9, "c").json(201, node("create", OUR_VALUE, 9));
            }
        });
        assertEquals(9, open("v2", etcd.endpoint()).create(SUBNET, OURS, DAY).asOf());
        assertEquals(2, etcd.count("PUT /v2/keys/n/subnets/10.1.83.0-24?prevExist=false"));
    }

    /** The first request arrives after it was read back, and before it is sent again. */
    @Test
    void aLateRequestIsNoConflictWithOneself() throws Exception {
        AtomicInteger puts = new AtomicInteger();
        FakeEtcd etcd = fake(call -> {
            if (call.line().startsWith("GET")) {
                if (puts.get() == 1) {
                    call.at(7, "c").json(200, node("get", OUR_VALUE, 5));
                } else {
                    call.at(9, "c").json(200, node("get", OUR_VALUE, 9));
                }
            } else if (puts.incrementAndGet() > 1) {
                call.at(9, "c").json(412, "{\"errorCode\":101,\"message\":\"Compare failed\",\"cause\":\"[5 != 9]\",\"index\":9}");
            }
        });
        Lease held = new Lease(SUBNET, OURS, new Lease.At(java.time.Instant.EPOCH), 5);
        assertEquals(9, open("v2", etcd.endpoint()).update(held, OURS, DAY).asOf());
        assertEquals(2, etcd.count("PUT"));
    }

    @Test
    void somebodyElsesValueAfterALostAnswerIsAConflict() throws Exception {
        AtomicInteger puts = new AtomicInteger();
        FakeEtcd etcd = fake(call -> {
            if (call.line().startsWith("GET")) {
                call.at(9, "c").json(200, node("get", OUR_VALUE.replace("211", "212"), 9));
            } else if (puts.incrementAndGet() > 1) {
                call.at(9, "c").json(412, "{\"errorCode\":105,\"message\":\"Key already exists\",\"cause\":\"/n\",\"index\":9}");
            }
        });
        assertThrows(LeaseConflictException.class, () -> open("v2", etcd.endpoint()).create(SUBNET, OURS, DAY));
    }

    @Test
    void aLostDeleteThatHappenedIsDone() throws Exception {
        FakeEtcd etcd = fake(call -> {
            if (call.line().startsWith("GET")) {
                call.at(7, "c").json(404, NOT_FOUND);
            }
        });
        open("v2", etcd.endpoint()).delete(new Lease(SUBNET, OURS, new Lease.At(java.time.Instant.EPOCH), 5));
        assertEquals(1, etcd.count("DELETE /v2/keys/n/subnets/10.1.83.0-24?prevIndex=5"));
    }

    @Test
    void aWriteThatIsNeverConfirmedEnds() {
        FakeEtcd etcd = fake(call -> {
            if (call.line().startsWith("GET")) {
                call.at(7, "c").json(404, NOT_FOUND);
            } else {
                call.at(7, "c").json(500, NO_LEADER);
            }
        });
        StoreException e =
                assertThrows(StoreException.class, () -> open("v2", etcd.endpoint()).create(SUBNET, OURS, DAY));
        assertEquals("etcd did not confirm a write: " + etcd.endpoint() + ": Raft Internal Error", e.getMessage());
    }

    @Test
    void v3FindsItsOwnPutByTheEtcdLease() throws Exception {
        AtomicReference<String> put = new AtomicReference<>();
        FakeEtcd etcd = fake(call -> {
            switch (call.line()) {
                case "POST /v3/lease/grant" -> call.json(200, "{" + HEADER + ",\"ID\":\"7587848943239472601\",\"TTL\":\"86400\"}");
                case "POST /v3/kv/txn" -> put.set(call.body());
                default -> call.json(200, "{" + HEADER + ",\"kvs\":[" + kv("/n/subnets/10.1.83.0-24", OURS.toJson(),
                        ",\"mod_revision\":\"12\",\"lease\":\"7587848943239472601\"") + "],\"count\":\"1\"}");
            }
        });
        Lease lease = open("v3", etcd.endpoint()).create(SUBNET, OURS, DAY);
        assertEquals(12, lease.asOf());
        assertInstanceOf(Lease.At.class, lease.expiry());
        assertTrue(put.get().contains("\"lease\":\"7587848943239472601\""), put.get());
    }

    /** No TTL in the answer: the etcd lease is gone, though the status is 200. */
    @Test
    void v3KeepaliveWithoutTtlMeansANewEtcdLease() throws Exception {
        FakeEtcd etcd = fake(call -> {
            switch (call.line()) {
                case "POST /v3/kv/range" -> call.json(200, "{" + HEADER + ",\"kvs\":["
                        + kv("/n/subnets/10.1.83.0-24", OURS.toJson(), ",\"mod_revision\":\"5\",\"lease\":\"11\"") + "]}");
                case "POST /v3/lease/keepalive" -> call.json(200, "{\"result\":{" + HEADER + ",\"ID\":\"11\"}}");
                case "POST /v3/lease/grant" -> call.json(200, "{" + HEADER + ",\"ID\":\"12\",\"TTL\":\"86400\"}");
                case "POST /v3/kv/txn" -> call.json(200, "{" + HEADER + ",\"succeeded\":true}");
                default -> call.json(200, "{" + HEADER + ",\"ID\":\"11\",\"TTL\":\"-1\"}");
            }
        });
        Lease renewed = open("v3", etcd.endpoint()).update(new Lease(SUBNET, OURS, new Lease.Unknown(), 5), OURS, DAY);
        assertTrue(etcd.lines().contains("POST /v3/lease/grant"));
        assertEquals(7, renewed.asOf());
        assertEquals(0, etcd.count("POST /v3/lease/revoke"));
    }

    // ---- releases ----

    @Test
    void findsTheGatewayOfOldReleases() throws Exception {
        FakeEtcd old = fake(call -> {
            switch (call.line()) {
                case "POST /v3alpha/kv/range" -> call.json(200, "{" + HEADER + (call.body().contains("range_end") ? "}" : ",\"kvs\":["
                        + kv("/n/subnets/10.1.83.0-24", "{}", ",\"mod_revision\":\"5\",\"lease\":\"11\"") + "]}"));
                case "POST /v3alpha/kv/txn" -> call.json(200, "{" + HEADER + ",\"succeeded\":true}");
                case "POST /v3alpha/lease/grant" -> call.json(200, "{" + HEADER + ",\"ID\":\"12\",\"TTL\":\"86400\"}");
                case "POST /v3alpha/kv/lease/timetolive" -> call.json(200, "{" + HEADER + ",\"ID\":\"11\",\"TTL\":\"5\"}");
                case "POST /v3alpha/kv/lease/revoke" -> call.json(200, "{" + HEADER + "}");
                default -> call.text(404, "404 page not found\n");
            }
        });
        LeaseRegistry registry = open("v3", old.endpoint());
        assertEquals(new Cursor(8, "9"), registry.list().cursor());
        LeaseAttributes other = new LeaseAttributes(OURS.publicIp(), "", null, "");
        registry.update(new Lease(SUBNET, other, new Lease.Unknown(), 5), OURS, DAY);
        assertEquals(1, old.count("POST /v3alpha/kv/lease/revoke"));
        assertEquals(1, old.count("POST /v3/"));
    }

    @Test
    void readsTheErrorsOfAllReleases() {
        String what = "etcdserver: permission denied";
        for (String json : List.of("{\"error\":\"" + what + "\",\"code\":7}", "{\"code\":7,\"message\":\"" + what + "\"}",
                "{\"error\":\"" + what + "\",\"message\":\"" + what + "\",\"code\":7}")) {
            FakeEtcd etcd = fake(call -> call.json(403, json));
            StoreException e = assertThrows(StoreException.class, () -> open("v3", etcd.endpoint()).list());
            assertEquals("etcd at " + etcd.endpoint() + " refused kv/range of /n/ (v3 API): " + what, e.getMessage());
        }
    }

    @Test
    void explainsTheGatewaysRefusalOfCommonNames() {
        FakeEtcd etcd = fake(call -> call.text(400,
                "CommonName of client sending a request against gateway will be ignored and not used as expected\n"));
        StoreException e = assertThrows(StoreException.class, () -> open("v3", etcd.endpoint()).list());
        assertTrue(e.getMessage().contains("use a certificate whose subject has no CN"), e.getMessage());
    }

    // ---- users ----

    @Test
    void v2SendsTheUserUnaskedAndNeverTellsThePassword() {
        AtomicReference<String> authorization = new AtomicReference<>();
        FakeEtcd etcd = fake(call -> {
            authorization.set(call.exchange().getRequestHeaders().getFirst("Authorization"));
            call.json(401, "{\"errorCode\":110,\"message\":\"The request requires user authentication\","
                    + "\"cause\":\"Insufficient credentials\"}");
        });
        StoreException e = assertThrows(StoreException.class, () -> openAs("fl", "v2", etcd.endpoint()).list());
        assertEquals("Basic " + base64("fl:secret:ä"), authorization.get());
        assertEquals("etcd at " + etcd.endpoint() + " did not list /n/ (v2 API): The request requires user authentication"
                + " (Insufficient credentials)", e.getMessage());
    }

    @Test
    void v3RenewsItsTokenOnce() throws Exception {
        AtomicInteger tokens = new AtomicInteger();
        FakeEtcd etcd = fake(call -> {
            if (call.line().equals("POST /v3/auth/authenticate")) {
                assertTrue(call.body().contains("secret:ä"));
                call.json(200, "{" + HEADER + ",\"token\":\"t." + tokens.incrementAndGet() + "\"}");
            } else if ("t.2".equals(call.exchange().getRequestHeaders().getFirst("Authorization"))
                    && "t.2".equals(call.exchange().getRequestHeaders().getFirst("Grpc-Metadata-Token"))) {
                call.json(200, "{" + HEADER + "}");
            } else if (tokens.get() < 4) {
                call.json(401, "{\"error\":\"etcdserver: invalid auth token\",\"code\":16}");
            }
        });
        LeaseRegistry registry = openAs("fl", "v3", etcd.endpoint());
        assertThrows(StoreException.class, registry::list);
        registry.list();
        registry.list();
        assertEquals(2, tokens.get());
    }

    /** A token goes into a header: what does not fit there is none. */
    @Test
    void v3TokensThatCantBeSentAreRefused() {
        for (String token : List.of("", "a\\nb", "\\u00e4")) {
            FakeEtcd etcd = fake(call -> call.json(200, "{" + HEADER + ",\"token\":\"" + token + "\"}"));
            StoreException e = assertThrows(StoreException.class, () -> openAs("fl", "v3", etcd.endpoint()).list());
            assertEquals("etcd at " + etcd.endpoint() + " let user fl in and gave no token (v3 API)", e.getMessage());
        }
    }

    /** All that wait at the moment when a token expires are served by one new one. */
    @Test
    void v3TokensAreRenewedByOneForAll() throws Exception {
        int callers = 20;
        CountDownLatch allAreRefused = new CountDownLatch(callers); // who comes again, or later, is refused at once
        AtomicInteger tokens = new AtomicInteger();
        FakeEtcd etcd = fake(call -> {
            String token = call.exchange().getRequestHeaders().getFirst("Authorization");
            if (call.line().equals("POST /v3/auth/authenticate")) {
                call.json(200, "{" + HEADER + ",\"token\":\"t." + tokens.incrementAndGet() + "\"}");
            } else if ("t.1".equals(token) && !call.body().contains("first")) {
                allAreRefused.countDown();
                allAreRefused.await(60, TimeUnit.SECONDS);
                call.json(401, "{\"error\":\"etcdserver: invalid auth token\",\"code\":16}");
            } else {
                call.json(200, "{" + HEADER + "}");
            }
        });
        EtcdTimeouts patient = new EtcdTimeouts(QUICK.connect(), DAY, DAY, DAY);
        try (EtcdHttp http = new EtcdHttp(List.of(etcd.endpoint()), new HttpProxies(Map.of()), null, patient);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            EtcdV3Gateway gateway = new EtcdV3Gateway(http, "/n/", "fl", "secret");
            gateway.read("/kv/range", JsonValue.object("first", true));
            List<Future<JsonValue>> calls = new ArrayList<>();
            for (int i = 0; i < callers; i++) {
                calls.add(threads.submit(() -> gateway.read("/kv/range", JsonValue.object())));
            }
            for (Future<JsonValue> call : calls) {
                call.get();
            }
        }
        assertEquals(2, tokens.get());
    }

    // ---- watches ----

    @Test
    void v3MessagesComeWithoutDelimitersAndInPieces() throws Exception {
        String config = "{\"result\":{" + HEADER.replace("7", "8") + ",\"events\":[{\"kv\":"
                + kv("/n/config", "{}", ",\"mod_revision\":\"8\"") + "}]}}";
        String lease = "{\"result\":{" + HEADER.replace("7", "9") + ",\"events\":[{\"kv\":"
                + kv("/n/subnets/10.1.83.0-24", OURS.toJson(), ",\"mod_revision\":\"9\",\"lease\":\"3\"")
                + "},{\"type\":\"DELETE\",\"kv\":{\"key\":\"" + base64("/n/subnets/10.1.84.0-24") + "\",\"mod_revision\":\"9\"}}]}}";
        AtomicReference<String> second = new AtomicReference<>();
        AtomicInteger watches = new AtomicInteger();
        FakeEtcd etcd = fake(call -> {
            if (watches.incrementAndGet() > 1) {
                second.compareAndSet(null, call.body());
                call.open().chunk("{\"result\":{" + HEADER.replace("7", "9") + ",\"created\":true}}").hang();
            }
            call.open().chunk("{\"result\":{" + HEADER + ",\"created\":true}}" + config + lease.substring(0, 40));
            call.chunk(lease.substring(40)).hang();
        });
        try (Watching watch = new Watching(open("v3", etcd.endpoint()), new Cursor(8, "9"))) {
            assertEquals(new ConfigChanged("{}"), watch.next());
            assertEquals(OURS, watch.nextLease().attributes());
            assertEquals(new Gone(new LeaseKey("10.1.84.0-24")), watch.next());
            while (second.get() == null) {
                Thread.sleep(20);
            }
            assertTrue(second.get().contains("\"start_revision\":\"10\""), second.get());
        }
    }

    @Test
    void v3WatchErrors() throws Exception {
        String created = "{\"result\":{" + HEADER + ",\"created\":true}}";
        AtomicReference<String> then = new AtomicReference<>();
        FakeEtcd etcd = fake(call -> {
            call.open().chunk(created);
            Thread.sleep(call.body().contains("\"9\"") ? 1100 : 0);
            call.chunk(then.get()).hang();
        });
        // long enough for the second that tells a broken watch from one that can't be had
        LeaseRegistry registry = EtcdSubnetStore.registry(new EtcdOptions(List.of(etcd.endpoint()), "/n", "v3", "", "", "", "", ""),
                new EtcdTimeouts(QUICK.connect(), QUICK.answer(), QUICK.body(), Duration.ofSeconds(20)), new Log(System.err, 0));
        opened.add(registry);
        Cursor soon = new Cursor(8, "9");
        then.set("{\"result\":{\"header\":{\"cluster_id\":\"9\"},\"canceled\":true,\"compact_revision\":\"18\"}}");
        assertEquals("RESYNC", new Watching(registry, soon).end());
        then.set("{\"result\":{" + HEADER + ",\"watch_id\":\"-1\",\"canceled\":true,\"cancel_reason\":\"etcdserver: permission denied\"}}");
        assertEquals("StoreException: etcd at " + etcd.endpoint() + " refused to watch /n/ (v3 API): etcdserver: permission denied",
                new Watching(registry, soon).end());
        then.set("{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no leader\"}}");
        assertEquals("UnavailableException: etcd can't be watched: " + etcd.endpoint() + " ended the watch at once",
                new Watching(registry, soon).end());
    }

    @Test
    void v2IndexThatGoesBackwardsMeansResync() throws Exception {
        AtomicInteger polls = new AtomicInteger();
        FakeEtcd etcd = fake(call -> call.at(polls.incrementAndGet() == 1 ? 20 : 3, "c").open().hang());
        Watching watch = new Watching(open("v2", etcd.endpoint()), new Cursor(8, "c"));
        assertEquals("RESYNC", watch.end());
        // what had happened up to the silent poll's start was not asked for again
        String poll = "GET /v2/keys/n/?wait=true&recursive=true&waitIndex=";
        assertEquals(List.of(poll + 8, poll + 21), etcd.lines());
    }

    @Test
    void v2ClusterThatChangesMeansResync() throws Exception {
        AtomicInteger polls = new AtomicInteger();
        FakeEtcd etcd = fake(call -> call.at(20, polls.incrementAndGet() == 1 ? "c" : "d").open().hang());
        assertEquals("RESYNC", new Watching(open("v2", etcd.endpoint()), new Cursor(8, "c")).end());
    }

    @Test
    void v2ClearedHistoryMeansResync() throws Exception {
        FakeEtcd etcd = fake(call -> call.at(1129, "c").json(400, "{\"errorCode\":401,\"message\":\"The event in requested index is"
                + " outdated and cleared\",\"cause\":\"the requested history has been cleared [130/30]\",\"index\":1129}"));
        assertEquals("RESYNC", new Watching(open("v2", etcd.endpoint()), new Cursor(30, "c")).end());
    }

    @Test
    void v2RefusalOfAWatchIsSaid() throws Exception {
        FakeEtcd etcd = fake(call -> call.at(0, "c").json(401, "{\"errorCode\":110,\"message\":\"The request requires user authentication\"}"));
        assertEquals("StoreException: etcd at " + etcd.endpoint() + " did not watch /n/ (v2 API): The request requires user"
                + " authentication", new Watching(open("v2", etcd.endpoint()), new Cursor(8, "c")).end());
    }

    /** A proxy that ends every long poll at once must not make a busy loop. */
    @Test
    void v2PollsThatEndAtOnceAreTrouble() throws Exception {
        FakeEtcd etcd = fake(call -> call.at(7, "c").open());
        assertEquals("UnavailableException: etcd can't be watched: " + etcd.endpoint() + " ended the watch at once",
                new Watching(open("v2", etcd.endpoint()), new Cursor(8, "c")).end());
    }

    @Test
    void aMemberThatDoesNotOpenAWatchIsTrouble() throws Exception {
        FakeEtcd etcd = fake(FakeEtcd.Call::hang);
        assertEquals("UnavailableException: etcd can't be watched: " + etcd.endpoint() + ": no answer within 700 ms",
                new Watching(open("v2", etcd.endpoint()), new Cursor(8, "c")).end());
    }

    /** etcd 3.5.26 cuts v2 requests over TLS, and serves v3. */
    @Test
    void autoUsesV3WhenV2IsBroken() throws Exception {
        FakeEtcd etcd = fake(call -> {
            if (call.line().startsWith("POST /v3/kv/range")) {
                call.json(200, "{" + HEADER + ",\"kvs\":[" + kv("/n/config", "{}", ",\"mod_revision\":\"7\"") + "]}");
            }
        });
        LeaseRegistry registry = open("auto", etcd.endpoint());
        int refused = 0;
        String config = null;
        while (config == null) {
            try {
                config = registry.list().config();
            } catch (StoreException e) {
                assertTrue(++refused < 100, e.getMessage()); // a busy machine's time-outs tell nothing, and do not count
            }
        }
        assertEquals("{}", config);
        assertTrue(refused >= 4, "a connection that breaks once tells nothing of a config: " + refused);
    }

    /** A v2 store that can't answer may have the config that the other hosts use. */
    @Test
    void autoWaitsForAV2ThatIsInTrouble() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        FakeEtcd etcd = fake(call -> {
            if (call.line().startsWith("POST /v3/kv/range")) {
                call.json(200, "{" + HEADER + ",\"kvs\":[" + kv("/n/config", "{\"in\":3}", ",\"mod_revision\":\"7\"") + "]}");
            } else if (asked.incrementAndGet() <= 20) {
                call.at(7, "c").json(503, NO_LEADER);
            } else {
                call.at(7, "c").json(200, "{\"action\":\"get\",\"node\":{\"key\":\"/n\",\"dir\":true,\"nodes\":[{\"key\":\"/n/config\","
                        + "\"value\":\"{\\\"in\\\":2}\",\"modifiedIndex\":7}]}}");
            }
        });
        LeaseRegistry registry = open("auto", etcd.endpoint());
        while (asked.get() < 20) {
            assertThrows(StoreException.class, registry::list);
        }
        assertEquals("{\"in\":2}", registry.list().config());
    }

    /** Nothing in it says that it comes from a store, so nothing it does not say is gone. */
    @Test
    void anAnswerThatIsNoStoresIsNotBelieved() {
        for (String json : List.of("{}", "[]", "null", "\"x\"", "{\"kvs\":[]}", "{\"header\":{}}")) {
            FakeEtcd etcd = fake(call -> call.json(200, json));
            assertThrows(StoreException.class, () -> open("v3", etcd.endpoint()).list(), json);
        }
        for (String json : List.of("{}", "{\"node\":[]}", "{\"node\":{}}", "{\"node\":{\"key\":\"/n\"}}", "{\"node\":{\"key\":\"/m\",\"dir\":true}}")) {
            FakeEtcd etcd = fake(call -> call.at(7, "c").json(200, json));
            assertThrows(StoreException.class, () -> open("v2", etcd.endpoint()).list(), json);
        }
    }

    @Test
    void aTimeToLiveBeyondAllTimeIsALongOne() throws Exception {
        FakeEtcd etcd = fake(call -> call.at(7, "c").json(200, "{\"action\":\"get\",\"node\":{\"key\":\"/n\",\"dir\":true,\"nodes\":["
                + "{\"key\":\"/n/subnets/10.1.83.0-24\",\"value\":\"" + OUR_VALUE + "\",\"expiration\":\"x\",\"ttl\":9223372036854775807,"
                + "\"modifiedIndex\":7}]}}"));
        assertInstanceOf(Lease.At.class, open("v2", etcd.endpoint()).list().leases().getFirst().expiry());
    }

    @Test
    void soIsOneThatIsGranted() throws Exception {
        FakeEtcd etcd = fake(call -> call.json(200, "{" + HEADER + (call.line().endsWith("/grant") ? ",\"ID\":\"12\",\"TTL\":\"9223372036854775807\"}"
                : ",\"succeeded\":true}")));
        assertInstanceOf(Lease.At.class, open("v3", etcd.endpoint()).create(SUBNET, OURS, DAY).expiry());
    }

    /** An index that goes backwards would ask for the same change again, as fast as the network is. */
    @Test
    void v2EventBeforeItsTimeMeansResync() throws Exception {
        FakeEtcd etcd = fake(call -> call.at(20, "c").json(200, node("set", OUR_VALUE, -5)));
        assertEquals("RESYNC", new Watching(open("v2", etcd.endpoint()), new Cursor(8, "c")).end());
        assertEquals(1, etcd.lines().size());
    }

    /** A member that is cut off from the others keeps its watches open in silence; only a read with a quorum shows it. */
    @Test
    void v2MemberWithoutQuorumIsLeft() throws Exception {
        FakeEtcd cutOff = fake(call -> {
            if (call.line().contains("wait=true")) {
                call.at(20, "c").open().hang();
            } else {
                call.at(20, "c").json(500, NO_LEADER);
            }
        });
        FakeEtcd good = fake(call -> call.at(30, "c").json(404, NOT_FOUND));
        assertEquals("RESYNC", new Watching(open("v2", cutOff.endpoint(), good.endpoint()), new Cursor(8, "c")).end());
        assertEquals(3, cutOff.count("GET /v2/keys/n/?wait"));
    }

    /** Each try would leave an etcd lease of a day. */
    @Test
    void v3RefusedWriteLeavesNoEtcdLease() {
        FakeEtcd etcd = fake(call -> {
            switch (call.line()) {
                case "POST /v3/lease/grant" -> call.json(200, "{" + HEADER + ",\"ID\":\"12\",\"TTL\":\"86400\"}");
                case "POST /v3/lease/timetolive" -> call.json(200, "{" + HEADER + ",\"ID\":\"12\",\"TTL\":\"86399\"}");
                case "POST /v3/kv/txn" -> call.json(403, "{\"error\":\"etcdserver: permission denied\",\"code\":7}");
                default -> call.json(200, "{" + HEADER + "}");
            }
        });
        assertThrows(StoreException.class, () -> open("v3", etcd.endpoint()).create(SUBNET, OURS, DAY));
        assertEquals(1, etcd.count("POST /v3/lease/revoke"));
    }

    @Test
    void autoNamesTheStoreThatCouldNotBeAsked() throws Exception {
        FakeEtcd etcd = fake(call -> {
            if (call.line().startsWith("POST")) {
                call.json(400, "{\"error\":\"etcdserver: user name is empty\",\"code\":3}");
            } else {
                call.at(7, "c").json(404, NOT_FOUND);
            }
        });
        LeaseRegistry registry = open("auto", etcd.endpoint());
        assertNull(registry.list().config());
        assertNull(registry.list().config());
        assertEquals(1, logged.toString().lines().count());
        assertTrue(logged.toString().contains("no network config at /n/config in etcd's v2 store (etcd at " + etcd.endpoint()
                + " refused kv/range of /n/ (v3 API): etcdserver: user name is empty)"), logged.toString());
    }
}
