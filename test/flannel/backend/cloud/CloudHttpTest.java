package flannel.backend.cloud;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Real sockets on the loopback. */
class CloudHttpTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private final CountDownLatch end = new CountDownLatch(1);
    private HttpServer server;
    private String base;

    @BeforeEach
    void serve() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
        base = "http://127.0.0.1:" + server.getAddress().getPort();
    }

    @AfterEach
    void stop() {
        end.countDown();
        server.stop(0);
        threads.shutdownNow();
    }

    private void answer(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI() + " " + exchange.getRequestHeaders().getFirst("Host") + " "
                + exchange.getRequestHeaders().getOrDefault("Upgrade", List.of("-")).getFirst() + " " + body);
        try (exchange) {
            switch (exchange.getRequestURI().getPath()) {
                case "/endless" -> {
                    exchange.sendResponseHeaders(200, 0);
                    OutputStream out = exchange.getResponseBody();
                    for (byte[] block = new byte[1 << 16];; ) {
                        out.write(block);
                    }
                }
                case "/half" -> {
                    exchange.sendResponseHeaders(200, 100);
                    exchange.getResponseBody().write(1);
                    exchange.getResponseBody().flush();
                    end.await();
                }
                case "/moved" -> {
                    exchange.getResponseHeaders().set("Location", base + "/elsewhere");
                    exchange.sendResponseHeaders(302, -1);
                }
                default -> {
                    exchange.getResponseHeaders().set("X-Thing", "value");
                    exchange.sendResponseHeaders(200, 2);
                    exchange.getResponseBody().write("ok".getBytes(StandardCharsets.UTF_8));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Http.Answer send(Map<String, String> environment, String method, String uri, String body, Duration timeout) throws Exception {
        try (CloudHttp http = new CloudHttp(environment, Set.of(), null)) {
            return http.send(new Http.Request(method, URI.create(uri), Map.of("content-type", "text/plain"), body, timeout));
        }
    }

    @Test
    void aRequestAndItsAnswer() throws Exception {
        Http.Answer answer = send(Map.of(), "PUT", base + "/a?b=c", "", PATIENCE);
        assertEquals(200, answer.status());
        assertEquals("ok", answer.body());
        assertEquals("value", answer.header("x-thing"));
        assertEquals("", answer.header("other"));
        assertEquals("PUT /a?b=c " + base.substring(7) + " - ", requests.getFirst(), "and no upgrade to HTTP/2 is asked for");
    }

    @Test
    void aProxyIsAskedForTheWholeAddress() throws Exception {
        assertEquals("ok", send(Map.of("HTTP_PROXY", base), "POST", "http://ec2.test/x", "text", PATIENCE).body());
        assertTrue(requests.getFirst().startsWith("POST http://ec2.test/x ec2.test - text"), requests.getFirst());
    }

    @Test
    void aRedirectionIsNotFollowed() throws Exception {
        assertEquals(302, send(Map.of(), "GET", base + "/moved", null, PATIENCE).status());
        assertEquals(1, requests.size());
    }

    @Test
    void anAnswerWithoutAnEndIsCutOff() {
        IOException e = assertThrows(IOException.class, () -> send(Map.of(), "GET", base + "/endless", null, PATIENCE));
        assertTrue(e.getMessage().startsWith(base + ": the answer has more than 4 MiB"), e.getMessage());
    }

    @Test
    void anAnswerThatStopsHalfwayHasADeadline() {
        IOException e = assertThrows(IOException.class, () -> send(Map.of(), "GET", base + "/half", null, Duration.ofSeconds(1)));
        assertEquals(base + ": no answer within 1 s", e.getMessage());
    }

    @Test
    void whoDoesNotAnswerIsNamed() throws Exception {
        int closed;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        IOException refused = assertThrows(IOException.class, () -> send(Map.of(), "GET", "http://127.0.0.1:" + closed + "/?secret", null, PATIENCE));
        assertEquals("http://127.0.0.1:" + closed + ": connection refused", refused.getMessage());
        IOException unknown = assertThrows(IOException.class, () -> send(Map.of(), "GET", "http://no.such.invalid/", null, PATIENCE));
        assertEquals("http://no.such.invalid: the name does not resolve", unknown.getMessage());
        IOException tls = assertThrows(IOException.class, () -> send(Map.of(), "GET", base.replace("http:", "https:"), null, PATIENCE));
        assertTrue(tls.getMessage().startsWith(base.replace("http:", "https:") + ": "), tls.getMessage());
    }

    @Test
    void aHeaderThatHttpCantCarryIsNotShown() {
        try (CloudHttp http = new CloudHttp(Map.of(), Set.of(), null)) {
            IOException e = assertThrows(IOException.class,
                    () -> http.send(Http.Request.get(URI.create(base), Map.of("x-token", "secret\r\nx: y"), PATIENCE)));
            assertTrue(!e.getMessage().contains("secret") && e.getCause() == null, e.getMessage());
        }
    }
}
