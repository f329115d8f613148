package flannel.backend.udp;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Which host an overlay address lives at, which hosts there are, and which addresses are this host's. Immutable. A look-up is one probe
 * of a hash table for each prefix length in use, longest first: one, as a rule, for all hosts' subnets are of one length.
 */
final class ForwardingTable {

    /** Before anything is known. Nothing is sent to 0.0.0.0. */
    static final ForwardingTable EMPTY = new ForwardingTable(new Ipv4Subnet(new Ipv4(-1), 32), new Ipv4Subnet(new Ipv4(0), 32), Map.of());

    private final int networkBase;
    private final int networkMask;
    private final int ownBase;
    private final int ownMask;
    private final int[] masks;
    private final IntTable[] hosts;
    private final IntTable peers;

    /**
     * @param own    this host's subnet
     * @param routes each peer's subnet, and where that peer is reached
     */
    ForwardingTable(Ipv4Subnet network, Ipv4Subnet own, Map<Ipv4Subnet, Ipv4> routes) {
        networkBase = network.base().bits();
        networkMask = network.mask();
        ownBase = own.base().bits();
        ownMask = own.mask();
        int[] lengths = routes.keySet().stream().flatMapToInt(subnet -> IntStream.of(-subnet.prefixLength())).distinct().sorted().toArray();
        masks = new int[lengths.length];
        hosts = new IntTable[lengths.length];
        for (int i = 0; i < lengths.length; i++) {
            int length = -lengths[i];
            masks[i] = new Ipv4Subnet(new Ipv4(0), length).mask();
            hosts[i] = new IntTable(routes.size());
            for (Map.Entry<Ipv4Subnet, Ipv4> route : routes.entrySet()) {
                if (route.getKey().prefixLength() == length) {
                    hosts[i].put(route.getKey().base().bits(), route.getValue().bits());
                }
            }
        }
        peers = new IntTable(routes.size());
        routes.values().forEach(host -> peers.put(host.bits(), 1));
    }

    /** Address of the host that holds the subnet with that overlay address; 0 when none does. */
    int host(int overlayAddress) {
        for (int i = 0; i < masks.length; i++) {
            int host = hosts[i].get(overlayAddress & masks[i]);
            if (host != 0) {
                return host;
            }
        }
        return 0;
    }

    boolean isPeer(int hostAddress) {
        return peers.get(hostAddress) != 0;
    }

    /** Whether the address is this host's or one of its containers'. */
    boolean isOwn(int overlayAddress) {
        return (overlayAddress & ownMask) == ownBase;
    }

    /** Whether the address lies in the overlay's range at all. */
    boolean isInNetwork(int address) {
        return (address & networkMask) == networkBase;
    }
}
