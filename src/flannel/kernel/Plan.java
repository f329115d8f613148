package flannel.kernel;

import flannel.net.MacAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Changes in the order that loses no packet: what a route needs before the route, what replaces before what is replaced, and in the end
 * what nothing points to any more.
 */
final class Plan {

    private final List<Change> addresses = new ArrayList<>();
    private final List<Change> links = new ArrayList<>();
    private final List<Change> routes = new ArrayList<>();
    private final List<Change> staleRoutes = new ArrayList<>();
    private final List<Change> staleLinks = new ArrayList<>();
    private final List<Change> staleAddresses = new ArrayList<>();
    private final Set<MacAddress> emptied = new HashSet<>();
    private final List<Change> odd = new ArrayList<>();

    void put(Change.Kind kind, Found what) {
        switch (what) {
            case Found.Address address -> addresses.add(new Change(kind, address));
            case Found.Route route -> routes.add(new Change(kind, route));
            default -> links.add(new Change(kind, what));
        }
    }

    void delete(Found what) {
        switch (what) {
            case Found.Address address -> staleAddresses.add(new Change(Change.Kind.DELETE, address));
            case Found.Route route -> staleRoutes.add(new Change(Change.Kind.DELETE, route));
            case Found.Fdb fdb when fdb.vtep() == null -> {
                // can't be told apart from the MAC's other destinations: all of it goes, and comes back
                if (emptied.add(fdb.mac())) {
                    odd.add(new Change(Change.Kind.DELETE, fdb));
                }
            }
            default -> staleLinks.add(new Change(Change.Kind.DELETE, what));
        }
    }

    List<Change> changes() {
        List<Change> all = new ArrayList<>(odd.size() + addresses.size() + links.size() + routes.size() + staleRoutes.size()
                + staleLinks.size() + staleAddresses.size());
        all.addAll(odd);
        all.addAll(addresses);
        all.addAll(links);
        all.addAll(routes);
        all.addAll(staleRoutes);
        all.addAll(staleLinks);
        all.addAll(staleAddresses);
        if (!staleAddresses.isEmpty()) {
            // the kernel takes an address along with another one of the same range
            all.addAll(addresses);
        }
        return all;
    }
}
