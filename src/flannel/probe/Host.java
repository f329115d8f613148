package flannel.probe;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.List;

/**
 * A host of a network, and where its kernel answers.
 *
 * @param subnet    of its lease
 * @param addresses of its own, the likeliest to answer first; the same to send from, when the host is this one
 */
public record Host(Ipv4Subnet subnet, List<Ipv4> addresses) {

    public Host {
        addresses = List.copyOf(addresses);
    }

    /**
     * As a network's backend has it. A device of the overlay has the subnet's first address, from the start (10.1.83.0 of 10.1.83.0/24).
     * Where Docker's bridge was there before it, kernels older than Linux 5.14 take that address for the bridge's broadcast and do not
     * answer: then the bridge's own does, 10.1.83.1. A backend without a device has only the bridge's, once there is one, and until then
     * the host's.
     *
     * @param backendType as in the network's configuration
     * @param publicIp    where the other hosts reach it
     */
    public static Host of(String backendType, Ipv4Subnet subnet, Ipv4 publicIp) {
        Ipv4 device = subnet.base();
        Ipv4 bridge = device.plus(1);
        return new Host(subnet, switch (backendType) {
            case "vxlan", "udp" -> List.of(device, bridge);
            default -> List.of(bridge, publicIp);
        });
    }
}
