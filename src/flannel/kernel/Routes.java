package flannel.kernel;

import static flannel.netlink.Rtm.RTPROT_BOOT;
import static flannel.netlink.Rtm.RTPROT_KERNEL;
import static flannel.netlink.Rtm.RT_SCOPE_UNIVERSE;

import flannel.linux.Errno;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** One network's part in the main routing table: which routes there are its own, which are missing, and which are in the way. */
final class Routes {

    /**
     * The kernel looks for a next hop like the new route's in a hash of protocol, scope, metric and device, but not gateway: routes to ten
     * thousand gateways on one device are one chain of ten thousand, and putting them in costs the square (two seconds). The scope of a
     * route with a gateway may be anything below "link" and means nothing for forwarding, so every so many routes get the next one.
     */
    private static final int ROUTES_PER_SCOPE = 256;

    /** The bridge whose address is of the subnet that this host had when Docker was started. */
    private static final String DOCKER = "docker0";

    private final Log log;
    private final KernelTables tables;
    private final Declared declared;
    /** Destinations whose route was ours: what takes such a place later has changed ours, what was there before us is foreign. */
    private final Set<Ipv4Subnet> held = new HashSet<>();
    private DesiredState state;
    private Set<Ipv4> formerGateways = Set.of();
    /** The range before the one that is declared now; null when all that was ours in it has been looked at. */
    private Ipv4Subnet formerNetwork;
    private String hiding = "";
    private boolean sparing;

    Routes(Log log, KernelTables tables, Declared declared) {
        this.log = log;
        this.tables = tables;
        this.declared = declared;
    }

    /** Told when a whole state is declared. */
    void declare(DesiredState desired) {
        if (state != null && !state.network().equals(desired.network())) {
            formerNetwork = state.network();
        }
        state = desired;
        formerGateways = desired.formerGateways();
    }

    /** See {@link Reconciler#spare}. */
    void spare(boolean undeclared) {
        sparing = undeclared;
    }

    /** Told that a declared entry is in the kernel. */
    void hold(KernelEntry entry) {
        if (entry instanceof KernelEntry.Route route) {
            held.add(route.destination());
        }
    }

    /** Told that a route is no longer declared; whether it was in the kernel, and not refused for a foreign one in its place. */
    boolean release(KernelEntry.Route route) {
        return held.remove(route.destination());
    }

    /** A route as it is put in, when so many others are. */
    static Found spread(Found what, int position) {
        return what instanceof Found.Route route && route.gateway() != null
                ? route.withScope(Math.min(position / ROUTES_PER_SCOPE, Devices.LAST_SCOPE)) : what;
    }

    boolean isOurs(Found.Route route, Devices devices) {
        if (route.protocol() == Reconciler.ROUTE_PROTOCOL && (state.network().contains(route.destination())
                || formerNetwork != null && formerNetwork.contains(route.destination()))) {
            return true;
        }
        return devices.isOwn(route) && route.protocol() != RTPROT_KERNEL
                && !route.destination().base().isMulticast() && !route.destination().base().isLinkLocal();
    }

    /** Whether another owner has a route to a range that the network is a part of; the default route is what it is to be hidden from. */
    private boolean wouldHide(KernelEntry.Unreachable none, List<Found.Route> all) {
        Optional<Found.Route> larger = all.stream().filter(route -> isLarger(route, none)).findFirst();
        String reason = larger.map(route -> "No unreachable route for " + none.destination() + ": it would hide the route to " + route.destination()).orElse("");
        if (!reason.isEmpty() && !reason.equals(hiding)) {
            log.info(reason);
        }
        hiding = reason;
        return larger.isPresent();
    }

    private static boolean isLarger(Found.Route route, KernelEntry.Unreachable none) {
        return route.protocol() != Reconciler.ROUTE_PROTOCOL && route.destination().prefixLength() > 0
                && route.destination().prefixLength() < none.destination().prefixLength() && route.destination().contains(none.destination());
    }

    /** Whether a route's coming or going may mean that the network's route for nobody has to go or come. */
    boolean decidesOnUnreachable(Found.Route route) {
        return declared.unreachable().stream().anyMatch(none -> isLarger(route, none));
    }

    /** A route that the Go daemon's host-gw left: one without a mark, to a host that holds a lease. */
    private boolean isLeftover(Found.Route route, Devices devices) {
        return route.gateway() != null && formerGateways.contains(route.gateway()) && isUnmarked(route) && devices.isUnderlay(route)
                && route.destination().prefixLength() == state.subnetLength() && state.network().contains(route.destination());
    }

    /** As {@code ip route add} makes it, and the Go daemon. */
    private static boolean isUnmarked(Found.Route route) {
        return route.protocol() == RTPROT_BOOT && route.scope() == RT_SCOPE_UNIVERSE && route.plain() && route.metric() == 0;
    }

    /** The very route that is declared, but for the mark: it leads where the lease wants it, so it can become ours in place. */
    private static boolean isRightfulUnmarked(Found.Route route, KernelEntry rightful, Devices devices) {
        return isUnmarked(route) && rightful instanceof KernelEntry.Route wanted && route.index() == devices.indexOf(wanted.device())
                && route.gateway() != null && route.gateway().equals(wanted.gateway());
    }

    /**
     * Plans what makes the table equal to what is declared.
     *
     * @param obstructed gets what can't be put in because a foreign route has its place
     * @return what can't be put in because a foreign route has its place
     */
    List<Reconciler.Failure> compare(Devices devices, Plan plan, Set<Found> obstructed) throws SystemCallException {
        Set<Found> missing = new LinkedHashSet<>();
        declared.routes().forEach(entry -> missing.add(devices.asFound(entry)));
        List<Found.Route> all = tables.routes();
        declared.unreachable().stream().filter(none -> !wouldHide(none, all)).forEach(none -> missing.add(devices.asFound(none)));
        List<Found.Route> others = new ArrayList<>();
        int leftovers = 0;
        for (Found.Route found : all) {
            if (!missing.remove(devices.likeDeclared(found))) {
                others.add(found);
            }
        }
        Set<Ipv4Subnet> replaced = new HashSet<>();
        Map<Found, Found.Route> obstacles = new LinkedHashMap<>();
        for (Found.Route found : others) {
            boolean leftover = isLeftover(found, devices);
            boolean ours = leftover || isOurs(found, devices);
            leftovers += leftover ? 1 : 0;
            KernelEntry rightful = declared.inPlaceOf(found);
            if (rightful != null && missing.contains(devices.asFound(rightful))) {
                if (ours || held.contains(found.destination()) || isRightfulUnmarked(found, rightful, devices)) {
                    replaced.add(found.destination());
                } else {
                    missing.remove(devices.asFound(rightful));
                    obstacles.put(devices.asFound(rightful), found);
                }
            } else if (ours && !sparing) {
                plan.delete(found);
            }
        }
        int position = 0;
        for (KernelEntry.Route route : declared.routes()) {
            Found wanted = devices.asFound(route);
            if (missing.contains(wanted)) {
                // on our own device the kernel may make that very route in the moment before, of an address put in
                boolean inPlace = replaced.contains(route.destination()) || route.gateway() == null && devices.isOwn(wanted);
                plan.put(inPlace ? Change.Kind.PUT : Change.Kind.ADD, spread(wanted, position));
            }
            position++;
        }
        declared.unreachable().stream().map(devices::asFound).filter(missing::contains).forEach(none -> plan.put(Change.Kind.ADD, none));
        held.clear();
        declared.routes().forEach(this::hold);
        obstacles.values().forEach(found -> held.remove(found.destination()));
        obstructed.addAll(obstacles.keySet());
        if (leftovers > 0) {
            log.info("Taking over " + leftovers + " routes within " + state.network() + " that an earlier flanneld left on "
                    + state.underlay());
        }
        formerGateways = Set.of();
        formerNetwork = null;
        return refused(obstacles, devices);
    }

    /** What is wanted and can't be put in, with what is there instead and what can be done about it. */
    private List<Reconciler.Failure> refused(Map<Found, Found.Route> obstacles, Devices devices) throws SystemCallException {
        List<Reconciler.Failure> failures = new ArrayList<>();
        Map<Integer, String> names = new HashMap<>();
        for (Found.Link link : obstacles.isEmpty() ? List.<Found.Link>of() : tables.links()) {
            names.put(link.index(), link.name());
        }
        obstacles.entrySet().stream().limit(Reconciler.MOST_FAILURES).forEach(obstacle -> {
            Found wanted = obstacle.getKey();
            Found.Route found = obstacle.getValue();
            String device = names.getOrDefault(found.index(), "");
            String trouble = found.protocol() != RTPROT_KERNEL
                    ? "someone else's " + Devices.describe(found, device) + " is there; remove it, or let the overlay have another range"
                    : "device " + device + " has an address in " + found.destination() + ", another host's subnet; "
                    + (device.equals(DOCKER) ? "Docker must be started with this host's subnet: systemctl restart docker"
                    : "give it another address, or let the overlay have another range");
            failures.add(new Reconciler.Failure(devices.describe(wanted), new SystemCallException("adding it", Errno.EEXIST, trouble)));
        });
        return failures;
    }
}
