package flannel.server;

import flannel.lease.ServedCatalog;
import flannel.lease.ServedStore;
import flannel.log.Log;
import flannel.tls.Tls;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.Map;
import java.util.Random;

/** A server in this process, on a port of loopback, in front of a store in memory. */
public final class TestServer implements AutoCloseable {

    private final HttpListener http;
    private final ServerSocketChannel channel;
    private final ServedNetworks networks;
    private final Thread accepting;

    /** @param poll how long a client waits for news at least */
    public TestServer(int port, Tls tls, Duration poll, ServedStore store, Log log) throws IOException {
        this(port, tls, poll, new ServedMemories(Map.of("", store)), log);
    }

    public TestServer(int port, Tls tls, Duration poll, ServedCatalog catalog, Log log) throws IOException {
        channel = ServerSocketChannel.open();
        channel.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1024);
        networks = new ServedNetworks(catalog, "t" + Integer.toHexString(System.identityHashCode(this)), poll, new Random(1), log, () -> { },
                reason -> log.error(reason.toString()));
        http = new HttpListener(channel, tls, tls != null, Limits.DEFAULT, new ServerApi(networks, log), log);
        networks.follow();
        accepting = start(http::run);
    }

    private interface Work {
        void run() throws InterruptedException;
    }

    private static Thread start(Work work) {
        return Thread.ofVirtual().start(() -> {
            try {
                work.run();
            } catch (InterruptedException e) {
                // closed
            }
        });
    }

    public int port() {
        return channel.socket().getLocalPort();
    }

    int connectionCount() {
        return http.connectionCount();
    }

    @Override
    public void close() {
        http.close();
        accepting.interrupt();
        networks.close();
    }
}
