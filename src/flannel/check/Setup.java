package flannel.check;

import flannel.etcd.EtcdOptions;
import flannel.kernel.ChecksumOffload;
import flannel.kernel.Underlays;
import flannel.net.Ipv4;
import java.nio.file.Path;
import java.time.Duration;

/**
 * How a network of this host's daemon is set up, from the service's settings.
 *
 * @param network   its name; empty for the only one
 * @param etcd      null when the leases are not in etcd: then the running daemon's word is taken for the store
 * @param underlay  which interface leads to the other hosts
 * @param publicIp  null for the interface's own
 * @param forward   whether the daemon has rules of its own in FORWARD
 * @param unreachable whether the daemon has a route for what no host holds
 * @param checksums of a VXLAN device
 * @param margin    before its end in which a lease is renewed
 * @param socket    at which the daemon tells its status
 */
public record Setup(String network, EtcdOptions etcd, Underlays.Selection underlay, Ipv4 publicIp, boolean forward, boolean unreachable,
        ChecksumOffload checksums, Duration margin, Path subnetFile, Path stateDirectory, Path socket) {
}
