package flannel.server;

import flannel.lease.ServedStore;
import flannel.lease.StoreEvent;
import flannel.log.Log;
import flannel.tls.Tls;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.util.HexFormat;
import java.util.Map;
import java.util.random.RandomGenerator;

/** The server mode: a store, one watch of it, and the HTTP API for the hosts that have no way to the store themselves. */
public final class LeaseServer implements AutoCloseable {

    private final Feed feed;
    private final HttpListener http;
    private final Log log;
    private final String address;

    /**
     * Opens the listening socket.
     *
     * @param tls         of {@code -remote-cafile}, {@code -remote-certfile}, {@code -remote-keyfile}; with a CA clients need some too
     * @param environment of this process
     * @throws IOException              with a sentence, when it can't listen
     * @throws IllegalArgumentException with a sentence, when the certificates can't be used
     */
    public static LeaseServer open(ListenAddress address, Tls.Options tls, Map<String, String> environment, ServedStore store, Log log)
            throws IOException {
        if (!tls.isEmpty() && tls.keyfile().isEmpty()) {
            throw new IllegalArgumentException("a server with -" + tls.family() + "-cafile needs -" + tls.family() + "-certfile and -"
                    + tls.family() + "-keyfile too");
        }
        Tls certificates = Tls.read(tls, log);
        ServerSocketChannel channel = address.open(environment);
        int port = channel.getLocalAddress() instanceof InetSocketAddress bound ? bound.getPort() : 0;
        String name = (address.host().isEmpty() ? "port " : address.host() + " port ") + port;
        return new LeaseServer(name, channel, certificates, !tls.cafile().isEmpty(), store, log);
    }

    private LeaseServer(String address, ServerSocketChannel channel, Tls tls, boolean clientCertificates, ServedStore store, Log log) {
        RandomGenerator random = RandomGenerator.getDefault();
        this.address = address;
        this.log = log;
        feed = new Feed("r" + HexFormat.of().toHexDigits(random.nextInt()) + "g");
        http = new HttpListener(channel, tls, clientCertificates, Limits.DEFAULT, new LeaseApi(store, feed, random, log), log);
    }

    /** To be told what the store tells. */
    public void told(StoreEvent event) {
        String before = feed.trouble();
        feed.told(event);
        String now = feed.trouble();
        if (now.isEmpty() && !before.isEmpty()) {
            log.info("The store answers");
        } else if (!now.equals(before)) {
            log.error(now + "; clients are told what was known last, and get or renew no lease meanwhile");
        }
    }

    /** How it is, for people. */
    public String state() {
        String trouble = feed.trouble();
        return "serving leases on " + address + (!trouble.isEmpty() ? " as known last: " + trouble
                : feed.config() == null ? "; there is no network config yet" : "");
    }

    /** Serves until it is closed. */
    public void run() throws InterruptedException {
        log.info("Serving leases on " + address);
        http.run();
    }

    @Override
    public void close() {
        http.close();
    }
}
