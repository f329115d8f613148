package flannel.cli;

import flannel.daemon.Cleanup;
import flannel.daemon.Settings;
import flannel.linux.Capability;
import flannel.status.RunningDaemon;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Optional;

/**
 * {@code flanneld cleanup}: takes everything that daemons have left on this host away, and says line by line what that was. Ends with 0 when nothing
 * of it is left, with 1 when something is, or a daemon runs, with 2 when it may not.
 */
final class CleanupCommand {

    private final PrintStream stdout;
    private final PrintStream stderr;

    CleanupCommand(PrintStream stdout, PrintStream stderr) {
        this.stdout = stdout;
        this.stderr = stderr;
    }

    int run(Options options, Settings settings) throws InterruptedException {
        if (!Capability.NET_ADMIN.isEffective()) {
            stderr.println("flanneld cleanup removes links, routes and firewall rules, for which it has to be root");
            return Command.WRONG;
        }
        Path socket = Path.of(options.text("socket"));
        Optional<String> running = RunningDaemon.find(socket);
        if (running.isPresent()) {
            stderr.println(running.get() + " and would put everything back: stop it first (systemctl stop flanneld)");
            return Command.FAILED;
        }
        int[] lines = new int[1];
        boolean complete = Cleanup.run(settings, socket, what -> say("removed  " + what, lines), what -> say("left     " + what, lines));
        if (lines[0] == 0) {
            stdout.println("nothing of flanneld's is on this host");
        }
        return complete ? Command.OK : Command.FAILED;
    }

    private void say(String line, int[] lines) {
        lines[0]++;
        stdout.println(line);
        stdout.flush();
    }
}
