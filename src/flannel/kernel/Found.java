package flannel.kernel;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;

/** Something that is in the kernel, as the kernel tells it: devices are known by their index. */
public sealed interface Found {

    /** Index of the device that it is or belongs to; 0 for none. */
    int index();

    /**
     * A network device.
     *
     * @param mac   null when it has none of six octets
     * @param kind  "vxlan", "veth" and the like; empty for hardware
     * @param vxlan null unless the kind is vxlan
     */
    record Link(int index, String name, boolean up, boolean loopback, int mtu, int queueLength, MacAddress mac, String kind, Vxlan vxlan)
            implements Found {
    }

    /**
     * The settings of a VXLAN device.
     *
     * @param local    null when it has no (IPv4) source address of its own
     * @param underlay index of the device that the outer packets leave by, 0 for none
     * @param plain    false when it has a default destination or takes its metadata from routes
     */
    record Vxlan(int vni, int port, Ipv4 local, int underlay, boolean learning, boolean gbp, boolean plain) {
    }

    record Address(int index, Ipv4 address, int prefixLength) implements Found {
    }

    /**
     * An IPv4 route of the main table.
     *
     * @param gateway null for none
     * @param index   0 for one that leads to no device, or to several
     * @param plain   true for a unicast route with one IPv4 next hop at most, and no source address, metrics (MTU) or encapsulation of its own
     */
    record Route(int index, Ipv4Subnet destination, Ipv4 gateway, boolean onlink, int protocol, int scope, int metric, boolean plain)
            implements Found {

        // what is found or declared is sought by the thousands, and a record's own looks at all of it
        @Override
        public int hashCode() {
            return destination.hashCode();
        }

        Route withScope(int other) {
            return new Route(index, destination, gateway, onlink, protocol, other, metric, plain);
        }
    }

    /**
     * An ARP entry.
     *
     * @param mac   null when it is not resolved
     * @param state bits NUD_ of linux/neighbour.h
     */
    record Neighbour(int index, Ipv4 address, MacAddress mac, int state) implements Found {

        @Override
        public int hashCode() {
            return address.hashCode();
        }
    }

    /**
     * An entry of a device's own forwarding database.
     *
     * @param vtep  null when the destination is none, or has a port, a VNI or a device of its own
     * @param state bits NUD_ of linux/neighbour.h
     */
    record Fdb(int index, MacAddress mac, Ipv4 vtep, int state) implements Found {

        @Override
        public int hashCode() {
            return mac.hashCode();
        }
    }
}
