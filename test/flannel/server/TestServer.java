package flannel.server;

import flannel.lease.ServedStore;
import flannel.log.Log;
import flannel.tls.Tls;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.Random;

/** A server in this process, on a port of loopback, in front of a store in memory. */
public final class TestServer implements AutoCloseable {

    private final HttpListener http;
    private final ServerSocketChannel channel;
    private final Thread accepting;
    private final Thread following;

    /** @param poll how long a client waits for news at least */
    public TestServer(int port, Tls tls, Duration poll, ServedStore store, Log log) throws IOException {
        this(port, tls, poll, Limits.DEFAULT, store, log);
    }

    TestServer(int port, Tls tls, Duration poll, Limits limits, ServedStore store, Log log) throws IOException {
        channel = ServerSocketChannel.open();
        channel.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1024);
        Feed feed = new Feed("t" + Integer.toHexString(System.identityHashCode(this)) + "g");
        http = new HttpListener(channel, tls, tls != null, limits, new LeaseApi(store, feed, poll, new Random(1), log), log);
        accepting = start(http::run);
        following = start(() -> store.follow(feed::told));
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
        following.interrupt();
    }
}
