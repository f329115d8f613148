package flannel.lab;

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Something at a store's address that is no store, or one that has lost its mind: it answers every request with 200 and the same JSON, or with the
 * beginning of it and then without end.
 */
final class JunkServer implements AutoCloseable {

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Semaphore answers = new Semaphore(0);

    private JunkServer(HttpServer server, String json, String endless) {
        this.server = server;
        byte[] body = json.getBytes(StandardCharsets.UTF_8);
        byte[] more = endless.repeat(500).getBytes(StandardCharsets.UTF_8);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            try (exchange) {
                exchange.getRequestBody().readAllBytes();
                exchange.getResponseHeaders().set("Content-Type", "application/json");
                exchange.sendResponseHeaders(200, more.length == 0 ? body.length : 0);
                exchange.getResponseBody().write(body);
                while (more.length > 0) {
                    exchange.getResponseBody().write(more); // until nobody takes it any more
                }
            } finally {
                answers.release();
            }
        });
        server.start();
    }

    /** @param endless what comes behind the JSON, again and again; empty for nothing */
    static JunkServer startIn(NetworkNamespace namespace, String endpoint, String json, String endless) throws Exception {
        URI uri = URI.create(endpoint);
        HttpServer server = namespace.call(() -> HttpServer.create(new InetSocketAddress(uri.getHost(), uri.getPort()), 0));
        return new JunkServer(server, json, endless);
    }

    /** Waits until so many more requests were answered. */
    void awaitAnswers(int count) throws InterruptedException {
        if (!answers.tryAcquire(count, Daemon.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("nobody asks the junk server: " + answers.availablePermits() + " requests");
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
