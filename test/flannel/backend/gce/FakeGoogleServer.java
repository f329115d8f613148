package flannel.backend.gce;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import flannel.backend.cloud.Http;
import flannel.backend.gce.FakeCompute.Instance;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** {@link FakeGoogle} on a socket, for daemons and for Google's own clients. Who asks is known by its address. */
final class FakeGoogleServer implements AutoCloseable {

    private final FakeGoogle google;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    FakeGoogleServer(FakeGoogle google, InetSocketAddress address) throws IOException {
        this.google = google;
        server = HttpServer.create(address, 0);
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
    }

    InetSocketAddress address() {
        return server.getAddress();
    }

    /** The instance whose address the client has, else the first one. */
    private Instance client(HttpExchange exchange) {
        String address = exchange.getRemoteAddress().getAddress().getHostAddress();
        return google.compute.instances.values().stream()
                .filter(instance -> instance.nics.stream().anyMatch(nic -> nic.ip().equals(address))).findFirst()
                .orElseGet(() -> google.compute.instances.values().iterator().next());
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            Map<String, String> headers = new HashMap<>();
            exchange.getRequestHeaders().forEach((name, values) -> headers.put(name, values.getFirst()));
            if (headers.containsKey("Metadata-flavor")) {
                headers.put("Metadata-Flavor", headers.get("Metadata-flavor")); // the server writes names its own way
            }
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            Http.Answer answer = google.answer(client(exchange), new Http.Request(exchange.getRequestMethod(),
                    URI.create("http://fake" + exchange.getRequestURI()), headers, body, Duration.ZERO));
            answer.headers().forEach((name, values) -> exchange.getResponseHeaders().put(name, values));
            byte[] bytes = answer.body().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(answer.status(), bytes.length);
            exchange.getResponseBody().write(bytes);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the server stops
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
