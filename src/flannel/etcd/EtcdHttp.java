package flannel.etcd;

import flannel.json.JsonException;
import flannel.json.JsonParser;
import flannel.lease.RequestMeter;
import flannel.lease.StoreHealth;
import flannel.net.HttpProxies;
import flannel.tls.HttpConnections;
import flannel.tls.Tls;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLException;

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

    /**
     * Takes the elements of an answer's arrays one by one: those of 10,000 leases together would need more memory than the leases. What is
     * too large in an element is {@link flannel.json.JsonValue.Omitted}: a value of a megabyte, beside which its key is still there.
     */
    interface LongList extends JsonParser.Elements {

        /** Name of the members that are such arrays. */
        String member();

        /** An answer begins; what an earlier one, that broke off, has given does not count. */
        void restart();
    }

    /** What every member answers, and etcd's proxy too, when it is alive. */
    private static final Request ALIVE = new Request("GET", "/version", null, null, List.of());

    private final List<Endpoint> endpoints;
    private final HttpProxies proxies;
    private final EtcdTimeouts timeouts;
    private final RequestMeter meter = new RequestMeter();
    private volatile int pinned;
    private final HttpConnections connections;

    /**
     * @param urls as {@link EtcdOptions#urls()} gives them; the first is asked first
     * @param tls  null for plain HTTP or the JDK's own trust store
     */
    EtcdHttp(List<String> urls, HttpProxies proxies, Tls tls, EtcdTimeouts timeouts) {
        this(urls, InetAddress::getAllByName, proxies, tls, timeouts);
    }

    EtcdHttp(List<String> urls, Endpoint.Resolver resolver, HttpProxies proxies, Tls tls, EtcdTimeouts timeouts) {
        this(urls.stream().map(url -> new Endpoint(url, resolver)).toList(), proxies, timeouts,
                new HttpConnections("etcd", timeouts.connect(), proxies, tls, urls.stream().noneMatch(url -> url.startsWith("https:"))));
    }

    EtcdHttp(List<Endpoint> endpoints, HttpProxies proxies, EtcdTimeouts timeouts, HttpConnections connections) {
        this.endpoints = endpoints;
        this.proxies = proxies;
        this.timeouts = timeouts;
        this.connections = connections;
        endpoints.forEach(endpoint -> endpoint.proxy(proxies)); // a proxy that makes no sense is said now
    }

    /** @param api for its text, as "etcd v3" */
    StoreHealth health(String api) {
        return meter.health(api);
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
            RequestMeter.Kind kind = RequestMeter.Kind.SERVER;
            boolean sent = true;
            long startNanos = System.nanoTime();
            try {
                EtcdAnswer answer = repeatable ? exchangeAgainIfStale(at, request, list) : exchange(at, request, list);
                if (!isUnavailable(answer.status())) {
                    pinned = at;
                    meter.answered(endpoints.get(at).toString(), startNanos);
                    return answer;
                }
                reason = answer.reason();
                answered = true;
            } catch (IOException e) {
                sent = !Failure.neverSent(e);
                connected |= sent && !(e instanceof HttpTimeoutException);
                reason = reason(at, e);
                kind = Failure.kind(e);
            }
            meter.failed(kind);
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
        } catch (HttpTimeoutException | SSLException | JsonException e) {
            throw e;
        } catch (IOException e) {
            if (Failure.neverSent(e)) {
                throw e;
            }
            return exchange(at, request, list);
        }
    }

    private EtcdAnswer exchange(int at, Request request, LongList list) throws IOException, InterruptedException {
        try (EtcdStream stream = open(at, request, timeouts.body(), false)) {
            try {
                return stream.complete(list);
            } catch (IOException e) {
                throw stream.expired() ? Failure.late("no complete answer", timeouts.body()) : e;
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
     * @return null when its lifetime was over before the headers came, while the member is alive: to be asked again, like any silent poll
     * @throws UnavailableException when that member can't be asked
     */
    EtcdStream stream(Request request, Duration lifetime) throws UnavailableException, InterruptedException {
        int at = pinned;
        String reason;
        RequestMeter.Kind kind = RequestMeter.Kind.SERVER;
        boolean connected = false;
        try {
            EtcdStream stream = open(at, request, lifetime, true);
            if (stream == null || !isUnavailable(stream.status())) {
                meter.alive(endpoints.get(at).toString());
                return stream;
            }
            connected = true;
            try (stream) {
                reason = stream.complete().reason();
            }
        } catch (IOException e) {
            reason = reason(at, e);
            kind = Failure.kind(e);
        }
        meter.failed(kind);
        pinned = (at + 1) % endpoints.size();
        throw new UnavailableException("etcd can't be watched: " + endpoints.get(at) + ": " + reason, connected);
    }

    /** Lets the next request go to another member than this one. */
    void avoid(String endpoint) {
        if (endpoints.get(pinned).toString().equals(endpoint)) {
            pinned = (pinned + 1) % endpoints.size();
        }
    }

    /** Null when it is a watch that was silent for its lifetime. */
    private EtcdStream open(int at, Request request, Duration lifetime, boolean isWatch) throws IOException, InterruptedException {
        Endpoint endpoint = endpoints.get(at);
        String base = endpoint.base();
        try {
            return open(at, base, request, lifetime, isWatch);
        } catch (IOException e) {
            if (Failure.neverSent(e) && proxies.name(URI.create(base)).isEmpty()) {
                for (String other : endpoint.others(base)) {
                    try {
                        EtcdStream stream = open(at, other, request, lifetime, isWatch);
                        endpoint.reached(other);
                        return stream;
                    } catch (IOException again) {
                        if (!Failure.neverSent(again)) {
                            throw again;
                        }
                    }
                }
            }
            throw e;
        }
    }

    private EtcdStream open(int at, String base, Request request, Duration lifetime, boolean isWatch)
            throws IOException, InterruptedException {
        long startNanos = System.nanoTime();
        CompletableFuture<HttpResponse<InputStream>> call =
                connections.client().sendAsync(httpRequest(URI.create(base + request.path()), request), HttpResponse.BodyHandlers.ofInputStream());
        HttpResponse<InputStream> response = null;
        try {
            response = HttpConnections.await(call, timeouts.answer());
            if (response == null && isWatch) {
                // etcd's own reverse proxy holds the headers back until there is a body: a frozen member is told from it by another request
                EtcdAnswer alive = exchange(at, ALIVE, null);
                if (isUnavailable(alive.status())) {
                    throw new IOException(alive.reason());
                }
                response = HttpConnections.await(call, lifetime.minusNanos(System.nanoTime() - startNanos));
            } else if (response == null) {
                throw Failure.late("no answer", timeouts.answer());
            }
            return response == null ? null : new EtcdStream(endpoints.get(at).toString(), response, startNanos, lifetime);
        } finally {
            if (response == null) {
                HttpConnections.abandon(call);
            }
        }
    }

    private HttpRequest httpRequest(URI uri, Request request) {
        HttpRequest.Builder builder = HttpRequest.newBuilder(uri);
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
        String authorization = proxies.authorization(uri);
        if (!authorization.isEmpty()) {
            builder.header("Proxy-Authorization", authorization);
        }
        return builder.build();
    }

    private String reason(int at, IOException e) {
        String proxy = endpoints.get(at).proxy(proxies);
        return Failure.reason(e, endpoints.get(at), timeouts) + (proxy.isEmpty() ? "" : " (through the proxy " + proxy + ")");
    }

    /** Drops all connections: they are from an address that this host does not have any more, so that nothing will come on them. */
    void reconnect() {
        connections.reconnect();
    }

    /** Ends all requests. */
    @Override
    public void close() {
        connections.close();
    }
}
