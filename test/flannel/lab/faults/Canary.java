package flannel.lab.faults;

import flannel.lab.Await;
import flannel.lab.Host;
import flannel.lab.Store;
import flannel.status.NetworkStatus;
import flannel.status.StatusClient;
import flannel.status.StatusJson;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * A lease that is written and deleted again: a daemon that has become deaf, or can no longer write its kernel, shows it. Without it a host
 * whose peers are all as before would look healed while it hears nothing.
 */
final class Canary {

    private static final int NUMBER = 98;
    private static final String SUBNET = "10.1.200.0/24";
    private static final String KEY = "subnets/10.1.200.0-24";
    private static final int TTL_SECONDS = 3_600;

    private Canary() {
    }

    /** Waits until all hosts have followed it, to and fro. */
    static void awaitFollowed(Cluster cluster) throws Exception {
        Store store = cluster.store();
        String lease = Faults.lease(cluster.backend(), NUMBER);
        await(cluster, cluster.hosts(), true, () -> store.put(KEY, lease, TTL_SECONDS));
        await(cluster, cluster.hosts(), false, () -> store.delete(KEY));
    }

    /** Waits until these have it or have it no more. */
    static void await(Cluster cluster, List<Host> hosts, boolean there, Runnable change) throws Exception {
        Await.that("etcd takes the change of a lease", () -> {
            try {
                change.run();
                return true;
            } catch (UncheckedIOException | AssertionError e) {
                return false;                           // elections
            }
        });
        for (Host host : hosts) {
            Await.that(host.address() + (there ? " follows a new lease" : " follows the end of a lease"),
                    () -> has(cluster, host) == there);
        }
    }

    /** By its kernel; by what it knows where that has one route for all. */
    private static boolean has(Cluster cluster, Host host) throws Exception {
        if (!cluster.backend().equals("udp")) {
            return !host.run("ip", "route", "show", SUBNET).isEmpty();
        }
        return StatusJson.read(StatusClient.ask(host.file("/run/flannel/flanneld.sock"))).networks().stream()
                .anyMatch(network -> network instanceof NetworkStatus.Known known
                        && known.peers().stream().anyMatch(peer -> peer.subnet().equals(SUBNET)));
    }

    static String key() {
        return KEY;
    }

    static String lease(Cluster cluster) {
        return Faults.lease(cluster.backend(), NUMBER);
    }
}
