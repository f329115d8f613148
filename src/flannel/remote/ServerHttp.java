package flannel.remote;

import flannel.api.Messages;
import flannel.lease.StoreException;
import flannel.log.Log;
import flannel.tls.HttpConnections;
import flannel.tls.Tls;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLException;

/**
 * Requests to flannel servers that all stand in front of one store. Stays with the one that answers, and goes to the next when it can't be
 * reached, does not answer in time, or says that it can't serve (HTTP 5xx). Every request may be repeated: a server that has done it
 * already answers a wish for a subnet with the same one, and a write of a lease with a conflict. Safe for use by several threads.
 */
final class ServerHttp implements AutoCloseable {

    private static final Duration CONNECT = Duration.ofSeconds(2);

    /** Longer than a server lets hosts wait that all ask for a subnet at once. */
    private static final Duration ANSWER = Duration.ofSeconds(15);

    /**
     * An answer.
     *
     * @param server number of the one that gave it
     * @param ahead  how far this host's clock is ahead of that server's
     */
    record Reply(int server, int status, String body, Duration ahead) {

        /** A Go server has no 404: it passes etcd's own words on. */
        boolean isMissing() {
            return status == 404 || status == 500 && body.startsWith("100: ");
        }

        String reason() {
            String text = body.length() > 300 ? body.substring(0, 300) + "…" : body;
            return text.isBlank() ? "HTTP " + status : text.strip();
        }
    }

    private final List<URI> servers;
    private volatile int pinned;
    private final HttpConnections connections;

    /** @param servers as {@link RemoteOptions#urls()} gives them; the one to begin with is {@code first} */
    ServerHttp(List<URI> servers, int first, Tls.Options options, Log log) {
        this.servers = servers;
        this.pinned = first;
        connections = new HttpConnections("the flannel server", CONNECT, null, Tls.read(options, log),
                servers.stream().noneMatch(server -> server.getScheme().equals("https")));
    }

    /**
     * Sends a request and waits for the answer, which may be any below 500.
     *
     * @param ifMatch value of that header; null for none
     * @param body    JSON; null for none
     */
    Reply call(String method, String path, String ifMatch, String body) throws StoreException, InterruptedException {
        StringBuilder reasons = new StringBuilder();
        int first = pinned;
        for (int i = 0; i < servers.size(); i++) {
            int server = (first + i) % servers.size();
            String reason;
            try {
                Reply reply = callAgainIfStale(server, method, path, ifMatch, body);
                if (reply.status() < 500 || reply.isMissing()) {
                    pinned = server;
                    return reply;
                }
                reason = reply.reason();
            } catch (IOException e) {
                reason = reason(e);
            }
            reasons.append(i == 0 ? "" : "; ").append(servers.get(server).getAuthority()).append(": ").append(reason);
            pinned = (server + 1) % servers.size();
        }
        throw new StoreException("no flannel server can serve: " + reasons);
    }

    /** A pooled connection may have been closed by a server that was restarted since: that says nothing about the server now. */
    private Reply callAgainIfStale(int server, String method, String path, String ifMatch, String body)
            throws IOException, InterruptedException {
        try {
            return callOne(server, method, path, ifMatch, body);
        } catch (ConnectException | SSLException | LateException e) {
            throw e;
        } catch (IOException e) {
            return callOne(server, method, path, ifMatch, body);
        }
    }

    private Reply callOne(int server, String method, String path, String ifMatch, String body) throws IOException, InterruptedException {
        Reply reply = await(start(server, method, path, ifMatch, body), ANSWER);
        if (reply == null) {
            throw new LateException("no answer within " + ANSWER.toSeconds() + " s");
        }
        return reply;
    }

    private static final class LateException extends IOException {

        private static final long serialVersionUID = 1L;

        LateException(String message) {
            super(message);
        }
    }

    /** An exchange under way, with the server that it is with. */
    record Exchange(int server, CompletableFuture<HttpResponse<String>> response) {

        void cancel() {
            response.cancel(true);
        }
    }

    /** Sends a request to one server, for an answer that may come late. */
    Exchange start(int server, String method, String path, String ifMatch, String body) throws StoreException {
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(servers.get(server) + path));
        if (ifMatch != null) {
            builder.header("If-Match", ifMatch);
        }
        if (body == null) {
            builder.method(method, HttpRequest.BodyPublishers.noBody());
        } else {
            builder.header("Content-Type", "application/json").method(method, HttpRequest.BodyPublishers.ofString(body));
        }
        try {
            return new Exchange(server, connections.client().sendAsync(builder.build(), info -> new BoundedText(Messages.LIST_BYTES)));
        } catch (IOException e) {
            throw new StoreException(e.getMessage(), e);
        }
    }

    /** Begins with another one next time. */
    void leave(int server) {
        if (pinned == server) {
            pinned = (server + 1) % servers.size();
        }
    }

    private static Reply await(Exchange exchange, Duration atMost) throws IOException, InterruptedException {
        try {
            return get(exchange, atMost);
        } finally {
            exchange.cancel(); // has no effect on what is done
        }
    }

    /** Its answer; null when there is none in that time, and it goes on. */
    static Reply get(Exchange exchange, Duration atMost) throws IOException, InterruptedException {
        HttpResponse<String> response = HttpConnections.await(exchange.response(), atMost);
        return response == null ? null : new Reply(exchange.server(), response.statusCode(), response.body(), ahead(response));
    }

    /** Ends of leases are told by the server's clock; how it stands is in each answer, to the second. */
    private static Duration ahead(HttpResponse<String> response) {
        try {
            Duration ahead = response.headers().firstValue("Date")
                    .map(date -> Duration.between(Instant.from(DateTimeFormatter.RFC_1123_DATE_TIME.parse(date)), Instant.now()))
                    .orElse(Duration.ZERO);
            return ahead.abs().toSeconds() < 2 ? Duration.ZERO : ahead;
        } catch (DateTimeException e) {
            return Duration.ZERO;
        }
    }

    /** One clause to follow a server and a colon. */
    private static String reason(IOException e) {
        String message = e.getMessage() == null ? "" : e.getMessage().replaceAll("\\s+", " ").strip();
        return switch (e) {
            case HttpConnectTimeoutException late -> "no connection within " + CONNECT.toSeconds() + " s";
            case UnknownHostException unknown -> "the name does not resolve (-remote)";
            case ConnectException refused when isUnresolved(refused) -> "the name does not resolve (-remote)";
            case ConnectException refused -> message.isEmpty() ? "connection refused" : message;
            case SSLException ssl -> Tls.reason(ssl, "remote", "flannel server");
            default -> message.isEmpty() || message.contains("received no bytes") || message.contains("EOF")
                    || message.startsWith("Invalid status line")
                    ? "the connection was closed without an answer (does one side use TLS, and the other not?)" : message;
        };
    }

    private static boolean isUnresolved(ConnectException e) {
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof UnresolvedAddressException) {
                return true;
            }
        }
        return false;
    }

    /** Drops all connections: what is under way fails, and what comes next makes new ones. */
    void reconnect() {
        connections.reconnect();
    }

    /** For messages. */
    @Override
    public String toString() {
        List<String> names = new ArrayList<>();
        servers.forEach(server -> names.add(server.getAuthority()));
        return String.join(", ", names);
    }

    /** Ends all requests. */
    @Override
    public void close() {
        connections.close();
    }
}
