package flannel.check;

import flannel.etcd.EtcdOptions;
import flannel.kernel.Underlays;
import flannel.net.Ipv4;
import java.nio.file.Path;

/**
 * How the daemon of this host is set up, from the service's settings.
 *
 * @param etcd      null when the leases are not in etcd: then the running daemon's word is taken for the store
 * @param underlay  which interface leads to the other hosts
 * @param publicIp  null for the interface's own
 * @param forward   whether the daemon has rules of its own in FORWARD
 * @param socket    at which the daemon tells its status
 */
public record Setup(EtcdOptions etcd, Underlays.Selection underlay, Ipv4 publicIp, boolean forward, Path subnetFile, Path stateDirectory,
        Path socket) {
}
