package flannel.daemon;

import flannel.backend.UnusablePeerException;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;

/** Whether a lease can be another host's: whoever can write to the store must not get a route to anywhere but the overlay, nor packets sent in circles. */
final class Plausibility {

    private Plausibility() {
    }

    /**
     * Looks at it.
     *
     * @param network the overlay's whole range
     * @param own     this host's subnet
     * @throws UnusablePeerException with a sentence when it can't be one
     */
    static void check(Lease lease, Ipv4Subnet network, Underlay underlay, Ipv4Subnet own) throws UnusablePeerException {
        Ipv4 host = lease.attributes().publicIp();
        if (!network.contains(lease.subnet()) || lease.subnet().prefixLength() <= network.prefixLength()) {
            throw ignoring(lease, "it is not a part of " + network);
        }
        if (lease.subnet().overlaps(own)) {
            throw ignoring(lease, "it overlaps this host's " + own);
        }
        if (host.equals(underlay.address())) {
            throw ignoring(lease, "that is this host's own address");
        }
        boolean broadcast = underlay.onLink().prefixLength() < 31
                && (host.equals(underlay.onLink().last()) || host.equals(underlay.onLink().base()));
        if (network.contains(host) || broadcast || !host.isUnicast()) {
            throw ignoring(lease, "that can't be the address of a host of this network");
        }
    }

    private static UnusablePeerException ignoring(Lease lease, String why) {
        return new UnusablePeerException("Ignoring subnet " + lease.subnet() + " of " + lease.attributes().publicIp() + ": " + why);
    }
}
