package flannel.cli;

import flannel.check.Checkup;
import flannel.check.Finding.Level;
import flannel.check.Setup;
import flannel.daemon.Settings;
import flannel.log.Log;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;

/** {@code flanneld check}: says what is wrong with this host's part of the overlay. Ends with 0 for nothing, 1 for warnings, 2 for a failure. */
final class CheckCommand {

    private final PrintStream stdout;

    CheckCommand(PrintStream stdout) {
        this.stdout = stdout;
    }

    /** @throws IllegalArgumentException with a sentence when the host has several networks: it looks at one */
    static Checkup checkup(Options options, Settings settings) throws InterruptedException {
        if (!settings.networks().isSingle()) {
            throw new IllegalArgumentException("this host has several networks, and a check looks at one: flanneld check -networks= -watch-networks=false"
                    + " -etcd-prefix=" + settings.etcd().folder() + "/NAME -subnet-file=" + settings.networks().directory() + "/NAME.env");
        }
        Setup setup = new Setup(settings.remote().isEmpty() && !settings.kube().isWanted() ? settings.etcd() : null, settings.underlay(), settings.publicIp(), settings.forwardRules(),
                settings.subnetFile(), settings.stateDirectory(), Path.of(options.text("socket")));
        return Checkup.of(setup, new Log(new PrintStream(OutputStream.nullOutputStream()), 0));
    }

    int run(Options options, Settings settings) throws InterruptedException {
        Checkup checkup = checkup(options, settings);
        stdout.print(options.flag("json") ? checkup.json() + "\n" : checkup.text());
        stdout.flush();
        return checkup.level() == Level.OK ? 0 : checkup.level() == Level.WARN ? 1 : 2;
    }
}
