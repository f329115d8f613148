package flannel.kernel;

import static flannel.netlink.Rtm.RTPROT_KERNEL;

import flannel.linux.SystemCallException;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What daemons have left in the kernel, whatever networks they had: found by the marks that nobody else's things bear, and taken away. These are
 * VXLAN devices named flannel.VNI, which a daemon would adopt as its own, with all that is on them; routes with {@link Reconciler#ROUTE_PROTOCOL};
 * and the chains FLANNEL-FWD and FLANNEL-POSTRTG with the jumps to them. In the calling thread's network namespace, where no daemon runs.
 */
public final class Traces {

    private static final Pattern OWN_DEVICE = Pattern.compile("flannel\\.?(\\d+)");

    private final Consumer<String> removed;
    private final Consumer<String> left;

    /**
     * Told of each thing, as a person would name it.
     *
     * @param removed what is gone
     * @param left    what could not be taken away, or is not ours, and why
     */
    public Traces(Consumer<String> removed, Consumer<String> left) {
        this.removed = removed;
        this.left = left;
    }

    /**
     * Takes everything away.
     *
     * @param networks ranges that this host's networks had, as far as known: others' routes in them are told of as left
     * @return true when nothing of ours stays
     */
    public boolean remove(Collection<Ipv4Subnet> networks) throws InterruptedException {
        boolean all = removeRules();
        try (KernelTables tables = Rtnetlink.open()) {
            all &= removeRoutes(tables, networks);
            for (Found.Link link : tables.links()) {
                all &= removeDevice(tables, link);
            }
            return all;
        } catch (SystemCallException e) {
            left.accept(e.getMessage());
            return false;
        }
    }

    private boolean removeRules() throws InterruptedException {
        try {
            PacketFilter.removeAll().forEach(chain -> removed.accept("iptables chain " + chain));
            return true;
        } catch (IOException e) {
            left.accept("iptables chains: " + e.getMessage());
            return false;
        }
    }

    private boolean removeRoutes(KernelTables tables, Collection<Ipv4Subnet> networks) throws SystemCallException {
        Map<Integer, String> names = new HashMap<>();
        tables.links().forEach(link -> names.put(link.index(), link.name()));
        List<Change> changes = new ArrayList<>();
        for (Found.Route route : tables.routes()) {
            if (route.protocol() == Reconciler.ROUTE_PROTOCOL) {
                changes.add(new Change(Change.Kind.DELETE, route));
            } else if (route.protocol() != RTPROT_KERNEL && !isOwnDevice(names.getOrDefault(route.index(), ""))
                    && networks.stream().anyMatch(network -> network.contains(route.destination()))) {
                left.accept(describe(route, names) + ": not made by this flanneld");
            }
        }
        List<Change> refused = new ArrayList<>();
        tables.execute(changes, (change, why) -> {
            refused.add(change);
            left.accept(describe(change.what(), names) + ": " + why.getMessage());
        });
        changes.stream().filter(change -> !refused.contains(change)).forEach(change -> removed.accept(describe(change.what(), names)));
        return refused.isEmpty();
    }

    private static String describe(Found route, Map<Integer, String> names) {
        return Devices.describe(route, names.getOrDefault(route.index(), ""));
    }

    private static boolean isOwnDevice(String name) {
        return OWN_DEVICE.matcher(name).matches();
    }

    private boolean removeDevice(KernelTables tables, Found.Link link) throws SystemCallException {
        Matcher name = OWN_DEVICE.matcher(link.name());
        if (!name.matches()) {
            return true;
        }
        if (link.vxlan() == null || !link.name().equals("flannel." + link.vxlan().vni())) {
            left.accept("link " + link.name() + (link.kind().equals("tun") ? ": a TUN device goes with the daemon that opened it"
                    : ": no VXLAN device of that VNI, so not flanneld's"));
            return true;
        }
        int neighbours = tables.neighbours(link.index()).size();
        int fdb = tables.fdb(link.index()).size();
        try {
            tables.deleteLink(link.index(), link.name());
            removed.accept("link " + link.name() + (neighbours + fdb == 0 ? "" : " with " + neighbours + " neighbours and " + fdb + " FDB entries"));
            return true;
        } catch (SystemCallException e) {
            left.accept("link " + link.name() + ": " + e.getMessage());
            return false;
        }
    }
}
