package flannel.kernel;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.Collection;
import java.util.Set;

/**
 * Everything that one network wants in the kernel.
 *
 * @param network        the overlay's whole range: routes of ours lie within it
 * @param subnetLength   prefix length of the hosts' subnets
 * @param underlay       name of the interface that leads to the other hosts
 * @param link           the network's own device; null when it has none (host-gw, alloc)
 * @param entries        addresses, routes, neighbours and FDB entries
 * @param formerGateways hosts whose routes a Go flanneld may have left here: it tags them with nothing of its own, so the evidence is that
 *                       the gateway holds a lease. Heeded by the first comparison only; empty for none
 */
public record DesiredState(Ipv4Subnet network, int subnetLength, String underlay, Link link, Collection<KernelEntry> entries,
        Set<Ipv4> formerGateways) {
}
