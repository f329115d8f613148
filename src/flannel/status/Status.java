package flannel.status;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * What a daemon knows of itself at one moment: a value, of which {@code flanneld status}, health and metrics are views.
 *
 * @param events the log's last lines, the latest last
 */
public record Status(Daemon daemon, Memory memory, List<NetworkStatus> networks, List<Event> events) {

    /**
     * The process.
     *
     * @param uptime by the clock that nobody sets
     * @param now    when this was taken, by the wall clock
     */
    public record Daemon(String version, long pid, Duration uptime, Instant now) {
    }

    /** @param severity INFO, WARNING or ERROR */
    public record Event(Instant when, String severity, String text) {
    }

    /** What needs a person, in sentences; empty when everything is as it should be. */
    public List<String> troubles() {
        List<String> all = new ArrayList<>();
        for (NetworkStatus network : networks) {
            String of = network.name().isEmpty() ? "" : "network " + network.name() + ": ";
            network.troubles().forEach(trouble -> all.add(of + trouble));
        }
        return all;
    }

    public boolean isHealthy() {
        return troubles().isEmpty();
    }
}
