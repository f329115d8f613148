package flannel.cli;

import flannel.daemon.Release;
import flannel.daemon.Settings;
import flannel.lease.ServedCatalog;
import flannel.log.Log;
import flannel.status.RunningDaemon;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@code flanneld release}: gives this host's leases back. Ends with 0 when it has none any more, with 1 and a sentence when that can't be done, or a
 * daemon runs, which would take them again.
 */
final class ReleaseCommand {

    private final PrintStream stdout;
    private final PrintStream stderr;
    private final Map<String, String> environment;
    private final Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);

    ReleaseCommand(PrintStream stdout, PrintStream stderr, Map<String, String> environment) {
        this.stdout = stdout;
        this.stderr = stderr;
        this.environment = environment;
    }

    int run(Options options, Settings settings) throws InterruptedException {
        if (settings.kube().isWanted()) {
            stdout.println("with -kube-subnet-mgr this host's subnet is its node's podCIDR, which only Kubernetes gives and takes: there is nothing to release");
            return Command.OK;
        }
        Optional<String> running = RunningDaemon.find(Path.of(options.text("socket")));
        if (running.isPresent()) {
            stderr.println(running.get() + " and holds the lease: stop it first (systemctl stop flanneld; with -release-lease-on-exit that is all)");
            return Command.FAILED;
        }
        try {
            boolean none = true;
            for (String network : Release.networks(settings)) {
                List<String> outcomes = release(options, settings, network);
                outcomes.forEach(outcome -> stdout.println((network.isEmpty() ? "" : network + ": ") + outcome));
                none &= outcomes.isEmpty();
            }
            if (none) {
                stdout.println("this host has no lease");
            }
            return Command.OK;
        } catch (IllegalArgumentException e) {
            stderr.println(e.getMessage());
            return Command.WRONG;
        } catch (IOException e) {
            stderr.println(e.getMessage());
            return Command.FAILED;
        }
    }

    private List<String> release(Options options, Settings settings, String network) throws IOException, InterruptedException {
        try (ServedCatalog catalog = Connections.open(options, environment, log)) {
            return Release.run(settings, network, catalog.network(network));
        }
    }
}
