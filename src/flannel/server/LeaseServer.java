package flannel.server;

import flannel.lease.ServedCatalog;
import flannel.log.Log;
import flannel.tls.Tls;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/** The server mode: a store, one watch of each network in it, and the HTTP API for the hosts that have no way to the store themselves. */
public final class LeaseServer implements AutoCloseable {

    private static final Duration POLL = Duration.ofSeconds(60);

    private final ServedNetworks networks;
    private final HttpListener http;
    private final Log log;
    private final String address;
    private final Consumer<String> told;

    /**
     * Opens the listening socket.
     *
     * @param tls         of {@code -remote-cafile}, {@code -remote-certfile}, {@code -remote-keyfile}; with a CA clients need some too
     * @param environment of this process
     * @param told        told how it is, for people, whenever that may have changed
     * @param fatal       told when a thread has died
     * @throws IOException              with a sentence, when it can't listen
     * @throws IllegalArgumentException with a sentence, when the certificates can't be used
     */
    public static LeaseServer open(ListenAddress address, Tls.Options tls, Map<String, String> environment, ServedCatalog catalog,
            Consumer<String> told, Consumer<Throwable> fatal, Log log) throws IOException {
        if (!tls.isEmpty() && tls.keyfile().isEmpty()) {
            throw new IllegalArgumentException("a server with -" + tls.family() + "-cafile needs -" + tls.family() + "-certfile and -"
                    + tls.family() + "-keyfile too");
        }
        Tls certificates = Tls.read(tls, log);
        ServerSocketChannel channel = address.open(environment);
        int port = channel.getLocalAddress() instanceof InetSocketAddress bound ? bound.getPort() : 0;
        String name = (address.host().isEmpty() ? "port " : address.host() + " port ") + port;
        return new LeaseServer(name, channel, certificates, !tls.cafile().isEmpty(), catalog, told, fatal, log);
    }

    private LeaseServer(String address, ServerSocketChannel channel, Tls tls, boolean clientCertificates, ServedCatalog catalog,
            Consumer<String> told, Consumer<Throwable> fatal, Log log) {
        RandomGenerator random = RandomGenerator.getDefault();
        this.address = address;
        this.told = told;
        this.log = log;
        networks = new ServedNetworks(catalog, "r" + HexFormat.of().toHexDigits(random.nextInt()), POLL, random, log, this::tell, fatal);
        http = new HttpListener(channel, tls, clientCertificates, Limits.DEFAULT, new ServerApi(networks, log), log);
    }

    private void tell() {
        told.accept("serving leases on " + address + networks.state());
    }

    /** Serves until it is closed. */
    public void run() throws InterruptedException {
        log.info("Serving leases on " + address);
        networks.follow();
        tell();
        http.run();
    }

    @Override
    public void close() {
        http.close();
        networks.close();
    }
}
