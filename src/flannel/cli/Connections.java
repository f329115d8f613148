package flannel.cli;

import flannel.etcd.EtcdOptions;
import flannel.etcd.EtcdNetworks;
import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.lease.NetworkCatalog;
import flannel.lease.ServedCatalog;
import flannel.lease.ServedStore;
import flannel.lease.StoreException;
import flannel.log.Log;
import flannel.log.Printable;
import flannel.remote.RemoteOptions;
import flannel.remote.RemoteNetworks;
import flannel.store.SmallStore;
import flannel.tls.Tls;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** How a network's store is reached: the same options for the daemon and for the commands. */
final class Connections {

    private static final int LONGEST_SHOWN = 300;

    private Connections() {
    }

    /** What is wrong with the files that hold secrets, in sentences: whoever can read them is let in as this host is. */
    static List<String> openSecrets(Options options) {
        return Stream.of("etcd-keyfile", "etcd-password-file", "remote-keyfile", "kubeconfig-file").filter(options::isGiven)
                .filter(name -> SmallFiles.isReadByAll(SmallFiles.path(name, options.text(name))))
                .map(name -> "-" + name + " " + options.text(name) + " can be read by every user of this host: chmod o= " + options.text(name)).toList();
    }

    static RemoteOptions remote(Options options) {
        return new RemoteOptions(options.text("remote"), new Tls.Options("remote", options.text("listen").isEmpty() ? "flannel server" : "client",
                options.text("remote-cafile"), options.text("remote-certfile"), options.text("remote-keyfile")));
    }

    static EtcdOptions etcd(Options options, Map<String, String> environment) {
        return etcd(options, options.text("etcd-api"), environment);
    }

    /** @param api see {@link EtcdOptions#api} */
    static EtcdOptions etcd(Options options, String api, Map<String, String> environment) {
        return new EtcdOptions(List.of(options.text("etcd-endpoints").split(",")), options.text("etcd-prefix"), api, options.text("etcd-cafile"),
                options.text("etcd-certfile"), options.text("etcd-keyfile"), options.text("etcd-username"), options.text("etcd-password"),
                options.text("etcd-password-file"), environment);
    }

    /**
     * The store that a command asks: a stopped server's own, a server, or etcd.
     *
     * @throws IllegalArgumentException with a sentence when an option can't be used
     * @throws FileException            with a sentence when the stopped server's can't be opened
     */
    static ServedCatalog open(Options options, Map<String, String> environment, Log log) throws FileException, InterruptedException {
        if (!options.text("store").isEmpty()) {
            return SmallStore.openStopped(Path.of(options.text("store")), log);
        }
        RemoteOptions remote = remote(options);
        return remote.isEmpty() ? EtcdNetworks.open(etcd(options, environment), log) : RemoteNetworks.open(remote, log);
    }

    /**
     * The network that a command is about; the one without a name has the empty one.
     *
     * @throws IllegalArgumentException with a sentence when it can't be a network's name
     */
    static String network(Options options) {
        String name = options.text("network");
        if (!name.isEmpty() && !NetworkCatalog.isName(name)) {
            throw new IllegalArgumentException("-network=" + Printable.line(name, LONGEST_SHOWN) + " can't be a network's name");
        }
        return name;
    }

    /** etcd, with that network's keys right below the prefix. */
    static EtcdOptions etcdOf(String network, Options options, String api, Map<String, String> environment) {
        EtcdOptions etcd = etcd(options, api, environment);
        return network.isEmpty() ? etcd : etcd.below(network);
    }

    /** That a network has no config, and which others there are, for one of them may be meant. */
    static String missing(ServedCatalog catalog, ServedStore store) throws InterruptedException {
        String others = "";
        try {
            others = String.join(", ", catalog.names());
        } catch (StoreException e) {
            // it told that the config is not there
        }
        return "there is no " + store.configPlace() + (others.isEmpty() ? "" : "; the networks there are " + Printable.line(others, LONGEST_SHOWN)
                + " (-network=NAME)");
    }
}
