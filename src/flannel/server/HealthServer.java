package flannel.server;

import flannel.server.ViewListener.Answer;
import flannel.status.Metrics;
import flannel.status.NetworkStatus;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Phase;
import flannel.status.Status;
import flannel.status.StatusSource;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;

/**
 * What programs ask for: whether the daemon lives ({@code /healthz}), whether this host's containers have a network ({@code /readyz}), and
 * its numbers ({@code /metrics}, in the text format of Prometheus or of OpenMetrics). Nothing can be changed through it.
 */
public final class HealthServer {

    private static final int OK = 200;
    private static final int UNAVAILABLE = 503;

    private HealthServer() {
    }

    public static ViewListener open(InetSocketAddress address, StatusSource source) throws IOException {
        return ViewListener.open(address, Map.of(
                "/healthz", accept -> source.see(HealthServer::healthz),
                "/readyz", accept -> source.see(HealthServer::readyz),
                "/metrics", accept -> source.see(status -> metrics(status, accept))));
    }

    /** Whoever restarts the daemon by this must not do so because the store is away: a restart mends only what hangs. */
    static Answer healthz(Status status) {
        return answer("flanneld is running", status.networks().stream().filter(NetworkStatus.Stuck.class::isInstance)
                .flatMap(network -> network.troubles().stream()).toList());
    }

    static Answer readyz(Status status) {
        return answer("flanneld is ready", status.networks().stream()
                .filter(network -> !(network instanceof Known known && known.phase() == Phase.ACTIVE))
                .flatMap(network -> network.troubles().stream()).toList());
    }

    /** The words of the Go flanneld when all is well, the reasons when it is not. */
    private static Answer answer(String well, List<String> troubles) {
        return troubles.isEmpty() ? Answer.text(OK, well) : Answer.text(UNAVAILABLE, String.join("\n", troubles) + "\n");
    }

    private static Answer metrics(Status status, String accept) {
        boolean open = accept.contains("application/openmetrics-text");
        return new Answer(OK, open ? "application/openmetrics-text; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8",
                Metrics.render(status, open ? Metrics.Format.OPENMETRICS : Metrics.Format.PROMETHEUS));
    }
}
