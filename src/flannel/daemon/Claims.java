package flannel.daemon;

import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What each network has of this host that no two can have: its range, its device, its UDP port. By these a network's own is told from the
 * others': each session's {@link flannel.kernel.Reconciler} looks after its own device and the routes within its own range, with a state of
 * its own, so that none waits for another; since ranges and devices are apart, none ever takes what is another's for a stray of its own. The
 * alternative, one reconciler for the union of all, would need one thread, and a network that is stuck in it would hold up all. For all
 * threads.
 */
final class Claims {

    /**
     * What a config makes a network have.
     *
     * @param range  of all its hosts' subnets
     * @param device its name; empty for none, or one that is whichever is free
     * @param port   UDP port that comes with it; 0 for none
     * @param mode   who can share that port, as only VXLAN devices of the same kind can; empty for nobody
     */
    record Claim(Ipv4Subnet range, String device, int port, String mode) {
    }

    /** By the networks' names. A network that changes to another config has the former one's too, until the kernel has the new one. */
    private final Map<String, List<Claim>> claims = new LinkedHashMap<>();

    /**
     * A network takes what its config needs.
     *
     * @throws IOException with a sentence that names both, when another network has some of it; nothing is taken then
     */
    synchronized void take(String network, Claim wanted) throws IOException {
        for (Map.Entry<String, List<Claim>> other : claims.entrySet()) {
            for (Claim held : other.getKey().equals(network) ? List.<Claim>of() : other.getValue()) {
                String clash = clash(wanted, held);
                if (!clash.isEmpty()) {
                    throw new IOException("network " + network + " can't be had on this host beside network " + other.getKey() + ", which was here first: "
                            + clash + " of its config, or remove one of the two");
                }
            }
        }
        List<Claim> own = claims.computeIfAbsent(network, name -> new ArrayList<>());
        own.remove(wanted);
        own.add(wanted);
    }

    private static String clash(Claim wanted, Claim held) {
        if (wanted.range().overlaps(held.range())) {
            return "its range " + wanted.range() + " and " + held.range() + " overlap; change \"Network\"";
        }
        if (!wanted.device().isEmpty() && wanted.device().equals(held.device())) {
            return "both want the device " + wanted.device() + "; change \"VNI\"";
        }
        if (wanted.port() != 0 && wanted.port() == held.port() && (wanted.mode().isEmpty() || !wanted.mode().equals(held.mode()))) {
            return "both want UDP port " + wanted.port() + (wanted.mode().isEmpty() || held.mode().isEmpty() ? ""
                    : ", one with \"GBP\" and one without") + "; change \"Port\"";
        }
        return "";
    }

    /** The kernel has what the network took last, and nothing of what it had before. */
    synchronized void settle(String network) {
        claims.computeIfPresent(network, (name, own) -> new ArrayList<>(List.of(own.getLast())));
    }

    /** The network has left this host. */
    synchronized void release(String network) {
        claims.remove(network);
    }
}
