package flannel.daemon;

import flannel.log.Log;
import flannel.server.HealthServer;
import flannel.status.History;
import flannel.status.Memory;
import flannel.status.NetworkStatus;
import flannel.status.Status;
import flannel.status.StatusSocket;
import flannel.status.StatusSource;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** How people and programs see the daemon: takes its status on demand, and serves it. */
final class Views {

    private final String version;
    private final Supplier<List<Inquiry>> networks;
    private final Log log;
    private final StatusSource source = new StatusSource(this::status);
    /** Null when the peers are not probed. */
    private final PeerProbe probe;
    private final long startNanos = System.nanoTime();

    /**
     * @param networks   those that there are at the moment of the question
     * @param probeEvery how often the peers are probed; zero for never
     */
    Views(String version, Supplier<List<Inquiry>> networks, Duration probeEvery, Log log) {
        this.version = version;
        this.networks = networks;
        this.log = log;
        probe = probeEvery.isZero() ? null : new PeerProbe(this::answers, probeEvery, log);
    }

    /** What the sessions tell. Takes a second when a session is stuck, else next to nothing. */
    private List<NetworkStatus> answers() {
        List<NetworkStatus> answers = new ArrayList<>();
        try {
            for (Inquiry.Awaited answer : networks.get().stream().map(Inquiry::ask).toList()) {
                answers.add(answer.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody waits for the answer any more
        }
        return answers;
    }

    private Status status() {
        List<NetworkStatus> answers = answers();
        return new Status(new Status.Daemon(version, ProcessHandle.current().pid(), Duration.ofNanos(System.nanoTime() - startNanos), Instant.now()),
                Memory.now(), probe == null ? answers : answers.stream().map(probe::seen).toList(),
                log.last().stream().map(line -> new Status.Event(line.when(), line.severity().name(), line.text())).toList());
    }

    /** Serves it, beside the caller's thread, at a socket and, unless that is null, over HTTP. What can't be had is said, and done without. */
    void serve(Path socket, InetSocketAddress health) {
        Thread.ofVirtual().name("status-socket").start(() -> {
            try {
                StatusSocket.open(socket, source, log).run();
            } catch (IOException e) {
                log.warning("flanneld status will not be answered: " + e.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        if (probe != null) {
            Thread.ofPlatform().name("probe").daemon().start(() -> {
                try {
                    probe.run();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
        }
        if (health != null) {
            History history = new History();
            Thread.ofVirtual().name("history").start(new Sampler(source, history, log));
            Thread.ofVirtual().name("health").start(() -> {
                try {
                    HealthServer.open(health, source, history, log).run();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                } catch (IOException e) {
                    log.error("health and metrics can't be served at " + health.getHostString() + ":" + health.getPort() + ": " + e.getMessage()
                            + "; see -healthz-ip and -healthz-port");
                }
            });
        }
    }
}
