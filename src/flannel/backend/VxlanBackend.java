package flannel.backend;

import flannel.json.JsonValue;
import flannel.kernel.KernelEntry;
import flannel.kernel.KernelEntry.Address;
import flannel.kernel.KernelEntry.Fdb;
import flannel.kernel.KernelEntry.Neighbour;
import flannel.kernel.KernelEntry.Route;
import flannel.kernel.Link;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.lease.NetworkConfig;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.List;

/**
 * The backend "vxlan": the kernel's VXLAN device does the encapsulation. Each peer's subnet is reached in three steps, all of them static, so
 * that packets flow without this daemon:
 *
 * <pre>
 *   route       10.1.88.0/24 via 10.1.88.0 dev flannel.1 onlink     which next hop
 *   neighbour   10.1.88.0    is 6a:c2:56:ce:ab:ac                   which MAC the next hop has
 *   FDB         6a:c2:56:ce:ab:ac at 192.168.32.212                 which host has that MAC
 * </pre>
 *
 * The Go daemon 0.7.1 resolves per container address instead, asking itself by ARP; on the wire both are the same.
 */
public final class VxlanBackend implements Backend {

    /** Outer IPv4, UDP and VXLAN headers and the inner Ethernet header: 20 + 8 + 8 + 14 bytes (RFC 7348). */
    private static final int OVERHEAD_BYTES = 50;

    /** What IPv4 can do with (RFC 791). */
    private static final int LEAST_MTU = 68;

    /** IFNAMSIZ - 1, linux/if.h. */
    private static final int LONGEST_NAME = 15;

    /** The kernel's default, from before IANA assigned 4789. */
    private static final int DEFAULT_PORT = 8472;

    private static final String TYPE = "vxlan";

    private final Underlay underlay;
    private final Link.Vxlan link;
    private final boolean directRouting;

    /**
     * Reads the backend's part of the configuration.
     *
     * @param link          the device as configured
     * @param directRouting whether peers on the underlay's own link are reached by a plain route
     */
    public VxlanBackend(Underlay underlay, Link.Vxlan link, boolean directRouting) {
        this.underlay = underlay;
        this.link = link;
        this.directRouting = directRouting;
    }

    /**
     * The device that a configuration asks for.
     *
     * @param address MAC to give it if it has to be made
     * @throws IllegalArgumentException with one sentence when a member of Backend is wrong
     */
    public static Link.Vxlan link(NetworkConfig config, Underlay underlay, MacAddress address) {
        int vni = config.backendInteger("VNI", 1, 0, (1 << 24) - 1);
        int port = config.backendInteger("Port", 0, 0, 65535);
        int configured = config.backendInteger("MTU", 0, 0, 65535);
        int mtu = (configured == 0 ? underlay.mtu() : configured) - OVERHEAD_BYTES;
        if (mtu < LEAST_MTU) {
            throw new IllegalArgumentException("an MTU of " + (mtu + OVERHEAD_BYTES) + " is too small for vxlan, which takes "
                    + OVERHEAD_BYTES + " bytes of it and has to leave " + LEAST_MTU);
        }
        String name = "flannel." + vni;
        if (name.length() > LONGEST_NAME) {
            throw new IllegalArgumentException("a VNI of " + vni + " is too long for the device's name, " + name + ": Linux allows "
                    + LONGEST_NAME + " characters, so up to 9999999");
        }
        return new Link.Vxlan(name, mtu, vni, port == 0 ? DEFAULT_PORT : port,
                underlay.address(), underlay.name(), address, config.backendFlag("Learning", false), config.backendFlag("GBP", false));
    }

    /** True when the configuration asks for plain routes between hosts of one link. */
    public static boolean directRouting(NetworkConfig config) {
        return config.backendFlag("DirectRouting", false);
    }

    @Override
    public String leaseType() {
        return TYPE;
    }

    @Override
    public JsonValue leaseData() {
        return JsonValue.object("VtepMAC", link.address().toString());
    }

    @Override
    public int mtu() {
        return link.mtu();
    }

    @Override
    public Link link() {
        return link;
    }

    @Override
    public List<KernelEntry> local(Ipv4Subnet own) {
        return List.of(new Address(link.name(), own.base(), 32));
    }

    @Override
    public List<KernelEntry> towards(Lease peer) throws UnusablePeerException {
        UnusablePeerException.unlessOfType(TYPE, peer);
        Ipv4 publicIp = peer.attributes().publicIp();
        if (directRouting && underlay.onLink().contains(publicIp)) {
            return List.of(new Route(peer.subnet(), publicIp, underlay.name(), false));
        }
        MacAddress mac = vtepMac(peer);
        Ipv4 nextHop = peer.subnet().base();
        return List.of(new Neighbour(link.name(), nextHop, mac),
                new Fdb(link.name(), mac, publicIp),
                new Route(peer.subnet(), nextHop, link.name(), true));
    }

    /** @throws UnusablePeerException when the lease names no device's address, so that nothing can be sent there */
    public static MacAddress vtepMac(Lease peer) throws UnusablePeerException {
        String ignoring = "Ignoring subnet " + peer.subnet() + " of " + peer.attributes().publicIp() + ": its VtepMAC ";
        MacAddress mac;
        try {
            mac = MacAddress.parse(peer.attributes().backendText("VtepMAC"));
        } catch (IllegalArgumentException e) {
            throw new UnusablePeerException(ignoring + e.getMessage());
        }
        if (!mac.isUnicast()) {
            throw new UnusablePeerException(ignoring + mac + " is no single device's address");
        }
        return mac;
    }
}
