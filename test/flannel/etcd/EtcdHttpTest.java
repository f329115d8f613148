package flannel.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.HotSpotDiagnosticMXBean;
import flannel.etcd.LeaseRegistry.Cursor;
import flannel.json.JsonValue;
import flannel.lab.Etcd;
import flannel.lease.StoreEvent.ConfigChanged;
import flannel.lease.StoreHealth;
import flannel.net.HttpProxies;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the transport makes of late headers, of names with several addresses, and of servers that say too much. */
class EtcdHttpTest {

    private static final EtcdTimeouts QUICK =
            new EtcdTimeouts(Duration.ofSeconds(2), Duration.ofMillis(300), Duration.ofSeconds(5), Duration.ofMillis(900));
    /** Longer than any test: what waits for them waits for ever. */
    private static final EtcdTimeouts PATIENT =
            new EtcdTimeouts(Duration.ofMinutes(9), Duration.ofMinutes(9), Duration.ofMinutes(9), Duration.ofMinutes(9));
    private static final HttpProxies NONE = new HttpProxies(Map.of());
    private static final EtcdHttp.Request GET = new EtcdHttp.Request("GET", "/x", null, null, List.of());

    private final List<AutoCloseable> opened = new ArrayList<>();

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

    private EtcdHttp http(String url, Endpoint.Resolver resolver, EtcdTimeouts timeouts) {
        EtcdHttp http = new EtcdHttp(List.of(url), resolver, NONE, null, timeouts);
        opened.add(http);
        return http;
    }

    private EtcdHttp http(FakeEtcd etcd) {
        return http(etcd.endpoint(), InetAddress::getAllByName, QUICK);
    }

    // ---- how it goes ----

    @Test
    void tellsWhoAnsweredHowSoonAndHowManyDidNot() throws Exception {
        AtomicInteger status = new AtomicInteger(200);
        FakeEtcd fake = fake(call -> call.json(status.get(), "{}"));
        EtcdHttp http = http(fake);
        assertNull(http.health("etcd v3").answered());
        assertEquals("", http.health("etcd v3").endpoint());
        http.read(GET);
        http.write(GET);
        status.set(503);
        assertThrows(UnavailableException.class, () -> http.read(GET));
        StoreHealth health = http.health("etcd v3");
        assertEquals("etcd v3", health.api());
        assertEquals(fake.endpoint(), health.endpoint());
        assertEquals(2, health.latencies().stream().mapToLong(Long::longValue).sum());
        assertEquals(StoreHealth.BOUNDS_MILLIS.size() + 1, health.latencies().size());
        assertEquals(Map.of("answer", 0L, "connection", 0L, "server", 1L, "timeout", 0L, "tls", 0L), health.failures());
        assertEquals(1, health.failed());
        assertTrue(health.latency().isPositive() && health.total().compareTo(health.latency()) > 0 && !health.answered().isNegative(), health.toString());
    }

    // ---- watches ----

    /** etcd's reverse proxy, which holds headers back until the first byte of the body. */
    private FakeEtcd proxy(Duration silence) {
        return fake(call -> {
            if (call.line().equals("GET /version")) {
                call.json(200, "{\"etcdserver\":\"3.4.23\"}");
            } else {
                Thread.sleep(silence);
                call.at(7, "c").json(200, "{\"action\":\"set\",\"node\":{\"key\":\"/n/config\",\"value\":\"{}\",\"modifiedIndex\":8}}");
            }
        });
    }

    @Test
    void aWatchsHeadersMayComeLate() throws Exception {
        FakeEtcd proxy = proxy(Duration.ofMillis(600));
        EtcdHttp http = http(proxy.endpoint(), InetAddress::getAllByName, new EtcdTimeouts(QUICK.connect(), QUICK.answer(), QUICK.body(),
                Duration.ofSeconds(20)));
        try (EtcdStream poll = http.stream(GET, http.timeouts().poll())) {
            assertEquals(200, poll.status());
            assertEquals("set", poll.next().text("action"));
        }
        assertEquals(List.of("GET /x", "GET /version"), proxy.lines());
        assertThrows(UnavailableException.class, () -> http.read(GET), "any other request's may not");
    }

    @Test
    void aWatchWithoutHeadersIsASilentOneWhenTheMemberIsAlive() throws Exception {
        FakeEtcd proxy = proxy(Duration.ofSeconds(20));
        assertNull(http(proxy).stream(GET, QUICK.poll()));
    }

    // ---- connections from an address that is gone ----

    @Test
    void aReadIsSentAgainOverANewConnection() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        FakeEtcd deaf = fake(call -> {
            if (asked.getCount() > 0) {
                asked.countDown();
                call.hang();
            }
            call.json(200, "{}");
        });
        EtcdHttp http = http(deaf.endpoint(), InetAddress::getAllByName, PATIENT);
        CompletableFuture<EtcdAnswer> answer = CompletableFuture.supplyAsync(() -> {
            try {
                return http.read(GET);
            } catch (UnavailableException | InterruptedException e) {
                throw new AssertionError(e);
            }
        }, Thread::startVirtualThread);
        asked.await();
        http.reconnect();
        assertEquals(200, answer.get(30, TimeUnit.SECONDS).status());
    }

    @Test
    void aWatchEndsWithItsConnection() throws Exception {
        FakeEtcd silent = fake(call -> call.at(7, "c").open().hang());
        EtcdHttp http = http(silent.endpoint(), InetAddress::getAllByName, PATIENT);
        try (EtcdStream poll = http.stream(GET, http.timeouts().poll())) {
            CompletableFuture<Void> end = CompletableFuture.runAsync(() -> assertThrows(IOException.class, poll::next), Thread::startVirtualThread);
            http.reconnect();
            end.get(30, TimeUnit.SECONDS);
        }
    }

    /** Poll after poll, without a word, until the event is there. */
    @Test
    void v2WatchesThroughAProxyThatHoldsHeadersBack() throws Exception {
        AtomicInteger polls = new AtomicInteger();
        FakeEtcd proxy = fake(call -> {
            if (call.line().equals("GET /version")) {
                call.json(200, "{}");
            } else if (polls.incrementAndGet() < 3) {
                call.hang();
            } else if (polls.get() == 3) {
                call.at(7, "c").json(200, "{\"action\":\"set\",\"node\":{\"key\":\"/n/config\",\"value\":\"{}\",\"modifiedIndex\":8}}");
            } else {
                call.hang();
            }
        });
        EtcdV2Registry registry = new EtcdV2Registry(http(proxy), new LeaseKeys("/n"), "", "");
        try (Watching watch = new Watching(registry, new Cursor(8, "c"))) {
            assertEquals(new ConfigChanged("{}"), watch.next());
            assertEquals("goes on", watch.state());
        }
    }

    @Test
    void aProxyWhoseMembersAreGoneIsTrouble() {
        FakeEtcd proxy = fake(call -> {
            if (call.line().equals("GET /version")) {
                call.json(503, "{\"message\":\"httpproxy: zero endpoints currently available\"}");
            } else {
                call.hang();
            }
        });
        UnavailableException e = assertThrows(UnavailableException.class, () -> http(proxy).stream(GET, QUICK.poll()));
        assertEquals("etcd can't be watched: " + proxy.endpoint() + ": httpproxy: zero endpoints currently available", e.getMessage());
    }

    /** What a registry does with a watch's events: believes them when the header before them is right. */
    private static final class Events implements EtcdHttp.LongList {

        private final List<String> seen = new ArrayList<>();

        @Override
        public String member() {
            return "events";
        }

        @Override
        public void restart() {
            seen.clear();
        }

        @Override
        public boolean begin(JsonValue before) {
            if (before.get("header") == null) {
                return false;
            }
            seen.add("after revision " + (before.get("header").integer("revision") > 0 ? "N" : "0"));
            return true;
        }

        @Override
        public void element(JsonValue event) {
            seen.add(event.get("kv").text("key") + " " + event.get("kv").get("value"));
        }
    }

    @Test
    void aWatchsEventsComeOneByOneAfterTheirHeader() throws Exception {
        String event = "{\"kv\":{\"key\":\"k\",\"value\":\"v\"}}";
        String large = "{\"kv\":{\"key\":\"l\",\"value\":\"" + "x".repeat(1_400_000) + "\"}}";
        FakeEtcd etcd = fake(call -> call.open().chunk("{\"result\":{\"header\":{\"revision\":\"7\"},\"created\":true}}"
                + "{\"result\":{\"header\":{\"revision\":\"8\"},\"events\":[" + (event + ",").repeat(15_000) + large + "]}}"
                + "{\"result\":{\"events\":[" + event + "],\"header\":{\"revision\":\"9\"}}}"));
        Events events = new Events();
        try (EtcdStream poll = http(etcd).stream(GET, Duration.ofSeconds(20))) {
            assertTrue(poll.next(events).get("result").isTrue("created"));
            assertEquals(List.of(), events.seen);
            assertEquals(8, poll.next(events).get("result").get("header").integer("revision"));
            assertEquals(15_002, events.seen.size());
            assertEquals(List.of("after revision N", "k \"v\""), events.seen.subList(0, 2));
            assertEquals("l null", events.seen.getLast());
            assertEquals(1, poll.next(events).get("result").list("events").size(), "they stay in the message");
            assertEquals(List.of(), events.seen);
        }
    }

    @Test
    void etcdsHeadersComeBeforeItsEvents() throws Exception {
        assumeTrue(Etcd.isInstalled(), "etcd is not installed");
        try (Etcd etcd = Etcd.start("--enable-v2")) {
            etcd.putV3("k", "1");
            etcd.putV3("k", "2");
            EtcdHttp http = http(etcd.endpoint(), InetAddress::getAllByName, EtcdTimeouts.DEFAULT);
            Events events = new Events();
            try (EtcdStream poll = http.stream(new EtcdHttp.Request("POST", "/v3/watch", "application/json",
                    "{\"create_request\":{\"key\":\"aw==\",\"start_revision\":\"1\"}}", List.of()), Duration.ofSeconds(20))) {
                while (events.seen.isEmpty()) {
                    poll.next(events);
                }
            }
            assertEquals(List.of("after revision N", "aw== \"MQ==\"", "aw== \"Mg==\""), events.seen);
        }
    }

    // ---- names ----

    @Test
    void everyAddressOfANameIsTried() throws Exception {
        FakeEtcd etcd = fake(call -> call.json(200, "{}"));
        AtomicInteger asked = new AtomicInteger();
        // java.net.http finds no address for that name; the second and third are ours to try
        EtcdHttp http = http(etcd.endpoint().replace("127.0.0.1", "etcd.invalid"), name -> {
            assertEquals("etcd.invalid", name);
            asked.incrementAndGet();
            return addresses("127.0.0.9", "127.0.0.8", "127.0.0.1");
        }, QUICK);
        assertEquals(200, http.read(GET).status());
        assertEquals(200, http.write(GET).status());
        assertEquals(1, asked.get(), "the address that answered is remembered");
    }

    @Test
    void aNameWithAnUnderscoreIsAskedByItsAddress() throws Exception {
        FakeEtcd etcd = fake(call -> call.json(200, "{}"));
        EtcdHttp http = http(etcd.endpoint().replace("127.0.0.1", "etcd_1"), name -> addresses("127.0.0.9", "127.0.0.1"), QUICK);
        assertEquals(200, http.read(GET).status());
        EtcdHttp unknown = http("http://etcd_2:2379", name -> {
            throw new UnknownHostException(name);
        }, QUICK);
        UnavailableException e = assertThrows(UnavailableException.class, () -> unknown.read(GET));
        assertEquals("etcd cluster is unavailable: http://etcd_2:2379: the name etcd_2 does not resolve"
                + " (FLANNEL_ETCD_ENDPOINTS in /etc/sysconfig/flanneld, DNS, /etc/hosts)", e.getMessage());
    }

    private static InetAddress[] addresses(String... literals) {
        InetAddress[] addresses = new InetAddress[literals.length];
        for (int i = 0; i < literals.length; i++) {
            addresses[i] = InetAddress.ofLiteral(literals[i]);
        }
        return addresses;
    }

    // ---- what a server says ----

    @Test
    void theServersWordsAreOneShortLine() throws Exception {
        String long_ = "no\\n\\u001b[31m\\u202elord".concat("x".repeat(10_000));
        for (String json : List.of("{\"message\":\"" + long_ + "\"}", "{\"error\":\"" + long_ + "\"}",
                "{\"message\":\"m\",\"cause\":\"" + long_ + "\"}")) {
            String reason = http(fake(call -> call.json(400, json))).read(GET).reason();
            assertTrue(reason.length() < 220 && reason.contains("no [31m lordxx") && reason.matches(".*x…\\)?"), reason);
        }
        assertEquals("HTTP status 400", http(fake(call -> call.json(400, "{\"message\":\"" + "x".repeat(1_000_000) + "\"}"))).read(GET).reason());
        String text = http(fake(call -> call.text(400, "a\u0007b\u009bc\nd" + "x".repeat(1_000_000)))).read(GET).reason();
        assertEquals("HTTP status 400: a b c", text);
    }

    @Test
    void httpOnATlsPortIsSaid() throws Exception {
        FakeEtcd etcd = fake(call -> call.text(400, "Client sent an HTTP request to an HTTPS server.\n"));
        assertEquals("HTTP status 400: Client sent an HTTP request to an HTTPS server. (name it https://)", http(etcd).read(GET).reason());
    }

    @Test
    void aValueThatIsTooLargeIsLeftOut() throws Exception {
        String large = "x".repeat(1_400_000);
        FakeEtcd etcd = fake(call -> call.json(200, "{\"node\":{\"key\":\"/k\",\"value\":\"" + large + "\",\"modifiedIndex\":5},"
                + "\"prevNode\":{\"key\":\"/k\",\"value\":\"" + large + "\"}}"));
        JsonValue node = http(etcd).write(GET).json().get("node");
        assertEquals(new JsonValue.Omitted(1_400_000), node.get("value"));
        assertEquals(5, node.integer("modifiedIndex"));
    }

    @Test
    void aMemberWhoseAnswerIsTooLargeIsPassedOver() throws Exception {
        FakeEtcd hostile = fake(call -> {
            call.open();
            while (true) {
                call.chunk("[" + "0,".repeat(4000));
            }
        });
        FakeEtcd good = fake(call -> call.json(200, "{\"good\":true}"));
        EtcdHttp http = new EtcdHttp(List.of(hostile.endpoint(), good.endpoint()), NONE, null, QUICK);
        opened.add(http);
        assertTrue(http.read(GET).json().isTrue("good"));
        assertEquals(1, hostile.lines().size(), "it is not asked twice");
    }

    /** The JDK reads no more than jdk.http.maxHeaderSize of them, and the time for an answer ends the waiting. */
    @ParameterizedTest
    @ValueSource(strings = {"HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\n"})
    void headersHaveABound(String start) throws Exception {
        try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            AtomicLong sent = new AtomicLong();
            Thread.ofVirtual().start(() -> {
                while (true) {
                    try (Socket socket = server.accept()) {
                        OutputStream out = socket.getOutputStream();
                        out.write(start.getBytes(StandardCharsets.US_ASCII));
                        byte[] more = (start.endsWith("\n") ? "X: 1\r\n" : "x").repeat(10_000).getBytes(StandardCharsets.US_ASCII);
                        while (true) {
                            out.write(more);
                            sent.addAndGet(more.length);
                        }
                    } catch (IOException e) {
                        if (server.isClosed()) {
                            return;
                        }
                    }
                }
            });
            EtcdHttp http = http("http://127.0.0.1:" + server.getLocalPort(), InetAddress::getAllByName, new EtcdTimeouts(
                    QUICK.connect(), Duration.ofSeconds(1), QUICK.body(), QUICK.poll()));
            assertThrows(UnavailableException.class, () -> http.read(GET));
            // what the kernel's buffers hold, and no more
            assertTrue(sent.get() < 20_000_000, sent + " bytes");
        }
    }

    // ---- nothing is left behind ----

    @Test
    void tenThousandRequestsLeaveNothingBehind() throws Exception {
        FakeEtcd etcd = fake(call -> {
            switch (call.line()) {
                case "GET /text" -> call.text(404, "x".repeat(100_000));
                case "GET /torn" -> call.open().chunk("{\"a\":");
                case "GET /silent" -> {
                    call.open();
                    while (true) {
                        Thread.sleep(100);
                        call.chunk(" "); // until the client has gone
                    }
                }
                default -> call.json(200, "{\"a\":\"" + "x".repeat(100) + "\"}");
            }
        });
        EtcdHttp http = http(etcd.endpoint(), InetAddress::getAllByName, EtcdTimeouts.DEFAULT);
        http.read(GET);
        long descriptors = descriptors();
        for (int i = 0; i < 10_000; i++) {
            http.read(GET);
            if (i % 100 == 0) {
                http.read(get("/text"));
                assertThrows(IOException.class, () -> http.read(get("/torn")));
                http.stream(get("/silent"), Duration.ofMinutes(1)).close();
                interruptedWhileItWaits(http);
            }
        }
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while ((waitingThreads() > 0 || descriptors() > descriptors + 20) && System.nanoTime() < deadline) {
            Thread.sleep(50);
        }
        assertEquals(0, waitingThreads());
        assertTrue(descriptors() <= descriptors + 20, descriptors + " files open before, " + descriptors() + " after");
    }

    /** Headers that come in the very moment in which nobody waits for them any more. */
    @Test
    void answersThatComeTooLateAreDropped() throws Exception {
        FakeEtcd etcd = fake(call -> {
            Thread.sleep(5);
            call.open();
            while (true) {
                Thread.sleep(50);
                call.chunk(" ");
            }
        });
        EtcdHttp http = http(etcd.endpoint(), InetAddress::getAllByName, new EtcdTimeouts(QUICK.connect(), Duration.ofMillis(6),
                Duration.ofMillis(1), QUICK.poll()));
        long descriptors = descriptors();
        for (int i = 0; i < 500; i++) {
            assertThrows(UnavailableException.class, () -> http.read(GET));
        }
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (descriptors() > descriptors + 20 && System.nanoTime() < deadline) {
            Thread.sleep(50);
        }
        assertTrue(descriptors() <= descriptors + 20, descriptors + " files open before, " + descriptors() + " after");
    }

    private static EtcdHttp.Request get(String path) {
        return new EtcdHttp.Request("GET", path, null, null, List.of());
    }

    private static void interruptedWhileItWaits(EtcdHttp http) throws InterruptedException {
        CountDownLatch open = new CountDownLatch(1);
        Thread reader = Thread.ofVirtual().start(() -> {
            try (EtcdStream poll = http.stream(get("/silent"), Duration.ofMinutes(1))) {
                open.countDown();
                poll.next();
            } catch (IOException | InterruptedException e) {
                // as it should
            }
        });
        open.await();
        reader.interrupt();
        reader.join();
    }

    /** Threads of any kind with a stream's code on their stack. */
    private static long waitingThreads() throws IOException {
        Path dump = Files.createTempDirectory("threads").resolve("dump");
        try {
            ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class).dumpThreads(dump.toString(),
                    HotSpotDiagnosticMXBean.ThreadDumpFormat.TEXT_PLAIN);
            return Files.readAllLines(dump).stream().filter(line -> line.contains("EtcdStream.")).count();
        } finally {
            Files.deleteIfExists(dump);
            Files.delete(dump.getParent());
        }
    }

    private static long descriptors() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc/self/fd"))) {
            return files.count();
        }
    }
}
