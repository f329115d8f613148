package flannel.kernel;

import static flannel.netlink.Rtm.NUD_PERMANENT;
import static flannel.netlink.Rtm.RTPROT_BOOT;
import static flannel.netlink.Rtm.RTPROT_KERNEL;
import static flannel.netlink.Rtm.RT_SCOPE_LINK;
import static flannel.netlink.Rtm.RT_SCOPE_UNIVERSE;

import flannel.linux.Errno;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Makes the kernel equal to what one network has declared: reads the tables, compares, and sends the difference in batches. Used by the
 * network's own thread only, in the network namespace of the thread that opened it.
 *
 * <p>Ours, and removed when not declared: everything on the network's own device (but what the kernel itself put there), and routes with
 * {@link #ROUTE_PROTOCOL} within the network's range. At the first {@link #apply} also the routes that a Go flanneld's host-gw left on
 * the underlay. Nothing else is ever touched.
 *
 * <p>What leads to a peer is put in from the inside out (neighbour and FDB entry, then the route) and removed the other way round, so no
 * packet meets half of it; and what replaces something is in before that goes.
 */
public final class Reconciler implements AutoCloseable {

    /**
     * Origin of our routes (rtm_protocol, see {@code ip route} and /etc/iproute2/rt_protos). Free in iproute2's list, and not used by
     * the routing daemons in use; 0xF1.
     */
    public static final int ROUTE_PROTOCOL = 241;

    /**
     * The kernel looks for a next hop like the new route's in a hash of protocol, scope, metric and device, but not gateway: routes to ten
     * thousand gateways on one device are one chain of ten thousand, and putting them in costs the square (two seconds). The scope of a
     * route with a gateway may be anything below "link" and means nothing for forwarding, so every so many routes get the next one.
     */
    private static final int ROUTES_PER_SCOPE = 256;
    private static final int LAST_SCOPE = 199;

    private final Log log;
    private final KernelTables tables;
    private final OwnLink ownLink;
    private final Declared declared = new Declared();
    /** Destinations whose route was ours: what takes such a place later has changed ours, what was there before us is foreign. */
    private final Set<Ipv4Subnet> held = new HashSet<>();
    private DesiredState state;
    private boolean leftoversTaken;
    private int ownIndex;
    private int underlayIndex;
    private boolean underlayUp;
    private boolean incomplete;

    Reconciler(Log log, KernelTables tables) {
        this.log = log;
        this.tables = tables;
        this.ownLink = new OwnLink(log, tables);
    }

    /** Opens a netlink socket in the calling thread's network namespace. */
    public static Reconciler open(Log log) throws SystemCallException {
        return new Reconciler(log, Rtnetlink.open());
    }

    /**
     * Something that could not be put in or removed. The rest has been; this is tried again at the next {@link #reconcile}.
     *
     * @param what the entry, as a person would name it
     */
    public record Failure(String what, SystemCallException why) {
    }

    /**
     * The address of a device that is there already and would be adopted: it agrees with what is wanted in all but address and MTU. So the
     * lease can tell it before {@link #apply}.
     */
    public Optional<MacAddress> vtepMac(Link.Vxlan wanted) throws SystemCallException {
        return ownLink.adoptable(wanted).map(Found.Link::mac);
    }

    /**
     * Declares the whole state and makes the kernel equal to it.
     *
     * @throws SystemCallException when the network's device can't be had, so that nothing would work, or the tables can't be read
     */
    public List<Failure> apply(DesiredState desired) throws SystemCallException {
        if (state != null && state.link() instanceof Link.Vxlan former
                && (desired.link() == null || !desired.link().name().equals(former.name()))) {
            ownLink.remove(former);
        }
        state = desired;
        declared.clear();
        desired.entries().forEach(declared::put);
        return reconcile();
    }

    /**
     * Changes what is declared, and the kernel, by a few entries. Reads no tables, unless the kernel turns out to be other than thought.
     *
     * @param gone   entries no longer wanted
     * @param wanted new entries; one that takes the place of an entry gone replaces it without a gap
     */
    public List<Failure> change(Collection<KernelEntry> gone, Collection<KernelEntry> wanted) throws SystemCallException {
        if (state == null) {
            throw new IllegalStateException("nothing has been declared yet");
        }
        Set<Ipv4Subnet> replaced = new HashSet<>();
        List<KernelEntry> removed = new ArrayList<>();
        for (KernelEntry entry : gone) {
            if (declared.remove(entry)) {
                removed.add(entry);
                if (entry instanceof KernelEntry.Route route) {
                    replaced.add(route.destination());
                    held.remove(route.destination());
                }
            }
        }
        Plan plan = new Plan();
        boolean devicesKnown = true;
        for (KernelEntry entry : wanted) {
            if (declared.put(entry)) {
                devicesKnown &= indexOf(entry.device()) != 0;
                boolean inPlace = !(entry instanceof KernelEntry.Route route) || replaced.contains(route.destination());
                plan.put(inPlace ? Change.Kind.PUT : Change.Kind.ADD, spread(asFound(entry), declared.routes().size()));
            }
        }
        if (!devicesKnown) {
            return reconcile();
        }
        for (KernelEntry entry : removed) {
            Found former = asFound(entry);
            KernelEntry successor = declared.inPlaceOf(former);
            // a MAC that moved to another end point may have both for a moment
            if (former.index() != 0 && (successor == null || former instanceof Found.Fdb && !successor.equals(entry))) {
                plan.delete(former);
            }
        }
        // a refusal means that the kernel is not as we thought: a device gone, a foreign route in the way
        if (!execute(plan).isEmpty()) {
            return reconcile();
        }
        wanted.forEach(this::hold);
        return List.of();
    }

    private void hold(KernelEntry entry) {
        if (entry instanceof KernelEntry.Route route) {
            held.add(route.destination());
        }
    }

    /** Compares the kernel with everything that is declared and sends the difference. */
    public List<Failure> reconcile() throws SystemCallException {
        if (state == null) {
            return List.of();
        }
        incomplete = true;
        ownIndex = 0;
        Found.Link underlay = tables.link(state.underlay())
                .orElseThrow(() -> new SystemCallException("find interface " + state.underlay(), Errno.ENODEV));
        underlayIndex = underlay.index();
        underlayUp = underlay.up();
        ownIndex = state.link() == null ? 0 : ownLink.ensure(state.link(), underlayIndex);
        Plan plan = new Plan();
        compareOwnDevice(plan);
        List<Failure> failures = compareRoutes(plan);
        failures.addAll(execute(plan));
        incomplete = !failures.isEmpty();
        return failures;
    }

    private void compareOwnDevice(Plan plan) throws SystemCallException {
        Set<Found> missing = new LinkedHashSet<>();
        declared.addresses().forEach(entry -> missing.add(asFound(entry)));
        if (ownIndex != 0) {
            for (Found.Address found : tables.addresses(ownIndex)) {
                if (!missing.remove(found) && isStale(found)) {
                    plan.delete(found);
                }
            }
        }
        missing.forEach(entry -> plan.put(Change.Kind.PUT, entry));
        missing.clear();
        declared.neighbours().forEach(entry -> missing.add(asFound(entry)));
        declared.fdb().forEach(entry -> missing.add(asFound(entry)));
        if (ownIndex != 0) {
            List<Found> there = new ArrayList<>(tables.neighbours(ownIndex));
            there.addAll(tables.fdb(ownIndex));
            for (Found found : there) {
                if (!missing.remove(found) && isStale(found)) {
                    plan.delete(found);
                }
            }
            for (Found found : there) {
                // such an entry only goes together with the MAC's right one
                if (found instanceof Found.Fdb fdb && fdb.vtep() == null && declared.inPlaceOf(fdb) != null) {
                    missing.add(asFound(declared.inPlaceOf(fdb)));
                }
            }
        }
        missing.forEach(entry -> plan.put(Change.Kind.PUT, entry));
    }

    /** What is in our way or only clutters: permanent entries that are not declared, and what holds the place of a declared one. */
    private boolean isStale(Found found) {
        KernelEntry rightful = declared.inPlaceOf(found);
        return switch (found) {
            case Found.Address address -> !address.address().isLinkLocal();
            // a neighbour's place is taken over by the right one; entries the kernel is still asking about go by themselves
            case Found.Neighbour neighbour -> rightful == null && Neighbours.isUsable(neighbour);
            // a MAC can have several destinations, so the wrong ones have to go; learned ones age
            case Found.Fdb entry -> rightful instanceof KernelEntry.Fdb fdb ? !fdb.vtep().equals(entry.vtep()) : Neighbours.isStatic(entry);
            case Found.Route route -> rightful == null && isOurs(route);
            case Found.Link link -> false;
        };
    }

    private List<Failure> compareRoutes(Plan plan) throws SystemCallException {
        Set<Found> missing = new LinkedHashSet<>();
        declared.routes().forEach(entry -> missing.add(asFound(entry)));
        List<Found.Route> others = new ArrayList<>();
        int leftovers = 0;
        for (Found.Route found : tables.routes()) {
            if (!missing.remove(likeDeclared(found))) {
                others.add(found);
            }
        }
        List<Failure> failures = new ArrayList<>();
        Set<Ipv4Subnet> replaced = new HashSet<>();
        Set<Ipv4Subnet> obstructed = new HashSet<>();
        for (Found.Route found : others) {
            boolean leftover = isLeftover(found);
            boolean ours = leftover || isOurs(found);
            leftovers += leftover ? 1 : 0;
            KernelEntry rightful = declared.inPlaceOf(found);
            if (rightful != null && missing.contains(asFound(rightful))) {
                if (ours || held.contains(found.destination())) {
                    replaced.add(found.destination());
                } else {
                    missing.remove(asFound(rightful));
                    obstructed.add(found.destination());
                    failures.add(new Failure(describe(asFound(rightful)), new SystemCallException("adding it", Errno.EEXIST,
                            "someone else's " + describe(found) + " is there; remove it, or let the overlay have another range")));
                }
            } else if (ours) {
                plan.delete(found);
            }
        }
        int position = 0;
        for (KernelEntry.Route route : declared.routes()) {
            Found wanted = asFound(route);
            if (missing.contains(wanted)) {
                // on our own device the kernel may make that very route in the moment before, of an address put in
                boolean inPlace = replaced.contains(route.destination()) || route.gateway() == null && wanted.index() == ownIndex;
                plan.put(inPlace ? Change.Kind.PUT : Change.Kind.ADD, spread(wanted, position));
            }
            position++;
        }
        held.clear();
        declared.routes().forEach(this::hold);
        obstructed.forEach(held::remove);
        if (leftovers > 0) {
            log.info("Taking over " + leftovers + " routes within " + state.network() + " that an earlier flanneld left on " + state.underlay());
        }
        leftoversTaken = true;
        return failures;
    }

    private static Found spread(Found what, int position) {
        return what instanceof Found.Route route && route.gateway() != null
                ? route.withScope(Math.min(position / ROUTES_PER_SCOPE, LAST_SCOPE)) : what;
    }

    /** In the form of a declared entry what does the same as one: a route of any scope, or the one that the kernel made of our address. */
    private Found likeDeclared(Found what) {
        if (!(what instanceof Found.Route route)) {
            return what;
        }
        if (route.gateway() == null && route.protocol() == RTPROT_KERNEL && ownIndex != 0 && route.index() == ownIndex) {
            return new Found.Route(ownIndex, route.destination(), null, false, ROUTE_PROTOCOL, RT_SCOPE_LINK, route.metric(), true);
        }
        return route.gateway() != null && route.scope() <= LAST_SCOPE ? route.withScope(RT_SCOPE_UNIVERSE) : what;
    }

    private boolean isOurs(Found.Route route) {
        if (route.protocol() == ROUTE_PROTOCOL && state.network().contains(route.destination())) {
            return true;
        }
        return ownIndex != 0 && route.index() == ownIndex && route.protocol() != RTPROT_KERNEL
                && !route.destination().base().isMulticast() && !route.destination().base().isLinkLocal();
    }

    /** A route that the Go daemon's host-gw left: it tags its routes with nothing of its own. */
    private boolean isLeftover(Found.Route route) {
        return !leftoversTaken && route.protocol() == RTPROT_BOOT && route.scope() == RT_SCOPE_UNIVERSE && route.gateway() != null
                && route.plain() && route.metric() == 0 && underlayIndex != 0 && route.index() == underlayIndex
                && route.destination().prefixLength() == state.subnetLength() && state.network().contains(route.destination());
    }

    private List<Failure> execute(Plan plan) throws SystemCallException {
        List<Failure> failures = new ArrayList<>();
        tables.execute(plan.changes(), (change, why) -> failures.add(new Failure(describe(change.what()), why)));
        return failures;
    }

    /**
     * Whether a notification tells of something other than what is declared, so that {@link #reconcile} is due. Echoes of our own changes
     * do not. Cheap: at most one look at the device, when that is said to have changed.
     */
    public boolean contradicts(KernelEvent event) {
        if (state == null) {
            return false;
        }
        return switch (event) {
            case KernelEvent.Overrun overrun -> true;
            case KernelEvent.RulesChanged rules -> false;
            case KernelEvent.Appeared(Found.Link link) -> linkContradicts(link);
            case KernelEvent.Vanished(Found.Link link) -> link.index() == ownIndex || link.name().equals(state.underlay());
            case KernelEvent.Appeared(Found what) -> concerns(what) && appearanceContradicts(what);
            case KernelEvent.Vanished(Found what) -> concerns(what) && absenceContradicts(what);
        };
    }

    private boolean concerns(Found what) {
        return what instanceof Found.Route || ownIndex != 0 && what.index() == ownIndex
                || incomplete && underlayIndex != 0 && what.index() == underlayIndex && what instanceof Found.Address;
    }

    private boolean linkContradicts(Found.Link link) {
        if (link.name().equals(state.underlay())) {
            return incomplete || link.index() != underlayIndex || link.up() != underlayUp;
        }
        return state.link() != null && link.name().equals(state.link().name())
                && (link.index() != ownIndex || ownLink.differs(link, state.link(), underlayIndex)) && deviceDiffers();
    }

    /** What was heard may be one of the steps in which we made the device ourselves; so look how it is by now. */
    private boolean deviceDiffers() {
        try {
            Optional<Found.Link> now = tables.link(state.link().name());
            return now.isEmpty() || now.get().index() != ownIndex || ownLink.differs(now.get(), state.link(), underlayIndex);
        } catch (SystemCallException e) {
            return true;
        }
    }

    private boolean appearanceContradicts(Found what) {
        if (what.index() != ownIndex && what instanceof Found.Address) {
            return true;
        }
        KernelEntry rightful = declared.inPlaceOf(what);
        if (rightful != null) {
            return !asFound(rightful).equals(likeDeclared(what));
        }
        return isStale(what) && !(what instanceof Found.Neighbour neighbour && !Neighbours.isPermanent(neighbour));
    }

    private boolean absenceContradicts(Found what) {
        if (what.index() != ownIndex && what instanceof Found.Address) {
            return true;
        }
        KernelEntry rightful = declared.inPlaceOf(what);
        if (rightful == null) {
            return false;
        }
        return switch (what) {
            // a neighbour that vanishes tells no longer what it was
            case Found.Neighbour neighbour -> true;
            case Found.Route route -> incomplete || asFound(rightful).equals(likeDeclared(what));
            default -> asFound(rightful).equals(what);
        };
    }

    private int indexOf(String device) {
        if (state.link() != null && device.equals(state.link().name())) {
            return ownIndex;
        }
        return device.equals(state.underlay()) ? underlayIndex : 0;
    }

    /** A declared entry in the form that the kernel tells it when it is there. */
    private Found asFound(KernelEntry entry) {
        int index = indexOf(entry.device());
        return switch (entry) {
            case KernelEntry.Address address -> new Found.Address(index, address.address(), address.prefixLength());
            case KernelEntry.Route route -> new Found.Route(index, route.destination(), route.gateway(), route.onlink(), ROUTE_PROTOCOL,
                    route.gateway() == null ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE, 0, true);
            case KernelEntry.Neighbour neighbour -> new Found.Neighbour(index, neighbour.address(), neighbour.mac(), NUD_PERMANENT);
            case KernelEntry.Fdb fdb -> new Found.Fdb(index, fdb.mac(), fdb.vtep(), NUD_PERMANENT);
        };
    }

    private String describe(Found what) {
        String device = what.index() == 0 ? "" : " dev " + (what.index() == ownIndex && state.link() != null ? state.link().name()
                : what.index() == underlayIndex ? state.underlay() : "number " + what.index());
        return switch (what) {
            case Found.Link link -> "link " + link.name();
            case Found.Address address -> "address " + address.address() + "/" + address.prefixLength() + device;
            case Found.Route route -> "route " + route.destination() + (route.gateway() == null ? "" : " via " + route.gateway()) + device
                    + (route.onlink() ? " onlink" : "");
            case Found.Neighbour neighbour -> "neighbour " + neighbour.address() + " lladdr " + neighbour.mac() + device;
            case Found.Fdb fdb -> "FDB entry " + fdb.mac() + " dst " + fdb.vtep() + device;
        };
    }

    /** Leaves the kernel as it is: the data path outlives the daemon. */
    @Override
    public void close() {
        tables.close();
    }
}
