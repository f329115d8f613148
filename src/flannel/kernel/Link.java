package flannel.kernel;

import flannel.net.Ipv4;
import flannel.net.MacAddress;

/** The network device that a backend needs, as it should be. Up in any case. */
public sealed interface Link {

    String name();

    /** In bytes. */
    int mtu();

    /**
     * A VXLAN tunnel end point (RFC 7348). Made, or adopted when a device of that name agrees in all but address and MTU; one that does
     * not agree is made anew, but for another underlay or local address, which are changed in place where the kernel can.
     *
     * @param vni       VXLAN network identifier, 24 bits
     * @param port      UDP port of the tunnel, at both ends
     * @param local     outer source address
     * @param underlay  name of the interface that the outer packets leave by
     * @param address   MAC for a new device; an adopted one keeps its own (its peers know it)
     * @param learning  whether the kernel learns addresses from what arrives
     * @param gbp       whether the group-based-policy extension is on
     * @param checksums whether checksums are left to the device
     */
    record Vxlan(String name, int mtu, int vni, int port, Ipv4 local, String underlay, MacAddress address, boolean learning, boolean gbp,
            ChecksumOffload checksums) implements Link {

        /** With checksums as they are. */
        public Vxlan(String name, int mtu, int vni, int port, Ipv4 local, String underlay, MacAddress address, boolean learning, boolean gbp) {
            this(name, mtu, vni, port, local, underlay, address, learning, gbp, ChecksumOffload.LEAVE);
        }

        public Vxlan withChecksums(ChecksumOffload other) {
            return new Vxlan(name, mtu, vni, port, local, underlay, address, learning, gbp, other);
        }
    }

    /**
     * A TUN device that a data path of ours holds open: never made or deleted here, only brought up with its MTU.
     *
     * @param queueLength packets that may wait for the data path (txqueuelen)
     */
    record Tun(String name, int mtu, int queueLength) implements Link {
    }
}
