package flannel.kernel;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/** What is declared, by the place that each entry takes in the kernel: of two entries for one place the later one counts. */
final class Declared {

    private final Map<Ipv4, KernelEntry.Address> addresses = new LinkedHashMap<>();
    private final Map<Ipv4Subnet, KernelEntry.Route> routes = new LinkedHashMap<>();
    private final Map<Ipv4Subnet, KernelEntry.Unreachable> unreachable = new LinkedHashMap<>();
    private final Map<Ipv4, KernelEntry.Neighbour> neighbours = new LinkedHashMap<>();
    private final Map<MacAddress, KernelEntry.Fdb> fdb = new LinkedHashMap<>();

    Collection<KernelEntry.Address> addresses() {
        return addresses.values();
    }

    Collection<KernelEntry.Route> routes() {
        return routes.values();
    }

    Collection<KernelEntry.Unreachable> unreachable() {
        return unreachable.values();
    }

    Collection<KernelEntry.Neighbour> neighbours() {
        return neighbours.values();
    }

    Collection<KernelEntry.Fdb> fdb() {
        return fdb.values();
    }

    void clear() {
        addresses.clear();
        routes.clear();
        unreachable.clear();
        neighbours.clear();
        fdb.clear();
    }

    /** False when it was there already. */
    boolean put(KernelEntry entry) {
        KernelEntry before = switch (entry) {
            case KernelEntry.Address address -> addresses.put(address.address(), address);
            case KernelEntry.Route route -> routes.put(route.destination(), route);
            case KernelEntry.Unreachable none -> unreachable.put(none.destination(), none);
            case KernelEntry.Neighbour neighbour -> neighbours.put(neighbour.address(), neighbour);
            case KernelEntry.Fdb entryOfFdb -> fdb.put(entryOfFdb.mac(), entryOfFdb);
        };
        return before == null || !before.equals(entry);
    }

    /** False when it was not there, or another entry has its place. */
    boolean remove(KernelEntry entry) {
        return switch (entry) {
            case KernelEntry.Address address -> addresses.remove(address.address(), address);
            case KernelEntry.Route route -> routes.remove(route.destination(), route);
            case KernelEntry.Unreachable none -> unreachable.remove(none.destination(), none);
            case KernelEntry.Neighbour neighbour -> neighbours.remove(neighbour.address(), neighbour);
            case KernelEntry.Fdb entryOfFdb -> fdb.remove(entryOfFdb.mac(), entryOfFdb);
        };
    }

    /** The entry declared for the place of something found (or of another entry's value in that form); null for none. */
    KernelEntry inPlaceOf(Found what) {
        return switch (what) {
            case Found.Address address -> addresses.get(address.address());
            case Found.Route route -> route.metric() == 0 ? routes.get(route.destination())
                    : route.metric() == Devices.LAST_METRIC ? unreachable.get(route.destination()) : null;
            case Found.Neighbour neighbour -> neighbours.get(neighbour.address());
            case Found.Fdb entry -> fdb.get(entry.mac());
            case Found.Link link -> null;
        };
    }
}
