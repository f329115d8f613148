package flannel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.json.JsonValue;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.log.Log;
import flannel.net.Ipv4;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Go daemons and operators ask of a server, over real HTTP. */
@Timeout(60)
class LeaseApiTest {

    private static final String CONFIG = "{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"host-gw\"}}";
    private static final String GO = "{\"PublicIP\":\"192.168.32.212\",\"BackendType\":\"host-gw\"}";
    private static final LeaseAttributes OTHER = new LeaseAttributes(Ipv4.parse("192.168.32.9"), "host-gw", null, "");

    private final Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);
    private final ServedMemory store = new ServedMemory(log);
    private final HttpClient client = HttpClient.newHttpClient();
    private TestServer server;

    @BeforeEach
    void start() throws Exception {
        server = new TestServer(0, null, Duration.ofSeconds(60), store, log);
        store.change(memory -> memory.config(CONFIG));
        while (get("config").statusCode() != 200) {
            Thread.onSpinWait(); // until the store was followed, and has told of the config
        }
    }

    @AfterEach
    void stop() {
        client.shutdownNow();
        server.close();
    }

    private HttpResponse<String> get(String path) throws Exception {
        return ask("GET", path, null).get();
    }

    private CompletableFuture<HttpResponse<String>> ask(String method, String path, String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + "/v1/_/" + path))
                .method(method, body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return client.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    private JsonValue json(HttpResponse<String> answer) throws Exception {
        assertEquals(200, answer.statusCode(), answer.body());
        assertEquals("application/json; charset=utf-8", answer.headers().firstValue("Content-Type").orElseThrow());
        assertTrue(answer.body().endsWith("}\n") || answer.body().endsWith("]\n"), answer.body());
        return JsonValue.parse(answer.body());
    }

    @Test
    void aGoDaemonTakesKeepsAndRenewsItsLease() throws Exception {
        JsonValue lease = json(ask("POST", "leases", GO).get());
        assertEquals(GO, lease.get("Attrs").toString());
        String key = lease.text("Subnet").replace('/', '-');
        assertEquals(lease.text("Subnet"), json(ask("POST", "leases", GO).get()).text("Subnet"), "asked for again");
        assertEquals(1, store.leases().size());
        assertEquals(1, json(get("leases")).list("snapshot").size());

        JsonValue single = json(get("leases/" + key));
        CompletableFuture<HttpResponse<String>> next = ask("GET", "leases/" + key + "?next=" + single.text("cursor"), null);
        JsonValue renewed = json(ask("PUT", "leases/" + key, lease.toString()).get());
        assertTrue(Instant.parse(renewed.text("Expiration")).isAfter(Instant.now().plusSeconds(86_000)));
        JsonValue told = json(next.get());
        assertEquals(lease.text("Subnet"), told.list("events").getFirst().get("lease").text("Subnet"));
        next = ask("GET", "leases/" + key + "?next=" + told.text("cursor"), null);
        assertEquals(200, ask("DELETE", "leases/" + key, null).get().statusCode());
        assertEquals("removed", json(next.get()).list("events").getFirst().text("type"));
        assertEquals(404, get("leases/" + key).statusCode());
        assertEquals(404, ask("PUT", "leases/" + key, lease.toString()).get().statusCode(), "it has to ask for another one");
    }

    /** It looks at the first event of an answer only. */
    @Test
    void ofOneLeaseOneChangeIsToldAtATime() throws Exception {
        String cursor = json(get("leases")).text("cursor");
        store.change(memory -> {
            memory.put("10.1.5.0/24", OTHER, new Lease.At(Instant.now().plusSeconds(60)));
            memory.remove("10.1.5.0-24");
        });
        JsonValue first = json(get("leases/10.1.5.0-24?next=" + cursor));
        assertEquals(List.of("added"), first.list("events").stream().map(event -> event.text("type")).toList());
        JsonValue second = json(get("leases/10.1.5.0-24?next=" + first.text("cursor")));
        assertEquals(List.of("removed"), second.list("events").stream().map(event -> event.text("type")).toList());
        assertEquals(2, json(get("leases?next=" + cursor)).list("events").size());
    }

    @Test
    void aRenewalIsNoNewsToTheOthers() throws Exception {
        JsonValue lease = json(ask("POST", "leases", GO).get());
        CompletableFuture<HttpResponse<String>> next = ask("GET", "leases?next=" + json(get("leases")).text("cursor"), null);
        json(ask("PUT", "leases/" + lease.text("Subnet").replace('/', '-'), lease.toString()).get());
        store.change(memory -> memory.put("10.1.5.0/24", OTHER, new Lease.Never()));
        List<JsonValue> events = json(next.get()).list("events");
        assertEquals(List.of("10.1.5.0/24"), events.stream().map(event -> event.get("lease").text("Subnet")).toList());
    }

    /** To a Go daemon an answer without events is the whole list: nothing must look as if all were gone. */
    @Test
    void aPollWithoutNewsTellsWhatIsKnown() throws Exception {
        server.close();
        server = new TestServer(0, null, Duration.ofMillis(50), store, log);
        while (get("leases").statusCode() == 503) {
            Thread.onSpinWait();
        }
        String cursor = json(get("leases")).text("cursor");
        assertEquals("[]", json(get("leases?next=" + cursor)).get("snapshot").toString(), "there is none");
        JsonValue lease = json(ask("POST", "leases", "{\"PublicIP\":\"127.0.0.1\"}").get());
        store.change(memory -> memory.put("10.1.0.0/24", OTHER, new Lease.Never()));
        while (get("leases/10.1.0.0-24").statusCode() != 200) {
            Thread.onSpinWait(); // until it was followed
        }
        JsonValue told = json(get("leases?next=" + json(get("leases")).text("cursor")));
        assertEquals(lease.text("Subnet"), told.list("events").getFirst().get("lease").text("Subnet"), "the asker's own lease");
        assertEquals(lease.text("Subnet"), json(get("leases/" + lease.text("Subnet").replace('/', '-') + "?next=" + told.text("cursor")))
                .list("snapshot").getFirst().text("Subnet"));
    }

    @ParameterizedTest
    @CsvSource({"124", "rother0g1-3", "x", "-", "t-99999999999999999999", "%22"})
    void aCursorOfAnotherServerIsAnsweredWithTheWholeList(String cursor) throws Exception {
        assertEquals("[]", json(get("leases?next=" + cursor)).get("snapshot").toString());
    }

    @Test
    void whoIsTooFarBehindGetsTheWholeList() throws Exception {
        String cursor = json(get("leases")).text("cursor");
        store.change(memory -> {
            for (int i = 0; i < 1_001; i++) {
                memory.put("10.1." + i % 256 + ".0/24", new LeaseAttributes(new Ipv4(i), "", null, ""), new Lease.Never());
            }
        });
        int last = 1_000 % 256;
        while (!get("leases/10.1." + last + ".0-24").body().contains("\"PublicIP\":\"0.0.3.232\"")) {
            Thread.onSpinWait(); // until the last of them was followed
        }
        assertEquals(256, json(get("leases?next=" + cursor)).list("snapshot").size());
    }

    /** What is gone from a store that was emptied may not be gone: the list itself has to be judged, not single events. */
    @Test
    void anEmptiedStoreEndsEveryCursor() throws Exception {
        store.change(memory -> memory.put("10.1.5.0/24", OTHER, new Lease.Never()));
        while (get("leases/10.1.5.0-24").statusCode() != 200) {
            Thread.onSpinWait(); // until it was followed
        }
        CompletableFuture<HttpResponse<String>> next = ask("GET", "leases?next=" + json(get("leases")).text("cursor"), null);
        store.change(memory -> {
            memory.wipe();
            memory.config(CONFIG);
        });
        JsonValue told = json(next.get());
        assertEquals("[]", told.get("snapshot").toString());
        assertNotEquals("1", told.text("store"));
    }

    @Test
    void reservationsAreMadeListedAndReleased() throws Exception {
        String wanted = "{\"Subnet\":\"10.1.9.0/24\",\"PublicIP\":\"192.168.32.212\"}";
        assertEquals("", ask("POST", "reservations", wanted).get().body());
        assertEquals("[" + wanted + "]\n", get("reservations").body());
        JsonValue lease = json(ask("POST", "leases", GO).get());
        assertEquals("10.1.9.0/24", lease.text("Subnet"));
        assertTrue(Instant.parse(lease.text("Expiration")).isAfter(Instant.now().plusSeconds(86_000)), "or it would renew without a pause");
        json(ask("PUT", "leases/10.1.9.0-24", lease.toString()).get());
        assertTrue(store.leases().getFirst().isReservation(), "a renewal does not end it");
        assertEquals(409, ask("POST", "reservations", "{\"Subnet\":\"10.1.9.0/24\",\"PublicIP\":\"1.2.3.4\"}").get().statusCode());
        for (String outside : List.of("10.2.9.0/24", "10.1.9.0/25", "10.1.0.0/24")) {
            HttpResponse<String> refused = ask("POST", "reservations", "{\"Subnet\":\"" + outside + "\",\"PublicIP\":\"1.2.3.4\"}").get();
            assertEquals(400, refused.statusCode());
            assertEquals("subnet " + outside + " is none of the network's: those are the /24 of 10.1.1.0 ... 10.1.255.0", refused.body());
        }
        assertEquals(200, ask("DELETE", "reservations/10.1.9.0-24", null).get().statusCode());
        assertEquals("[]\n", get("reservations").body());
        assertFalse(store.leases().getFirst().isReservation());
        assertEquals(409, ask("DELETE", "reservations/10.1.8.0-24", null).get().statusCode());
    }

    @Test
    void nobodyRenewsWhatIsAnothers() throws Exception {
        store.change(memory -> memory.put("10.1.5.0/24", OTHER, new Lease.At(Instant.now().plusSeconds(60))));
        String body = "{\"Subnet\":\"10.1.5.0/24\",\"Attrs\":" + GO + "}";
        while (get("leases/10.1.5.0-24").statusCode() != 200) {
            Thread.onSpinWait(); // until it was followed
        }
        long asOf = json(get("leases")).list("snapshot").getFirst().integer("AsOf");
        HttpResponse<String> refused = ask("PUT", "leases/10.1.5.0-24", body).get();
        assertEquals("409 lease 10.1.5.0-24 is held by 192.168.32.9", refused.statusCode() + " " + refused.body());
        assertEquals(412, ask("PUT", "leases/10.1.5.0-24", body, "If-Match", "\"" + (asOf - 1) + "\"").get().statusCode());
        assertEquals(412, ask("DELETE", "leases/10.1.5.0-24", null, "If-Match", "\"" + (asOf - 1) + "\"").get().statusCode());
        assertEquals(200, ask("PUT", "leases/10.1.5.0-24", body, "If-Match", "\"" + asOf + "\"").get().statusCode(), "who has seen it may");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "POST   | leases               | {             | 400",
        "POST   | leases               | {}            | 400",
        "POST   | leases               | []            | 400",
        "POST   | leases               | {\"PublicIP\":\"1.2.3.4\",\"Avoid\":[7]} | 400",
        "PUT    | leases/10.1.5.0-24   | {\"Subnet\":\"10.1.6.0/24\",\"Attrs\":{\"PublicIP\":\"1.2.3.4\"}} | 400",
        "PUT    | leases/10.1.5.0-24   | {}            | 400",
        "GET    | leases/nosuch        |               | 400",
        "GET    | leases/10.1.5.0-24   |               | 404",
        "GET    | nosuch               |               | 404",
        "GET    | leases/10.1.5.0-24/x |               | 404",
        "DELETE | leases               |               | 405",
        "POST   | config               | {}            | 405",
        "GET    | reservations/10.1.5.0-24 |           | 405"})
    void whatMakesNoSenseIsRefused(String method, String path, String body, int status) throws Exception {
        assertEquals(status, ask(method, path, body).get().statusCode());
        assertEquals(0, store.leases().size());
    }

    @Test
    void aConfigThatIsMissingOrWrongIsSaid() throws Exception {
        store.change(memory -> memory.config("{\"Network\":\"10.1.0.0/33\"}"));
        while (get("config").statusCode() == 200) {
            Thread.onSpinWait();
        }
        assertEquals(500, get("config").statusCode());
        assertTrue(ask("POST", "leases", GO).get().body().startsWith("the network config {\"Network\":\"10.1.0.0/33\"} can't be used: "));
        store.change(memory -> memory.config(null));
        while (get("config").statusCode() == 500) {
            Thread.onSpinWait();
        }
        assertEquals("there is no key /n/config in a test", get("config").body());
    }

    @Test
    void whileTheStoreIsAwayWhatIsKnownIsStillTold() throws Exception {
        json(ask("POST", "leases", GO).get());
        store.change(memory -> memory.trouble("etcd is on holiday"));
        HttpResponse<String> refused = ask("POST", "leases", "{\"PublicIP\":\"1.2.3.4\"}").get();
        assertEquals("503 etcd is on holiday", refused.statusCode() + " " + refused.body());
        assertEquals(1, json(get("leases")).list("snapshot").size());
        store.change(memory -> memory.trouble(null));
        while (ask("POST", "leases", "{\"PublicIP\":\"1.2.3.4\"}").get().statusCode() != 200) {
            Thread.onSpinWait(); // until it was followed again
        }
        assertEquals(2, json(get("leases")).list("snapshot").size());
    }
}
