package flannel.kernel;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;

/** One entry of a kernel table, as it should be. Values: equal entries are the same entry. */
public sealed interface KernelEntry {

    /** Name of the device that the entry belongs to. */
    String device();

    /** What kind of entry it is, as {@link Reconciler.Comparison} names them. */
    default String kind() {
        return switch (this) {
            case Address address -> "address";
            case Route route -> "route";
            case Unreachable unreachable -> "route";
            case Neighbour neighbour -> "neighbour";
            case Fdb fdb -> "fdb";
        };
    }

    /** An address of a device. */
    record Address(String device, Ipv4 address, int prefixLength) implements KernelEntry {
    }

    /**
     * A unicast route of the main table.
     *
     * @param gateway next hop; null when the destination is on the device's own link
     * @param onlink  whether the gateway counts as reachable on the device whatever its addresses say
     */
    record Route(Ipv4Subnet destination, Ipv4 gateway, String device, boolean onlink) implements KernelEntry {
    }

    /**
     * A route of the main table for a network's whole range, whose metric is so high that any other counts: whoever sends to a part that no host holds
     * hears so, and nothing leaves by the default route. A network has one at most. Another owner's route to a larger range is not hidden by it: where
     * there is one, this is left out.
     */
    record Unreachable(Ipv4Subnet destination) implements KernelEntry {

        /** Of none. */
        @Override
        public String device() {
            return "";
        }
    }

    /** A permanent ARP entry. */
    record Neighbour(String device, Ipv4 address, MacAddress mac) implements KernelEntry {
    }

    /** A permanent entry of a VXLAN device's forwarding database: frames for that MAC go to that tunnel end point. */
    record Fdb(String device, MacAddress mac, Ipv4 vtep) implements KernelEntry {
    }
}
