package flannel.cli;

import flannel.etcd.EtcdOptions;
import flannel.etcd.EtcdSubnetStore;
import flannel.files.FileException;
import flannel.lease.ServedStore;
import flannel.log.Log;
import flannel.remote.RemoteOptions;
import flannel.remote.RemoteSubnetStore;
import flannel.store.SmallStore;
import flannel.tls.Tls;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** How a network's store is reached: the same options for the daemon and for the commands. */
final class Connections {

    private Connections() {
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
                options.text("etcd-certfile"), options.text("etcd-keyfile"), options.text("etcd-username"), options.text("etcd-password"), environment);
    }

    /**
     * The store that a command asks: a stopped server's own, a server, or etcd.
     *
     * @throws IllegalArgumentException with a sentence when an option can't be used
     * @throws FileException            with a sentence when the stopped server's can't be opened
     */
    static ServedStore open(Options options, Map<String, String> environment, Log log) throws FileException, InterruptedException {
        if (!options.text("store").isEmpty()) {
            return SmallStore.openStopped(Path.of(options.text("store")), log);
        }
        RemoteOptions remote = remote(options);
        return remote.isEmpty() ? EtcdSubnetStore.open(etcd(options, environment), log) : RemoteSubnetStore.open(remote, log);
    }
}
