package flannel.tls;

import java.io.IOException;
import java.io.InputStream;
import java.net.ProxySelector;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The HTTP client of one store: made when it is first asked for, and anew when a certificate has changed or its connections are to go. For all threads. */
public final class HttpConnections implements AutoCloseable {

    private final String peer;
    private final Duration connect;
    private final ProxySelector proxies;
    private final Tls tls;
    private final boolean plain;
    private HttpClient client;
    private boolean closed;

    /**
     * @param peer    for messages, as "etcd"
     * @param connect how long a connection may take
     * @param proxies null for none
     * @param tls     null for the JDK's own trust store
     * @param plain   whether no URL is https
     */
    public HttpConnections(String peer, Duration connect, ProxySelector proxies, Tls tls, boolean plain) {
        this.peer = peer;
        this.connect = connect;
        this.proxies = proxies;
        this.tls = tls;
        this.plain = plain;
    }

    /** Over a client that there is already, without TLS. */
    public HttpConnections(String peer, HttpClient client) {
        this(peer, Duration.ZERO, null, null, true);
        this.client = client;
    }

    /** @throws IOException after {@link #close} */
    public synchronized HttpClient client() throws IOException {
        if (closed) {
            throw new IOException("the connection to " + peer + " was closed by flanneld");
        }
        if (client == null || tls != null && tls.reload()) {
            HttpClient.Builder builder = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(connect)
                    .executor(Executors.newVirtualThreadPerTaskExecutor());
            if (proxies != null) {
                builder.proxy(proxies);
            }
            if (tls != null) {
                builder.sslContext(tls.context());
            } else if (plain) {
                builder.sslContext(new NoTls());
            }
            if (client != null) {
                client.shutdown();
            }
            client = builder.build();
        }
        return client;
    }

    /** Drops all connections: what is under way fails, and what comes next makes new ones. */
    public synchronized void reconnect() {
        if (client != null) {
            client.shutdownNow();
            client = null;
        }
    }

    /** Ends all requests. */
    @Override
    public synchronized void close() {
        closed = true;
        if (client != null) {
            client.shutdownNow();
        }
    }

    /** The answer's headers; null when they do not come in time. */
    public static <T> HttpResponse<T> await(CompletableFuture<HttpResponse<T>> call, Duration atMost) throws IOException, InterruptedException {
        try {
            return call.get(Math.max(0, atMost.toMillis()), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            return null;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException cause ? cause : new IOException(e.getCause());
        }
    }

    /** Gives a request up, with its answer, should that come just now. */
    public static void abandon(CompletableFuture<HttpResponse<InputStream>> call) {
        if (!call.cancel(true)) {
            call.thenAccept(HttpConnections::drop);
        }
    }

    private static void drop(HttpResponse<InputStream> response) {
        try {
            response.body().close();
        } catch (IOException e) {
            // nobody wants it
        }
    }
}
