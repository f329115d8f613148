package flannel.etcd;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A server in this process that answers as a test tells it: for the answers that a real etcd can't be brought to give. */
public final class FakeEtcd implements AutoCloseable {

    /** What to do with a request. */
    public interface Script {
        void answer(Call call) throws Exception;
    }

    /**
     * One request.
     *
     * @param line method, path and query, as {@code GET /v2/keys/n/?recursive=true}
     */
    public record Call(HttpExchange exchange, String line, String body) {

        public void json(int status, String json) throws IOException {
            send(status, "application/json", json);
        }

        public void text(int status, String text) throws IOException {
            send(status, "text/plain; charset=utf-8", text);
        }

        private void send(int status, String type, String text) throws IOException {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", type);
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
        }

        /** v2's headers. */
        public Call at(long index, String cluster) {
            exchange.getResponseHeaders().set("X-Etcd-Index", Long.toString(index));
            exchange.getResponseHeaders().set("X-Etcd-Cluster-Id", cluster);
            return this;
        }

        /** Starts a chunked answer; the headers leave at once. */
        public Call open() throws IOException {
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().flush();
            return this;
        }

        public Call chunk(String text) throws IOException {
            exchange.getResponseBody().write(text.getBytes(StandardCharsets.UTF_8));
            exchange.getResponseBody().flush();
            return this;
        }

        /** Waits until the test is over. */
        public void hang() throws InterruptedException {
            Thread.sleep(60_000);
        }
    }

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<String> lines = new CopyOnWriteArrayList<>();

    public FakeEtcd(Script script) {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            String line = exchange.getRequestMethod() + " " + exchange.getRequestURI();
            String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            lines.add(line);
            // a script that returns without an answer hangs up
            try (exchange) {
                script.answer(new Call(exchange, line, body));
            } catch (Exception e) {
                // the client sees a connection that breaks
            }
        });
        server.start();
    }

    public String endpoint() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** The requests so far. */
    public List<String> lines() {
        return lines;
    }

    public long count(String start) {
        return lines.stream().filter(line -> line.startsWith(start)).count();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
