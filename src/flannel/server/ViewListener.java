package flannel.server;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.Executors;

/**
 * Answers GET over HTTP, with bounds on connections and their times, so that nobody who can reach the port can hold the daemon up. Of the
 * module jdk.httpserver nothing is loaded before one is opened.
 */
public final class ViewListener implements AutoCloseable {

    /** Limits of jdk.httpserver for the whole process, read once, when its first server is made (module summary of jdk.httpserver). */
    private static final Map<String, String> LIMITS = Map.of(
            "jdk.httpserver.maxConnections", "16",
            "sun.net.httpserver.maxIdleConnections", "8",
            "sun.net.httpserver.idleInterval", "30",
            "sun.net.httpserver.maxReqTime", "5",
            "sun.net.httpserver.maxRspTime", "10",
            "sun.net.httpserver.maxReqHeaders", "50",
            "sun.net.httpserver.maxReqHeaderSize", "16384",
            "sun.net.httpserver.drainAmount", "4096");

    /**
     * An answer.
     *
     * @param contentType of the body
     */
    public record Answer(int status, String contentType, String body) {

        public static Answer text(int status, String body) {
            return new Answer(status, "text/plain; charset=utf-8", body);
        }
    }

    /** Answers what is asked for below one path. */
    public interface Handler {

        /** @param accept the request's header of that name; empty for none */
        Answer answer(String accept) throws InterruptedException;
    }

    private final HttpServer server;

    private ViewListener(HttpServer server) {
        this.server = server;
    }

    /**
     * Listens.
     *
     * @param handlers by path; of anything else there is nothing
     * @throws IOException when the address can't be had
     */
    public static ViewListener open(InetSocketAddress address, Map<String, Handler> handlers) throws IOException {
        LIMITS.forEach((name, value) -> {
            if (System.getProperty(name) == null) {
                System.setProperty(name, value);
            }
        });
        HttpServer server = HttpServer.create(address, 0);
        server.setExecutor(Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("http").factory()));
        server.createContext("/", exchange -> answer(exchange, handlers.get(exchange.getRequestURI().getPath())));
        server.start();
        return new ViewListener(server);
    }

    private static void answer(HttpExchange exchange, Handler handler) throws IOException {
        try (exchange) {
            boolean head = exchange.getRequestMethod().equals("HEAD");
            Answer answer;
            if (handler == null) {
                answer = Answer.text(404, "not found\n");
            } else if (!head && !exchange.getRequestMethod().equals("GET")) {
                exchange.getResponseHeaders().set("Allow", "GET, HEAD");
                answer = Answer.text(405, "nothing can be changed here\n");
            } else {
                String accept = exchange.getRequestHeaders().getFirst("Accept");
                answer = handler.answer(accept == null ? "" : accept);
            }
            byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", answer.contentType());
            exchange.getResponseHeaders().set("Cache-Control", "no-store");
            exchange.sendResponseHeaders(answer.status(), head || body.length == 0 ? -1 : body.length);
            if (!head) {
                exchange.getResponseBody().write(body);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return server.getAddress();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
