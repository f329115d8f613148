package flannel.check;

import flannel.kernel.Inspection;
import flannel.kernel.Underlay;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.MacAddress;
import flannel.probe.AddressProbe;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Do the addresses on the link to the other hosts lead to the network cards that have them? */
final class NeighbourQuestions {

    private NeighbourQuestions() {
    }

    /** Has another machine this host's address? */
    static List<Finding> own(Scene scene) throws InterruptedException {
        Underlay underlay = scene.underlay();
        if (underlay == null || !underlay.mac().isUnicast() || underlay.onLink().prefixLength() == 32) {
            return List.of(); // no link, or one on which a router answers for all
        }
        Set<String> others = owners(underlay, underlay.address());
        scene.links().forEach(link -> others.remove(String.valueOf(link.mac()))); // another card of this host's on the same link
        return others.isEmpty() ? List.of() : List.of(Finding.fail("interface", "another machine has this host's address " + underlay.address()
                + " too: " + String.join(", ", others) + " answers for it; " + underlay.name() + " has " + underlay.mac(),
                "ip address del " + underlay.address() + " dev there; each host needs an address of its own"));
    }

    /** Peers that do not answer, and whose hardware address somebody has written into the neighbour table, another one than they have. */
    static List<Finding> fixed(Scene scene, List<Ipv4> silent) throws SystemCallException, InterruptedException {
        Underlay underlay = scene.underlay();
        Map<Ipv4, MacAddress> entries = silent.isEmpty() ? Map.of() : Inspection.fixedNeighbours(underlay.index());
        List<Finding> findings = new ArrayList<>();
        for (Ipv4 peer : silent) {
            MacAddress entry = entries.get(peer);
            Set<String> owners = entry == null ? Set.of() : owners(underlay, peer);
            if (!owners.isEmpty() && !owners.contains(entry.toString())) {
                findings.add(Finding.fail("interface", peer + " has the hardware address " + String.join(", ", owners) + ", and somebody wrote " + entry
                        + " into the neighbour table of " + underlay.name(), "ip neigh del " + peer + " dev " + underlay.name()));
            }
        }
        return findings;
    }

    private static Set<String> owners(Underlay underlay, Ipv4 address) throws InterruptedException {
        try {
            return AddressProbe.owners(underlay.index(), underlay.mac(), address);
        } catch (SystemCallException e) {
            return new TreeSet<>(); // nobody but root may ask, as is said of the peers
        }
    }
}
