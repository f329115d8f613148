package flannel.etcd;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;

/**
 * Requests to the members of one etcd cluster. Stays with the member that answers, and goes to the next one when it can't be reached, does
 * not answer in time, or says that it can't serve (HTTP 5xx). Safe for use by several threads.
 */
final class EtcdHttp implements AutoCloseable {

    /**
     * One request.
     *
     * @param contentType of the body; null when there is none
     * @param headers     further header lines: name, value, name, value
     */
    record Request(String method, String path, String contentType, String body, List<String> headers) {
    }

    /** Takes the elements of an answer's arrays one by one: those of 10,000 leases together would need more memory than the leases. */
    interface LongList {

        /** Name of the members that are such arrays. */
        String member();

        /** An answer begins; what an earlier one, that broke off, has given does not count. */
        void restart();

        void element(JsonValue value);
    }

    private final List<String> endpoints;
    private final Tls tls;
    private final EtcdTimeouts timeouts;
    private volatile int pinned;
    private HttpClient client;
    private boolean closed;

    /** @param tls null for plain HTTP or the JDK's own trust store */
    EtcdHttp(List<String> endpoints, Tls tls, EtcdTimeouts timeouts) {
        this.endpoints = endpoints;
        this.tls = tls;
        this.timeouts = timeouts;
    }

    EtcdTimeouts timeouts() {
        return timeouts;
    }

    /** Sends what may be repeated. Any answer below 500 is returned, whatever it says. */
    EtcdAnswer read(Request request) throws UnavailableException, InterruptedException {
        return read(request, null);
    }

    EtcdAnswer read(Request request, LongList list) throws UnavailableException, InterruptedException {
        try {
            return send(request, list, true);
        } catch (LostAnswerException e) {
            throw new IllegalStateException("a read has no answer to lose", e);
        }
    }

    /**
     * Sends what must not be repeated blindly.
     *
     * @throws LostAnswerException when a member may have got the request and its answer is lost
     */
    EtcdAnswer write(Request request) throws UnavailableException, LostAnswerException, InterruptedException {
        return send(request, null, false);
    }

    private EtcdAnswer send(Request request, LongList list, boolean repeatable)
            throws UnavailableException, LostAnswerException, InterruptedException {
        StringBuilder reasons = new StringBuilder();
        boolean connected = false;
        boolean answered = false;
        int first = pinned;
        for (int i = 0; i < endpoints.size(); i++) {
            int at = (first + i) % endpoints.size();
            String reason;
            boolean sent = true;
            try {
                EtcdAnswer answer = repeatable ? exchangeAgainIfStale(at, request, list) : exchange(at, request, list);
                if (!isUnavailable(answer.status())) {
                    pinned = at;
                    return answer;
                }
                reason = answer.reason();
                answered = true;
            } catch (IOException e) {
                sent = !neverSent(e);
                connected |= sent && !(e instanceof HttpTimeoutException);
                reason = reason(e);
            }
            reasons.append(i == 0 ? "" : "; ").append(endpoints.get(at)).append(": ").append(reason);
            pinned = (at + 1) % endpoints.size();
            if (sent && !repeatable) {
                throw new LostAnswerException("etcd did not confirm a write: " + reasons);
            }
        }
        throw new UnavailableException("etcd cluster is unavailable: " + reasons, connected && !answered);
    }

    /** A pooled connection may have been closed by a server that was restarted since: that says nothing about the server now. */
    private EtcdAnswer exchangeAgainIfStale(int at, Request request, LongList list) throws IOException, InterruptedException {
        try {
            return exchange(at, request, list);
        } catch (HttpTimeoutException | SSLException e) {
            throw e;
        } catch (IOException e) {
            if (neverSent(e)) {
                throw e;
            }
            return exchange(at, request, list);
        }
    }

    private EtcdAnswer exchange(int at, Request request, LongList list) throws IOException, InterruptedException {
        try (EtcdStream stream = open(at, request, timeouts.body())) {
            try {
                return stream.complete(list);
            } catch (IOException e) {
                throw stream.expired() ? new HttpTimeoutException("no complete answer within " + text(timeouts.body())) : e;
            }
        }
    }

    /** 408 is what gateways before 3.4 make of a deadline. */
    private static boolean isUnavailable(int status) {
        return status >= 500 || status == 408;
    }

    /**
     * Opens a long answer at the member that answered last; the next request goes to another one when it fails.
     *
     * @throws UnavailableException when that member can't be asked
     */
    EtcdStream stream(Request request, Duration lifetime) throws UnavailableException, InterruptedException {
        int at = pinned;
        String reason;
        boolean connected = false;
        try {
            EtcdStream stream = open(at, request, lifetime);
            if (!isUnavailable(stream.status())) {
                return stream;
            }
            connected = true;
            try (stream) {
                reason = stream.complete().reason();
            }
        } catch (IOException e) {
            reason = reason(e);
        }
        pinned = (at + 1) % endpoints.size();
        throw new UnavailableException("etcd can't be watched: " + endpoints.get(at) + ": " + reason, connected);
    }

    /** Lets the next request go to another member than this one. */
    void avoid(String endpoint) {
        if (endpoints.get(pinned).equals(endpoint)) {
            pinned = (pinned + 1) % endpoints.size();
        }
    }

    private EtcdStream open(int at, Request request, Duration lifetime) throws IOException, InterruptedException {
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(endpoints.get(at) + request.path()));
        if (request.body() == null) {
            builder.method(request.method(), HttpRequest.BodyPublishers.noBody());
        } else {
            // etcd v2 stores an empty value, without an error, when a form lacks its content type
            builder.header("Content-Type", request.contentType());
            builder.method(request.method(), HttpRequest.BodyPublishers.ofString(request.body()));
        }
        for (int i = 0; i < request.headers().size(); i += 2) {
            builder.header(request.headers().get(i), request.headers().get(i + 1));
        }
        CompletableFuture<HttpResponse<InputStream>> call =
                client().sendAsync(builder.build(), HttpResponse.BodyHandlers.ofInputStream());
        try {
            return new EtcdStream(endpoints.get(at), call.get(timeouts.answer().toMillis(), TimeUnit.MILLISECONDS), lifetime);
        } catch (TimeoutException e) {
            call.cancel(true);
            throw new HttpTimeoutException("no answer within " + text(timeouts.answer()));
        } catch (InterruptedException e) {
            call.cancel(true);
            throw e;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
        }
    }

    private synchronized HttpClient client() throws IOException {
        if (closed) {
            throw new IOException("the connection to etcd was closed by flanneld");
        }
        if (client == null || tls != null && tls.reload()) {
            HttpClient.Builder builder = HttpClient.newBuilder()
                    .version(HttpClient.Version.HTTP_1_1)
                    .connectTimeout(timeouts.connect())
                    .proxy(HttpClient.Builder.NO_PROXY)
                    .executor(Executors.newVirtualThreadPerTaskExecutor());
            if (tls != null) {
                builder.sslContext(tls.context());
            } else if (endpoints.stream().allMatch(endpoint -> endpoint.startsWith("http:"))) {
                builder.sslContext(new NoTls());
            }
            if (client != null) {
                client.shutdown();
            }
            client = builder.build();
        }
        return client;
    }

    /** True when the request can't have reached a server. */
    private static boolean neverSent(IOException e) {
        return e instanceof ConnectException || e instanceof HttpConnectTimeoutException || e instanceof NoRouteToHostException
                || e instanceof SSLHandshakeException;
    }

    private String reason(IOException e) {
        String message = e.getMessage() == null ? "" : e.getMessage();
        return switch (e) {
            case HttpConnectTimeoutException timeout -> "no connection within " + text(timeouts.connect());
            case HttpTimeoutException timeout -> message;
            case ConnectException refused when hasCause(e, UnresolvedAddressException.class) -> "the name does not resolve";
            case ConnectException refused when message.isEmpty() -> "connection refused";
            case SSLException ssl -> Tls.reason(ssl);
            case JsonException json -> "the answer is not JSON: " + message;
            default -> brokenConnection(message);
        };
    }

    /** java.net.http's words for a connection that breaks are about its own parsers. */
    private static String brokenConnection(String message) {
        if (message.isEmpty() || message.contains("received no bytes") || message.contains("EOF")) {
            return "the connection was closed without an answer";
        }
        if (message.startsWith("chunked transfer encoding") || message.startsWith("fixed content-length")) {
            return "the connection was closed in the middle of an answer";
        }
        return Character.toLowerCase(message.charAt(0)) + message.substring(1);
    }

    private static boolean hasCause(Throwable e, Class<? extends Throwable> type) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return true;
            }
        }
        return false;
    }

    private static String text(Duration duration) {
        return duration.toMillis() % 1000 == 0 ? duration.toSeconds() + " s" : duration.toMillis() + " ms";
    }

    /** Ends all requests. */
    @Override
    public synchronized void close() {
        closed = true;
        if (client != null) {
            client.shutdownNow();
        }
    }
}
