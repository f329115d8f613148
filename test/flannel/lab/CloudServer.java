package flannel.lab;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import flannel.backend.cloud.Http.Answer;
import flannel.backend.cloud.Http.Request;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A fake cloud on a socket of a namespace. */
final class CloudServer implements AutoCloseable {

    /** Where clouds have their metadata. */
    static final String METADATA = "169.254.169.254";

    /** What the fake does with a request. */
    interface Cloud {

        /** @param client the address that it comes from: so a metadata service knows who asks */
        Answer answer(String client, Request request) throws InterruptedException;
    }

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpServer server;

    CloudServer(NetworkNamespace namespace, InetSocketAddress address, Cloud cloud) throws Exception {
        server = namespace.call(() -> HttpServer.create(address, 0));
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            try (exchange) {
                Answer answer = cloud.answer(exchange.getRemoteAddress().getAddress().getHostAddress(), request(exchange));
                answer.headers().forEach((name, values) -> exchange.getResponseHeaders().put(name, values));
                byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
                exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
                exchange.getResponseBody().write(body);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // closed
            }
        });
        server.start();
    }

    /** Names of headers whatever their case: the server writes them in a way of its own. */
    private static Request request(HttpExchange exchange) throws IOException {
        Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        exchange.getRequestHeaders().forEach((name, values) -> headers.put(name, values.getFirst()));
        URI uri = URI.create("http://" + headers.get("Host") + exchange.getRequestURI());
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        return new Request(exchange.getRequestMethod(), uri, headers, body, Duration.ofSeconds(1));
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
