package flannel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lease.StoreHealth;
import flannel.log.Log;
import flannel.status.History;
import flannel.status.Memory;
import flannel.status.NetworkStatus;
import flannel.status.NetworkStatus.Kernel;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Phase;
import flannel.status.NetworkStatus.Store;
import flannel.status.NetworkStatus.Stuck;
import flannel.status.NetworkStatus.Underlay;
import flannel.status.Status;
import flannel.status.StatusSource;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class HealthServerTest {

    private static final NetworkStatus ACTIVE = network(Phase.ACTIVE, "");

    private final HttpClient client = HttpClient.newHttpClient();
    private volatile NetworkStatus network = ACTIVE;
    private HealthServer listener;

    private static NetworkStatus network(Phase phase, String storeTrouble) {
        return new Known("", phase, "10.1.0.0/16", "vxlan", List.of(), null, new Underlay("eth0", "192.168.32.211"), List.of(),
                new Store(StoreHealth.UNKNOWN, null, storeTrouble), new Kernel(0, null, List.of()), List.of(), List.of(), List.of(), Map.of());
    }

    @BeforeEach
    void open() throws IOException {
        HealthServer opened = HealthServer.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), new StatusSource(() -> new Status(
                new Status.Daemon("1.0.0", 1, Duration.ZERO, Instant.EPOCH), new Memory(1, 1, 1, 1, 0, Duration.ZERO), List.of(network), List.of())),
                new History(), new Log(System.err, 0));
        listener = opened;
        Thread.ofVirtual().start(() -> {
            try {
                opened.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @AfterEach
    void close() {
        listener.close();
        client.close();
    }

    private HttpResponse<String> ask(String method, String path, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + listener.address().getPort() + path))
                .method(method, HttpRequest.BodyPublishers.noBody());
        return client.send(headers.length == 0 ? request.build() : request.headers(headers).build(), HttpResponse.BodyHandlers.ofString());
    }

    private String told(String path) throws IOException, InterruptedException {
        HttpResponse<String> response = ask("GET", path);
        return response.statusCode() + " " + response.body();
    }

    @Test
    void wellIsWell() throws Exception {
        assertEquals("200 flanneld is running", told("/healthz"));
        assertEquals("200 flanneld is ready", told("/readyz"));
    }

    @Test
    void aStoreThatIsAwayIsNoReasonToRestart() throws Exception {
        network = network(Phase.ACTIVE, "no leader");
        assertEquals("200 flanneld is running", told("/healthz"));
        assertEquals("200 flanneld is ready", told("/readyz"));
        network = network(Phase.OPENED, "no leader");
        assertEquals("200 flanneld is running", told("/healthz"));
        assertEquals("503 no leader\n", told("/readyz"));
    }

    @Test
    void aStuckSessionIsOne() throws Exception {
        network = new Stuck("", Duration.ofSeconds(3));
        assertTrue(told("/healthz").startsWith("503 the session has not answered for 3 s"), told("/healthz"));
        assertTrue(told("/readyz").startsWith("503 the session has not answered for 3 s"), told("/readyz"));
    }

    @Test
    void metricsComeInTheFormatAskedFor() throws Exception {
        HttpResponse<String> plain = ask("GET", "/metrics");
        assertEquals("text/plain; version=0.0.4; charset=utf-8", plain.headers().firstValue("Content-Type").orElseThrow());
        assertTrue(plain.body().contains("\nflannel_network_active{network=\"\"} 1\n"), plain.body());
        HttpResponse<String> open = ask("GET", "/metrics", "Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
        assertEquals("application/openmetrics-text; version=1.0.0; charset=utf-8", open.headers().firstValue("Content-Type").orElseThrow());
        assertTrue(open.body().endsWith("\n# EOF\n"));
    }

    @Test
    void aPageForPeopleMayDoNothingButShow() throws Exception {
        HttpResponse<String> page = ask("GET", "/");
        assertEquals("200 text/html; charset=utf-8", page.statusCode() + " " + page.headers().firstValue("Content-Type").orElseThrow());
        assertTrue(page.body().contains("<title>flanneld on 192.168.32.211</title>"), page.body());
        assertTrue(page.headers().firstValue("Content-Security-Policy").orElseThrow().startsWith("default-src 'none'; script-src 'sha256-"));
        assertEquals("nosniff", page.headers().firstValue("X-Content-Type-Options").orElseThrow());
        assertEquals("no-store", page.headers().firstValue("Cache-Control").orElseThrow());
        assertEquals(405, ask("POST", "/").statusCode());
    }

    /** By a socket: the JDK's client sends the Host that its address has. */
    private String toldToHost(String host, String path) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), listener.address().getPort())) {
            socket.getOutputStream().write(("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n").getBytes(StandardCharsets.UTF_8));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void aPageOfElsewhereWhoseNameLeadsHereReadsNothing() throws Exception {
        for (String path : List.of("/", "/healthz", "/readyz", "/metrics")) {
            String answer = toldToHost("rebound.example:8471", path);
            assertTrue(answer.startsWith("HTTP/1.1 421 Misdirected Request\r\n"), answer);
            assertTrue(answer.endsWith("\r\n\r\nthis host is not known by the name \"rebound.example:8471\" here: ask by its IP address, or its own name\n"), answer);
            assertTrue(toldToHost("10.1.2.3:8471", path).startsWith("HTTP/1.1 200 OK\r\n"));
            assertTrue(toldToHost("localhost", path).startsWith("HTTP/1.1 200 OK\r\n"));
        }
    }

    @Test
    void nothingCanBeChangedAndNothingElseIsThere() throws Exception {
        HttpResponse<String> post = ask("POST", "/metrics");
        assertEquals(405, post.statusCode());
        assertEquals("GET, HEAD", post.headers().firstValue("Allow").orElseThrow());
        assertEquals(405, ask("DELETE", "/healthz").statusCode());
        assertEquals(404, ask("GET", "/healthz/x").statusCode());
        HttpResponse<String> head = ask("HEAD", "/readyz");
        assertEquals("200 ", head.statusCode() + " " + head.body());
    }
}
