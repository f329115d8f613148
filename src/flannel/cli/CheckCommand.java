package flannel.cli;

import flannel.check.Checkup;
import flannel.check.Finding.Level;
import flannel.check.Setup;
import flannel.daemon.Settings;
import flannel.etcd.EtcdNetworks;
import flannel.etcd.EtcdOptions;
import flannel.lease.NetworkCatalog;
import flannel.lease.ServedCatalog;
import flannel.lease.StoreException;
import flannel.log.Log;
import flannel.remote.RemoteNetworks;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** {@code flanneld check}: says what is wrong with this host's part of the overlay. Ends with 0 for nothing, 1 for warnings, 2 for a failure. */
final class CheckCommand {

    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private final PrintStream stdout;

    CheckCommand(PrintStream stdout) {
        this.stdout = stdout;
    }

    /** @throws IllegalArgumentException with a sentence when it can't be told which networks the host has */
    static Checkup checkup(Options options, Settings settings) throws InterruptedException {
        Log silent = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);
        EtcdOptions etcd = settings.remote().isEmpty() && !settings.kube().isWanted() ? settings.etcd() : null;
        Path socket = Path.of(options.text("socket"));
        List<Setup> setups = new ArrayList<>();
        if (settings.networks().isSingle()) {
            setups.add(setup("", etcd, settings.subnetFile(), settings, socket));
        } else {
            for (String name : networks(settings, etcd, silent)) {
                setups.add(setup(name, etcd == null ? null : etcd.of(name), settings.networks().directory().resolve(name + ".env"),
                        settings, socket));
            }
        }
        return Checkup.of(setups, silent);
    }

    int run(Options options, Settings settings) throws InterruptedException {
        Checkup checkup = checkup(options, settings);
        stdout.print(options.flag("json") ? checkup.json() + "\n" : checkup.text());
        stdout.flush();
        return checkup.level() == Level.OK ? 0 : checkup.level() == Level.WARN ? 1 : 2;
    }

    private static List<String> networks(Settings settings, EtcdOptions etcd, Log log) throws InterruptedException {
        if (!settings.networks().names().isEmpty()) {
            return settings.networks().names();
        }
        List<String> there = List.of();
        try (ServedCatalog catalog = etcd == null ? RemoteNetworks.open(settings.remote(), log) : EtcdNetworks.open(etcd, log)) {
            there = catalog.names(PATIENCE).stream().filter(NetworkCatalog::isName).toList();
        } catch (StoreException e) {
            // as if there were none
        }
        if (there.isEmpty()) {
            throw new IllegalArgumentException("the store tells of no networks" + (etcd == null ? "" : ", by keys " + etcd.folder() + "/NAME/config")
                    + ", or does not answer; flanneld check -watch-networks=false -networks=NAME looks at one");
        }
        return there;
    }

    private static Setup setup(String name, EtcdOptions etcd, Path subnetFile, Settings settings, Path socket) {
        return new Setup(name, etcd, settings.underlay(), settings.publicIp(), settings.forwardRules(), settings.unreachable(),
                settings.vxlanChecksums(), settings.renewMargin(), subnetFile, settings.stateDirectory(), socket);
    }
}
