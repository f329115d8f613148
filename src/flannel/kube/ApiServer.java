package flannel.kube;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.lease.RequestMeter;
import flannel.lease.StoreException;
import flannel.lease.StoreHealth;
import flannel.log.Log;
import flannel.log.Printable;
import flannel.net.HttpProxies;
import flannel.tls.HttpConnections;
import flannel.tls.Tls;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;

/** Requests to a cluster's API server, all of which may be repeated. Safe for use by several threads. */
final class ApiServer implements AutoCloseable {

    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final Duration ANSWER = Duration.ofSeconds(15);

    /** Five thousand nodes have 150 MB. */
    private static final Duration BODY = Duration.ofSeconds(120);

    /** What is read of answers: of nodes, of a pod, of lists and events, and of refusals. */
    private static final Set<String> MEMBERS = Stream.concat(Node.MEMBERS.stream(),
            Stream.of("items", "continue", "type", "object", "nodeName", "message", "code")).collect(Collectors.toUnmodifiableSet());

    private final ApiAccess access;
    private final HttpProxies proxies;
    private final Set<String> wanted;
    private final RequestMeter meter = new RequestMeter();
    private final HttpConnections connections;

    /**
     * @param annotations that are read of nodes
     * @throws IllegalArgumentException with a sentence when a certificate, or a proxy of the environment, can't be used
     */
    ApiServer(ApiAccess access, Set<String> annotations, Map<String, String> environment, Log log) {
        this.access = access;
        proxies = new HttpProxies(environment);
        proxies.name(access.server());
        connections = new HttpConnections("the API server", CONNECT, proxies, Tls.read("Kubernetes API", access.ca(), access.certificate(), access.key(), log),
                access.server().getScheme().equals("http"));
        wanted = Stream.concat(MEMBERS.stream(), annotations.stream()).collect(Collectors.toUnmodifiableSet());
    }

    StoreHealth health() {
        return meter.health("Kubernetes API");
    }

    JsonValue get(String path) throws StoreException, InterruptedException {
        return call("GET", path, null, null);
    }

    /** A list without its elements, which go to {@code items} one by one; when it breaks off, those that came do not count. */
    JsonValue list(String path, Consumer<JsonValue> items) throws StoreException, InterruptedException {
        return call("GET", path, null, items);
    }

    /** Changes an object as kubectl and Go flannels do: a list's elements that have a key are merged by it. */
    JsonValue patch(String path, JsonValue change) throws StoreException, InterruptedException {
        return call("PATCH", path, change.toString(), null);
    }

    private JsonValue call(String method, String path, String body, Consumer<JsonValue> items) throws StoreException, InterruptedException {
        long startNanos = System.nanoTime();
        try (ApiStream stream = open(method, path, body, BODY)) {
            JsonValue answer = items == null ? stream.next() : stream.next(items);
            if (answer == null) {
                throw new IOException("an empty answer");
            }
            stream.drain();
            meter.answered(access.server().getAuthority(), startNanos);
            return answer;
        } catch (StoreException e) {
            throw e;
        } catch (IOException e) {
            throw failure(e);
        }
    }

    /**
     * Opens a long answer.
     *
     * @throws ApiException when the server refuses
     */
    ApiStream open(String method, String path, String body, Duration lifetime) throws StoreException, InterruptedException {
        try {
            HttpResponse<InputStream> response = sendAgainIfStale(method, path, body);
            ApiStream stream = new ApiStream(response, wanted, lifetime);
            if (stream.status() < 300) {
                meter.alive(access.server().getAuthority());
                return stream;
            }
            try (stream) {
                throw refusal(stream);
            }
        } catch (StoreException e) {
            throw e;
        } catch (IOException e) {
            throw failure(e);
        }
    }

    /** A pooled connection may have been closed by a server that was restarted since: that says nothing about the server now. */
    private HttpResponse<InputStream> sendAgainIfStale(String method, String path, String body) throws IOException, InterruptedException {
        try {
            return send(method, path, body);
        } catch (ConnectException | SSLException | HttpTimeoutException | StoreException e) {
            throw e;
        } catch (IOException e) {
            return send(method, path, body);
        }
    }

    private HttpResponse<InputStream> send(String method, String path, String body) throws IOException, InterruptedException {
        URI uri = URI.create(access.server() + path);
        HttpRequest.Builder builder = HttpRequest.newBuilder(uri).header("Accept", "application/json").header("User-Agent", "flanneld");
        if (body == null) {
            builder.method(method, HttpRequest.BodyPublishers.noBody());
        } else {
            builder.header("Content-Type", "application/strategic-merge-patch+json").method(method, HttpRequest.BodyPublishers.ofString(body));
        }
        String token = access.token().value();
        if (!token.isEmpty()) {
            builder.header("Authorization", "Bearer " + token);
        }
        String proxy = proxies.authorization(uri);
        if (!proxy.isEmpty()) {
            builder.header("Proxy-Authorization", proxy);
        }
        CompletableFuture<HttpResponse<InputStream>> call = connections.client().sendAsync(builder.build(), HttpResponse.BodyHandlers.ofInputStream());
        HttpResponse<InputStream> response = null;
        try {
            response = HttpConnections.await(call, ANSWER);
            if (response == null) {
                throw new HttpTimeoutException("no answer within " + ANSWER.toSeconds() + " s");
            }
            return response;
        } finally {
            if (response == null) {
                HttpConnections.abandon(call);
            }
        }
    }

    /** What the server's Status says. */
    private ApiException refusal(ApiStream stream) throws InterruptedException {
        String message;
        try {
            JsonValue status = stream.next();
            message = status == null ? "" : Printable.line(status.text("message"), 300);
        } catch (IOException e) {
            message = ""; // a proxy's page
        }
        int status = stream.status();
        String hint = status == 401 ? " (the token, or the client certificate, is not one of its)"
                : status == 403 ? " (what flanneld may do: list and watch nodes, patch nodes/status, get pods)" : "";
        if (status != ApiException.GONE && status != ApiException.CONFLICT && status != ApiException.NOT_FOUND) {
            meter.failed(RequestMeter.Kind.SERVER);
        }
        return new ApiException(status, server() + ": " + (message.isEmpty() ? "HTTP " + status : message) + hint);
    }

    private StoreException failure(IOException e) {
        meter.failed(RequestMeter.Kind.SERVER);
        String proxy = proxies.name(access.server());
        return new StoreException(server() + (proxy.isEmpty() ? "" : " (through the proxy " + proxy + ")") + ": " + reason(e), e);
    }

    private String server() {
        return "Kubernetes API server " + access.server().getAuthority();
    }

    /** One clause to follow the server and a colon. */
    static String reason(IOException e) {
        String message = Printable.line(e.getMessage() == null ? "" : e.getMessage(), 300);
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnresolvedAddressException || cause instanceof UnknownHostException) {
                return "its name does not resolve";
            }
        }
        return switch (e) {
            case HttpConnectTimeoutException late -> "no connection within " + CONNECT.toSeconds() + " s";
            case ConnectException refused -> message.isEmpty() ? "connection refused" : message;
            case SSLException ssl -> Tls.reason(ssl, "certificate-authority in the kubeconfig, ca.crt in a pod", "client-certificate and client-key in"
                    + " the kubeconfig", "API server");
            case JsonException json -> "the answer can't be read: " + message;
            default -> message.isEmpty() || message.contains("received no bytes") || message.contains("EOF")
                    || message.startsWith("Invalid status line") || message.contains("closed") || message.startsWith("chunked transfer encoding")
                    ? "the connection was closed without a whole answer (does one side use TLS, and the other not?)" : message;
        };
    }

    /** Drops all connections: what is under way fails, and what comes next makes new ones. */
    void reconnect() {
        connections.reconnect();
    }

    @Override
    public void close() {
        connections.close();
    }
}
