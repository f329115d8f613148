package flannel.backend.cloud;

import flannel.lease.NetworkConfig;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What has to be done so that a table leads to this host as its lease wants. Pure.
 *
 * @param puts     routes to make, of which there is none or one (a table per route)
 * @param removals routes to take away, if their destinations turn out to be nobody's
 * @param missing  how many other hosts hold a lease and have no route in the table yet: they are about to write too
 */
record RoutePlan(List<Put> puts, List<Removal> removals, int missing) {

    /** @param before the route that stands in the way; null for none */
    record Put(RouteTable table, Ipv4Subnet destination, CloudRoute before) {
    }

    record Removal(RouteTable table, CloudRoute route) {
    }

    static RoutePlan of(RouteTable table, LeaseView view, NetworkConfig config) {
        CloudRoute here = null;
        List<CloudRoute> inTheWay = new ArrayList<>();
        List<Removal> removals = new ArrayList<>();
        Set<Ipv4Subnet> missing = new HashSet<>(view.others());
        for (CloudRoute route : table.routes()) {
            if (route.kind() == CloudRoute.Kind.FOREIGN) {
                continue;
            }
            missing.remove(route.destination());
            if (route.destination().equals(view.own())) {
                if (route.kind() == CloudRoute.Kind.OWN && here == null) {
                    here = route;
                } else {
                    inTheWay.add(route);
                }
            } else if (config.allows(route.destination()) && isLeftOver(route, view)) {
                removals.add(new Removal(table, route));
            }
        }
        if (here != null) {
            inTheWay.forEach(route -> removals.add(new Removal(table, route)));
            return new RoutePlan(List.of(), removals, missing.size());
        }
        CloudRoute before = inTheWay.isEmpty() ? null : inTheWay.getFirst();
        return new RoutePlan(List.of(new Put(table, view.own(), before)), removals, missing.size());
    }

    private static boolean isLeftOver(CloudRoute route, LeaseView view) {
        return route.kind() == CloudRoute.Kind.OWN
                || route.kind() == CloudRoute.Kind.DEAD && !view.others().contains(route.destination());
    }
}
