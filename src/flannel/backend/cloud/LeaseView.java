package flannel.backend.cloud;

import flannel.net.Ipv4Subnet;
import java.util.Set;

/**
 * What this host knows of its network's leases.
 *
 * @param own    its own subnet
 * @param others those of the other hosts
 */
public record LeaseView(Ipv4Subnet own, Set<Ipv4Subnet> others) {
}
