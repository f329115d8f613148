package flannel.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.LeaseKey;
import flannel.lease.NetworkConfig;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.SubnetStore.Holder;
import flannel.lease.SubnetStore.Taken;
import flannel.lease.SubnetStore.Wish;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.server.ServedMemory;
import flannel.server.TestServer;
import flannel.tls.OpenSsl;
import flannel.tls.Tls;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Our client against our server in this process, and against what Go servers answer. */
@Timeout(60)
class RemoteSubnetStoreTest {

    private static final NetworkConfig CONFIG = NetworkConfig.parse("{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"host-gw\"}}");
    private static final LeaseAttributes US = new LeaseAttributes(Ipv4.parse("192.168.32.211"), "host-gw", null, "us");
    private static final LeaseAttributes THEM = new LeaseAttributes(Ipv4.parse("192.168.32.212"), "host-gw", null, "them");
    private static final Tls.Options PLAIN = new Tls.Options("remote", "flannel server", "", "", "");

    private final Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);
    private final ServedMemory memory = new ServedMemory(log);
    private final List<AutoCloseable> opened = new ArrayList<>();
    private final BlockingQueue<StoreEvent> told = new LinkedBlockingQueue<>();

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

    private TestServer server(int port) throws IOException {
        return open(new TestServer(port, null, Duration.ofSeconds(60), memory, log));
    }

    private RemoteSubnetStore client(Tls.Options tls, String servers) {
        RemoteOptions options = new RemoteOptions(servers, tls);
        return open(new RemoteSubnetStore(new ServerHttp(options.urls(), 0, tls, log), "", Duration.ofMillis(200), new Random(1)));
    }

    private RemoteSubnetStore following(String servers) throws Exception {
        RemoteSubnetStore store = client(PLAIN, servers);
        follow(store);
        return store;
    }

    private void follow(RemoteSubnetStore store) {
        Thread follower = Thread.ofVirtual().start(() -> {
            try {
                store.follow(told::add);
            } catch (InterruptedException e) {
                // the test is over
            }
        });
        opened.add(follower::interrupt);
    }

    /** The next event of that kind; what comes before it is passed over. */
    private <T extends StoreEvent> T next(Class<T> kind) throws InterruptedException {
        while (true) {
            StoreEvent event = told.poll(30, TimeUnit.SECONDS);
            if (event == null || kind.isInstance(event)) {
                return kind.cast(event);
            }
        }
    }

    private static Wish wish(LeaseAttributes attributes, String previous) {
        return new Wish(CONFIG, attributes, previous == null ? null : Ipv4Subnet.parse(previous), Set.of(), Set.of());
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Test
    void aSubnetIsTakenRenewedAndGivenBack() throws Exception {
        memory.change(store -> store.config("{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"host-gw\"}}"));
        RemoteSubnetStore store = following("127.0.0.1:" + server(0).port());
        assertEquals(CONFIG, NetworkConfig.parse(next(StoreEvent.Listed.class).config()));
        Taken taken = store.take(wish(US, "10.1.99.0/24"), List.of());
        assertEquals("10.1.99.0/24", taken.lease().subnet().toString(), "the subnet it had before");
        assertNull(taken.from());
        assertEquals(memory.leases().getFirst().asOf(), taken.lease().asOf());
        assertEquals(taken.lease().key(), next(StoreEvent.Put.class).entry().key());

        LeaseAttributes moved = new LeaseAttributes(Ipv4.parse("192.168.32.99"), "host-gw", null, "us");
        Lease renewed = store.renew(taken.lease(), moved);
        assertEquals(moved, memory.leases().getFirst().attributes());
        assertTrue(renewed.asOf() > taken.lease().asOf());
        assertEquals(moved, ((Lease) next(StoreEvent.Put.class).entry()).attributes());
        assertThrows(LeaseConflictException.class, () -> store.renew(taken.lease(), US), "that one is history");
        assertThrows(LeaseConflictException.class, () -> store.giveBack(taken.lease()));
        store.giveBack(renewed);
        assertEquals(List.of(), memory.leases());
        assertEquals(taken.lease().key(), next(StoreEvent.Gone.class).key());
        assertThrows(LeaseConflictException.class, () -> store.renew(renewed, moved));
    }

    @Test
    void whatWasWrittenThoughItsAnswerWasLostIsNoConflict() throws Exception {
        memory.change(store -> store.config("{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"host-gw\"}}"));
        List<String> lost = new CopyOnWriteArrayList<>();
        RemoteSubnetStore store = following("127.0.0.1:" + losingOneAnswerOfEach(server(0).port(), lost));
        next(StoreEvent.Listed.class);
        Lease taken = store.take(wish(US, null), List.of()).lease();
        assertEquals(taken, memory.leases().getFirst(), "and not two");
        LeaseAttributes moved = new LeaseAttributes(Ipv4.parse("192.168.32.99"), "host-gw", null, "us");
        Lease renewed = store.renew(taken, moved);
        assertEquals(memory.leases(), List.of(renewed));
        assertEquals(List.of("POST", "PUT"), lost);
    }

    /** Stands before a server, passes on everything, and hangs up in place of the first answer to each kind of write. */
    private int losingOneAnswerOfEach(int server, List<String> lost) throws IOException {
        HttpClient client = open(HttpClient.newHttpClient());
        HttpServer relay = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        relay.setExecutor(open(Executors.newVirtualThreadPerTaskExecutor()));
        relay.createContext("/", exchange -> {
            try (exchange) {
                HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server + exchange.getRequestURI()))
                        .method(exchange.getRequestMethod(), HttpRequest.BodyPublishers.ofByteArray(exchange.getRequestBody().readAllBytes()));
                for (String header : List.of("If-Match", "Content-Type")) {
                    exchange.getRequestHeaders().getOrDefault(header, List.of()).forEach(value -> request.header(header, value));
                }
                HttpResponse<byte[]> answer = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
                if (!exchange.getRequestMethod().equals("GET") && !lost.contains(exchange.getRequestMethod())) {
                    lost.add(exchange.getRequestMethod());
                } else {
                    exchange.sendResponseHeaders(answer.statusCode(), answer.body().length);
                    exchange.getResponseBody().write(answer.body());
                }
            } catch (InterruptedException e) {
                // the test is over
            }
        });
        relay.start();
        opened.add(() -> relay.stop(0));
        return relay.getAddress().getPort();
    }

    @Test
    void whatAHostKnowsOfOthersReachesTheServer() throws Exception {
        memory.change(store -> {
            store.config("{\"Network\":\"10.1.0.0/22\"}");
            store.put("10.1.1.0/24", new LeaseAttributes(US.publicIp(), "", null, "stranger"), new Lease.Never());
        });
        RemoteSubnetStore store = following("127.0.0.1:" + server(0).port());
        next(StoreEvent.Listed.class);
        assertEquals("stranger", store.take(wish(US, null), List.of()).from().node(), "somebody who may object");
        memory.change(there -> there.put("10.1.1.0/24", new LeaseAttributes(US.publicIp(), "", null, "stranger"), new Lease.Never()));
        Wish wiser = new Wish(CONFIG, US, null, Set.of(new Holder(US.publicIp(), "stranger")), Set.of(Ipv4Subnet.parse("10.1.2.0/24")));
        assertEquals("10.1.3.0/24", store.take(wiser, List.of()).lease().subnet().toString(), "all that is left");
    }

    @Test
    void changesOfConfigAndLeasesAreFollowed() throws Exception {
        RemoteSubnetStore store = following("127.0.0.1:" + server(0).port());
        assertNull(next(StoreEvent.Listed.class).config());
        memory.change(there -> there.config("{\"Network\":\"10.1.0.0/16\"}"));
        assertEquals("10.1.0.0/16", NetworkConfig.parse(next(StoreEvent.ConfigChanged.class).config()).network().toString());
        memory.change(there -> there.put("10.1.5.0/24", THEM, new Lease.Never()));
        Lease theirs = (Lease) next(StoreEvent.Put.class).entry();
        assertEquals(THEM, theirs.attributes());
        assertTrue(theirs.isReservation());
        memory.change(there -> there.remove("10.1.5.0-24"));
        assertEquals(new LeaseKey("10.1.5.0-24"), next(StoreEvent.Gone.class).key());
        assertTrue(store.configPlace().startsWith("network config in the store of the flannel server 127.0.0.1:"));
    }

    @Test
    void aServersRestartIsRiddenOverAndTheHistoryGoesOn() throws Exception {
        memory.change(there -> there.config("{\"Network\":\"10.1.0.0/16\"}"));
        TestServer first = server(0);
        RemoteSubnetStore store = following("127.0.0.1:" + first.port());
        assertFalse(next(StoreEvent.Listed.class).continued());
        Lease held = store.take(wish(US, null), List.of()).lease();
        next(StoreEvent.Put.class);
        first.close();
        assertTrue(next(StoreEvent.Away.class).reason().contains("connection refused"));
        assertThrows(StoreException.class, () -> store.renew(held, US));
        memory.change(there -> there.put("10.1.5.0/24", THEM, new Lease.Never()));
        server(first.port());
        StoreEvent.Listed listed = next(StoreEvent.Listed.class);
        assertTrue(listed.continued(), "what is missing from this list is gone");
        assertEquals(2, listed.entries().size());
        assertEquals(held.key(), store.renew(held, US).key());
    }

    @Test
    void anEmptiedStoreIsInDoubt() throws Exception {
        memory.change(there -> {
            there.config("{\"Network\":\"10.1.0.0/16\"}");
            there.put("10.1.5.0/24", THEM, new Lease.Never());
        });
        following("127.0.0.1:" + server(0).port());
        next(StoreEvent.Listed.class);
        memory.change(there -> {
            there.wipe();
            there.config("{\"Network\":\"10.1.0.0/16\"}");
        });
        StoreEvent.Listed listed = next(StoreEvent.Listed.class);
        assertFalse(listed.continued());
        assertEquals(List.of(), listed.entries());
    }

    @Test
    void theNextOfSeveralServersIsAskedWhenOneIsGone() throws Exception {
        memory.change(there -> there.config("{\"Network\":\"10.1.0.0/16\"}"));
        TestServer first = server(0);
        TestServer second = server(0);
        RemoteSubnetStore store = following("127.0.0.1:" + first.port() + ", 127.0.0.1:" + freePort() + ",127.0.0.1:" + second.port());
        next(StoreEvent.Listed.class);
        Lease held = store.take(wish(US, null), List.of()).lease();
        next(StoreEvent.Put.class);
        first.close();
        StoreEvent after = told.poll(30, TimeUnit.SECONDS);
        assertTrue(after instanceof StoreEvent.Listed list && list.continued(), "no trouble to tell of: " + after);
        memory.change(there -> there.put("10.1.5.0/24", THEM, new Lease.Never()));
        assertEquals(new LeaseKey("10.1.5.0-24"), next(StoreEvent.Put.class).entry().key());
        assertEquals(held.key(), store.renew(held, US).key());
    }

    // ---- what is not our server ----

    private String answering(Map<String, String> answers) throws IOException {
        HttpServer go = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        go.createContext("/", exchange -> {
            String line = exchange.getRequestMethod() + " " + exchange.getRequestURI();
            exchange.getRequestBody().readAllBytes();
            String answer = answers.getOrDefault(line, "500 no " + line);
            byte[] body = answer.substring(4).getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(Integer.parseInt(answer.substring(0, 3)), body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        go.start();
        opened.add(() -> go.stop(0));
        return "127.0.0.1:" + go.getAddress().getPort();
    }

    /** It drops the mark of our leases: given back, or the session would write its lease again and again. */
    @Test
    void aGoServerIsServedByAsWell() throws Exception {
        String lease = "{\"Subnet\":\"10.1.4.0/24\",\"Attrs\":{\"PublicIP\":\"192.168.32.211\",\"BackendType\":\"host-gw\"},"
                + "\"Expiration\":\"2036-11-23T10:23:44.472720738Z\"}";
        RemoteSubnetStore store = client(PLAIN, answering(Map.of(
                "GET /v1/_/config", "200 {\"Network\":\"10.1.0.0/16\",\"SubnetMin\":\"10.1.1.0\",\"SubnetMax\":\"10.1.255.0\",\"SubnetLen\":24}\n",
                "POST /v1/_/leases", "200 " + lease + "\n",
                "PUT /v1/_/leases/10.1.4.0-24", "200 " + lease.replace("\"host-gw\"", "\"host-gw\",\"BackendData\":\"eyJ9\"") + "\n",
                "DELETE /v1/_/leases/10.1.4.0-24", "200 ",
                "DELETE /v1/_/leases/10.1.6.0-24", "500 100: Key not found (/coreos.com/network/subnets/10.1.6.0-24) [9]",
                "GET /v1/_/leases", "200 {\"events\":null,\"snapshot\":[" + lease + "],\"cursor\":\"124\"}\n",
                "GET /v1/_/leases?next=124", "200 {\"events\":[{\"type\":\"added\",\"lease\":" + lease + "}],\"snapshot\":null,\"cursor\":\"125\"}\n")));
        Lease taken = store.take(wish(US, null), List.of()).lease();
        assertEquals(US, taken.attributes());
        follow(store);
        Entry listed = next(StoreEvent.Listed.class).entries().getFirst();
        assertEquals(US, ((Lease) listed).attributes());
        assertEquals(124, listed.asOf());
        Entry put = next(StoreEvent.Put.class).entry();
        assertEquals(US, ((Lease) put).attributes());
        assertEquals(125, put.asOf());
        Lease renewed = store.renew((Lease) put, US);
        assertEquals(US, renewed.attributes(), "whatever the answer says of them");
        assertTrue(renewed.expiry() instanceof Lease.At(Instant end) && end.isAfter(Instant.now()));
        store.giveBack(renewed);
        assertThrows(LeaseConflictException.class, () -> store.giveBack(new Lease(Ipv4Subnet.parse("10.1.6.0/24"), US, new Lease.Never(), 1)));
    }

    /** It would become this host's routes. */
    @Test
    void aSubnetThatIsNoneOfTheNetworksIsNotTaken() throws Exception {
        RemoteSubnetStore store = client(PLAIN, answering(Map.of("POST /v1/_/leases",
                "200 {\"Subnet\":\"0.0.0.0/0\",\"Attrs\":{\"PublicIP\":\"192.168.32.211\"},\"Expiration\":\"2036-11-23T10:23:44Z\"}")));
        assertTrue(assertThrows(StoreException.class, () -> store.take(wish(US, null), List.of())).getMessage()
                .endsWith("gave this host 0.0.0.0/0, which is none of the network's subnets"));
    }

    @Test
    void anAnswerWithoutEndIsCutOff() throws Exception {
        following(answering(Map.of("GET /v1/_/config", "200 " + "x".repeat(5 << 20))));
        assertTrue(next(StoreEvent.Away.class).reason().endsWith("the answer is longer than 4194304 bytes"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "200 <html>                                    | answered what is no flannel server's",
        "200 {}                                        | answered what is no flannel server's",
        "404 page not found                            | did not list the leases: page not found",
        "500 failed to retrieve subnet leases: x       | no flannel server can serve: 127.0.0.1:\\d+: failed to retrieve subnet leases: x",
        "200 {\"events\":[{\"type\":\"removed\",\"lease\":{\"Subnet\":\"10.1.4.0/24\"}}],\"cursor\":\"7\"} | answered a list of leases with events"})
    void whatIsNoServerIsSaid(String answer, String reason) throws Exception {
        following(answering(Map.of("GET /v1/_/config", "500 100: Key not found (/coreos.com/network/config) [5]", "GET /v1/_/leases", answer)));
        String said = next(StoreEvent.Away.class).reason();
        assertTrue(said.matches(".*" + reason + ".*"), said);
    }

    // ---- TLS ----

    @Test
    void certificatesAreAskedForOnBothSides(@TempDir Path folder) throws Exception {
        OpenSsl openssl = new OpenSsl(folder);
        openssl.authority("ca");
        openssl.certificate("server", "ca");
        openssl.certificate("client", "ca");
        memory.change(there -> there.config("{\"Network\":\"10.1.0.0/16\"}"));
        TestServer server = open(new TestServer(0, Tls.read(files(folder, "server"), log), Duration.ofSeconds(60), memory, log));
        RemoteSubnetStore store = client(files(folder, "client"), "127.0.0.1:" + server.port());
        follow(store);
        next(StoreEvent.Listed.class);
        store.take(wish(US, null), List.of());
        assertEquals(US, ((Lease) next(StoreEvent.Put.class).entry()).attributes());

        Tls.Options noKey = new Tls.Options("remote", "flannel server", folder.resolve("ca.crt").toString(), "", "");
        String refused = assertThrows(StoreException.class, () -> client(noKey, "127.0.0.1:" + server.port()).take(wish(THEM, null), List.of()))
                .getMessage();
        assertTrue(refused.contains("the server wants another client certificate (-remote-certfile, -remote-keyfile)"), refused);
        String plain = assertThrows(StoreException.class, () -> client(PLAIN, "127.0.0.1:" + server.port()).take(wish(THEM, null), List.of()))
                .getMessage();
        assertTrue(plain.contains("does one side use TLS, and the other not?"), plain);
    }

    private static Tls.Options files(Path folder, String name) {
        return new Tls.Options("remote", "flannel server", folder.resolve("ca.crt").toString(), folder.resolve(name + ".crt").toString(),
                folder.resolve(name + ".key").toString());
    }
}
