package flannel.backend.cloud;

import flannel.net.HttpProxies;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;

/**
 * Requests to clouds over java.net.http: HTTP/1.1, through the environment's proxies, answers of at most 4 MiB. Knows no retries and no
 * signatures. Safe for use by several threads.
 */
public final class CloudHttp implements Http {

    private static final Duration CONNECT = Duration.ofSeconds(5);

    /** More than ten thousand routes; what is read of them has to fit into the heap. */
    private static final int MOST_BYTES = 4 << 20;

    private final HttpProxies proxies;
    private final HttpClient client;

    /**
     * @param direct hosts that are never asked through a proxy, beside the link-local ones; see {@link HttpProxies}
     * @param trust  null for the JDK's own authorities
     * @throws IllegalArgumentException when a proxy's variable can't be read
     */
    public CloudHttp(Map<String, String> environment, Set<String> direct, SSLContext trust) {
        proxies = new HttpProxies(environment, direct);
        proxies.name(URI.create("https://cloud.invalid/"));     // one that makes no sense is said now
        HttpClient.Builder builder = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)       // else it asks http:// servers for an upgrade, which metadata servers don't know
                .connectTimeout(CONNECT)
                .followRedirects(HttpClient.Redirect.NEVER)
                .proxy(proxies)
                .executor(Executors.newVirtualThreadPerTaskExecutor());
        client = (trust == null ? builder : builder.sslContext(trust)).build();
    }

    @Override
    public Answer send(Request request) throws IOException, InterruptedException {
        String server = request.uri().getScheme() + "://" + request.uri().getRawAuthority();
        CompletableFuture<HttpResponse<byte[]>> call = client.sendAsync(translated(request, server), info -> new Bounded());
        try {
            HttpResponse<byte[]> response = call.get(request.timeout().toMillis(), TimeUnit.MILLISECONDS);
            return new Answer(response.statusCode(), response.headers().map(), new String(response.body(), StandardCharsets.UTF_8));
        } catch (TimeoutException e) {
            call.cancel(true);
            throw new HttpTimeoutException(server + ": no answer within " + request.timeout().toSeconds() + " s");
        } catch (InterruptedException e) {
            call.cancel(true);
            throw e;
        } catch (ExecutionException e) {
            throw new IOException(server + ": " + reason(e.getCause()), e.getCause());
        }
    }

    private HttpRequest translated(Request request, String server) throws IOException {
        try {
            HttpRequest.Builder builder = HttpRequest.newBuilder(request.uri()).method(request.method(), request.body() == null
                    ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(request.body()));
            request.headers().forEach(builder::header);
            String authorization = proxies.authorization(request.uri());
            return (authorization.isEmpty() ? builder : builder.header("Proxy-Authorization", authorization)).build();
        } catch (IllegalArgumentException e) {
            throw new IOException(server + ": a request holds what HTTP can't carry (a line break in a token?)");     // e's text may be secret
        }
    }

    private static String reason(Throwable e) {
        String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnresolvedAddressException) {
                return "the name does not resolve";
            }
        }
        return switch (e) {
            case HttpConnectTimeoutException timeout -> "no connection within " + CONNECT.toSeconds() + " s";
            case ConnectException refused when refused.getMessage() == null -> "connection refused";
            case SSLException tls when message.contains("PKIX path") -> "its certificate is not signed by a known authority";
            case SSLException tls -> "TLS: " + message;
            default -> message.contains("received no bytes") || message.contains("EOF") ? "the connection was closed without an answer"
                    : message;
        };
    }

    @Override
    public void close() {
        client.shutdownNow();
    }

    /** Collects a body, and fails when it is endless. */
    private static final class Bounded implements HttpResponse.BodySubscriber<byte[]> {

        private final HttpResponse.BodySubscriber<byte[]> bytes = HttpResponse.BodySubscribers.ofByteArray();
        private Flow.Subscription subscription;
        private long count;

        @Override
        public CompletionStage<byte[]> getBody() {
            return bytes.getBody();
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            this.subscription = subscription;
            bytes.onSubscribe(subscription);
        }

        @Override
        public void onNext(List<ByteBuffer> buffers) {
            if (count > MOST_BYTES) {
                return;     // cancelled, and not heard yet
            }
            for (ByteBuffer buffer : buffers) {
                count += buffer.remaining();
            }
            if (count > MOST_BYTES) {
                subscription.cancel();
                bytes.onError(new IOException("the answer has more than " + (MOST_BYTES >> 20) + " MiB"));
            } else {
                bytes.onNext(buffers);
            }
        }

        @Override
        public void onError(Throwable failure) {
            bytes.onError(failure);
        }

        @Override
        public void onComplete() {
            bytes.onComplete();
        }
    }
}
