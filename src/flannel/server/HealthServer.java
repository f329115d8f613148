package flannel.server;

import flannel.log.Log;
import flannel.status.History;
import flannel.status.Metrics;
import flannel.status.NetworkStatus;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Phase;
import flannel.status.Page;
import flannel.status.Status;
import flannel.status.StatusSource;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

/**
 * What programs ask for: whether the daemon lives ({@code /healthz}), whether this host's containers have a network ({@code /readyz}), and
 * its numbers ({@code /metrics}, in the text format of Prometheus or of OpenMetrics); and what people look at ({@code /}). Nothing can be changed
 * through it, and no page of elsewhere can read it in somebody's browser, see {@link OwnNames}.
 */
public final class HealthServer implements AutoCloseable {

    /** A probe or two, a Prometheus or two, and somebody with a browser. */
    private static final Limits LIMITS = new Limits(16, 16 << 10, 4 << 10, Duration.ofSeconds(30), Duration.ofSeconds(5),
            Duration.ofSeconds(10), Duration.ofSeconds(10));

    private static final int OK = 200;
    private static final int MISDIRECTED = 421;
    private static final int UNAVAILABLE = 503;

    private final StatusSource source;
    private final History history;
    private final InetSocketAddress address;
    private final HttpListener http;

    private HealthServer(ServerSocketChannel channel, StatusSource source, History history, Log log) throws IOException {
        this.source = source;
        this.history = history;
        address = (InetSocketAddress) channel.getLocalAddress();
        http = new HttpListener(channel, null, false, LIMITS, this::answer, log);
    }

    /**
     * Opens the listening socket.
     *
     * @param history of the last hour, which somebody else keeps
     * @throws IOException when the address can't be had
     */
    public static HealthServer open(InetSocketAddress address, StatusSource source, History history, Log log) throws IOException {
        ServerSocketChannel channel = ServerSocketChannel.open();
        try {
            channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            return new HealthServer(channel.bind(address), source, history, log);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /** Answers until it is closed. */
    public void run() throws InterruptedException {
        http.run();
    }

    /** Where it listens. */
    InetSocketAddress address() {
        return address;
    }

    @Override
    public void close() {
        http.close();
    }

    private Answer answer(Request request) {
        if (!OwnNames.include(request.host())) {
            return Answer.text(MISDIRECTED, OwnNames.refusal(request.host()));
        }
        if (!request.method().equals("GET") && !request.method().equals("HEAD")) {
            return Answer.notAllowed("GET, HEAD", "nothing can be changed here\n");
        }
        return (switch (request.path()) {
            case "/" -> source.see(status -> page(status, history));
            case "/healthz" -> source.see(HealthServer::healthz);
            case "/readyz" -> source.see(HealthServer::readyz);
            case "/metrics" -> source.see(status -> metrics(status, request.accept()));
            default -> Answer.text(404, "not found\n");
        }).with("X-Content-Type-Options: nosniff");
    }

    /** Whoever restarts the daemon by this must not do so because the store is away: a restart mends only what hangs. */
    private static Answer healthz(Status status) {
        return answer("flanneld is running", status.networks().stream().filter(NetworkStatus.Stuck.class::isInstance)
                .flatMap(network -> network.troubles().stream()).toList());
    }

    private static Answer readyz(Status status) {
        return answer("flanneld is ready", status.networks().stream()
                .filter(network -> !(network instanceof Known known && known.phase() == Phase.ACTIVE))
                .flatMap(network -> network.troubles().stream()).toList());
    }

    /** The words of the Go flanneld when all is well, the reasons when it is not. */
    private static Answer answer(String well, List<String> troubles) {
        return troubles.isEmpty() ? Answer.text(OK, well) : Answer.text(UNAVAILABLE, String.join("\n", troubles) + "\n");
    }

    private static Answer page(Status status, History history) {
        return new Answer(OK, "text/html; charset=utf-8", Page.render(status, history).getBytes(StandardCharsets.ISO_8859_1),
                List.of("Content-Security-Policy: " + Page.policy(), "Referrer-Policy: no-referrer"));
    }

    private static Answer metrics(Status status, String accept) {
        boolean open = accept.contains("application/openmetrics-text");
        return new Answer(OK, open ? "application/openmetrics-text; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8",
                Metrics.render(status, open ? Metrics.Format.OPENMETRICS : Metrics.Format.PROMETHEUS).getBytes(StandardCharsets.UTF_8));
    }
}
