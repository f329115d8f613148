package flannel.lab;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import flannel.backend.aws.FakeAws;
import flannel.backend.aws.FakeMetadata;
import flannel.backend.cloud.Http.Answer;
import flannel.backend.cloud.Http.Request;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;

/** A {@link FakeAws} on the sockets of a namespace: EC2's interface, and the metadata service, which knows its callers by their addresses. */
final class FakeAwsServer implements AutoCloseable {

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<String, FakeMetadata> metadata = new ConcurrentHashMap<>();
    private final HttpServer api;
    private final HttpServer instances;

    /**
     * @param api      where EC2 is
     * @param metadata where the metadata service is
     */
    FakeAwsServer(NetworkNamespace namespace, FakeAws aws, InetSocketAddress api, InetSocketAddress metadata) throws Exception {
        this.api = serve(namespace, api, exchange -> aws.answer(request(exchange)));
        this.instances = serve(namespace, metadata, exchange -> {
            FakeMetadata known = this.metadata.get(exchange.getRemoteAddress().getAddress().getHostAddress());
            return known == null ? new Answer(404, Map.of(), "") : known.answer(request(exchange));
        });
    }

    private HttpServer serve(NetworkNamespace namespace, InetSocketAddress address, Function<HttpExchange, Answer> cloud) throws Exception {
        HttpServer server = namespace.call(() -> HttpServer.create(address, 0));
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            try (exchange) {
                Answer answer = cloud.apply(exchange);
                answer.headers().forEach((name, values) -> exchange.getResponseHeaders().put(name, values));
                byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
                exchange.sendResponseHeaders(answer.status(), body.length == 0 ? -1 : body.length);
                exchange.getResponseBody().write(body);
            }
        });
        server.start();
        return server;
    }

    private static Request request(HttpExchange exchange) {
        try {
            Map<String, String> headers = new HashMap<>();
            exchange.getRequestHeaders().forEach((name, values) -> headers.put(name, values.getFirst()));
            URI uri = URI.create("http://" + exchange.getRequestHeaders().getFirst("Host") + exchange.getRequestURI());
            return new Request(exchange.getRequestMethod(), uri, headers,
                    new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8), Duration.ofSeconds(1));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Who asks from this address is that instance. */
    void instance(String address, FakeMetadata instance) {
        metadata.put(address, instance);
    }

    @Override
    public void close() {
        api.stop(0);
        instances.stop(0);
        threads.shutdownNow();
    }
}
