package flannel.kernel;

import flannel.linux.Errno;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Makes the kernel equal to what one network has declared: reads the tables, compares, and sends the difference in batches. Used by the
 * network's own thread only, in the network namespace of the thread that opened it.
 *
 * <p>Ours, and removed when not declared: everything on the network's own device (but what the kernel itself put there), and routes with
 * {@link #ROUTE_PROTOCOL} within the network's range; once also the routes that a Go flanneld's host-gw left, when {@link DesiredState}
 * has evidence of them. Nothing else is ever touched.
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

    /** More are not told of: thousands of entries may be refused for one and the same reason. */
    static final int MOST_FAILURES = 100;

    private final KernelTables tables;
    private final OwnLink ownLink;
    private final Declared declared = new Declared();
    private final Routes routes;
    private DesiredState state;
    private Devices devices = Devices.NONE;
    private boolean underlayUp;
    private boolean sparing;
    private boolean incomplete;
    /** Whether the last comparison came to its end, and what the kernel has refused since, as declared. */
    private boolean compared;
    private final Set<Found> absent = new HashSet<>();
    private long comparisons;
    private Comparison last = new Comparison(Map.of(), "");

    Reconciler(Log log, KernelTables tables) {
        this.tables = tables;
        this.ownLink = new OwnLink(log, tables);
        this.routes = new Routes(log, tables, declared);
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
     * What the last comparison had to change.
     *
     * @param changed kinds of entries (link, address, route, neighbour, fdb) and how many of each; empty when all was as declared
     * @param first   one of them, as a person would name it
     */
    public record Comparison(Map<String, Integer> changed, String first) {
    }

    int port() {
        return tables.port();
    }

    /** Names something on this network's devices as ip(8) would. */
    String describe(Found what) {
        return devices.describe(what);
    }

    /** How often the whole state was compared with the kernel's tables. */
    public long comparisons() {
        return comparisons;
    }

    public Comparison lastComparison() {
        return last;
    }

    /** Whether it is known what of the declared is in the kernel: not while the tables can't be read, or the network's device be had. */
    public boolean isCompared() {
        return compared;
    }

    /** Whether nothing on this host leads into a network yet: neither its device is here, nor a route, whoever's, into its range. */
    public boolean isBare(Ipv4Subnet network, Link device) throws SystemCallException {
        return !(device instanceof Link.Vxlan && tables.link(device.name()).isPresent())
                && tables.routes().stream().noneMatch(route -> network.contains(route.destination()));
    }

    /** Whether a declared entry is in the kernel, as far as was seen and heard. */
    public boolean holds(KernelEntry entry) {
        return absent.isEmpty() || !absent.contains(devices.asFound(entry));
    }

    /**
     * The address that the wanted device will have instead of its own, so that the lease can tell it before {@link #apply}: the one that
     * peers know already, or that of a device which is there and would be adopted, since it agrees in all that can't be changed on it.
     */
    public Optional<MacAddress> vtepMac(Link.Vxlan wanted) throws SystemCallException {
        return ownLink.address(wanted);
    }

    /**
     * Declares the whole state and makes the kernel equal to it. Another underlay than before is followed: the network's own device keeps
     * its MAC, and all that is on it where the kernel can change the device in place.
     *
     * @throws SystemCallException when the network's device can't be had, so that nothing would work, or the tables can't be read
     */
    public List<Failure> apply(DesiredState desired) throws SystemCallException {
        if (state != null && state.link() instanceof Link.Vxlan former
                && (desired.link() == null || !desired.link().name().equals(former.name()))) {
            ownLink.remove(former);
        }
        state = desired;
        routes.declare(desired);
        declared.clear();
        desired.entries().forEach(declared::put);
        return reconcile();
    }

    /**
     * Whether what is ours and in nothing's way stays, though it is not declared: as long as not all that may be wanted is known. For the next
     * comparison.
     */
    public void spare(boolean undeclared) {
        sparing = undeclared;
        routes.spare(undeclared);
    }

    /**
     * Takes a network off this host: its device with all that is on it, and its routes. Nothing is declared afterwards.
     *
     * @param former what was declared, or would have been; its entries do not matter
     * @return what could not be removed
     */
    public List<Failure> withdraw(DesiredState former) throws SystemCallException {
        if (former.link() instanceof Link.Vxlan vxlan && ownLink.address(vxlan).isPresent()) {
            ownLink.remove(vxlan);
        }
        state = null;
        List<Failure> failures = apply(new DesiredState(former.network(), former.subnetLength(), former.underlay(), null, List.of(), Set.of()));
        state = null;
        return failures;
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
                if (entry instanceof KernelEntry.Route route && routes.release(route)) {
                    replaced.add(route.destination());
                }
            }
        }
        Plan plan = new Plan();
        boolean devicesKnown = true;
        for (KernelEntry entry : wanted) {
            if (declared.put(entry)) {
                devicesKnown &= devices.indexOf(entry.device()) != 0;
                boolean inPlace = !(entry instanceof KernelEntry.Route route) || replaced.contains(route.destination());
                plan.put(inPlace ? Change.Kind.PUT : Change.Kind.ADD, Routes.spread(devices.asFound(entry), declared.routes().size()));
            }
        }
        if (!devicesKnown) {
            return reconcile();
        }
        for (KernelEntry entry : removed) {
            Found former = devices.asFound(entry);
            KernelEntry successor = declared.inPlaceOf(former);
            // a MAC that moved to another end point may have both for a moment
            if (former.index() != 0 && (successor == null || former instanceof Found.Fdb && !successor.equals(entry))) {
                plan.delete(former);
            }
        }
        // a refusal means that the kernel is not as we thought: a device gone, a foreign route in the way
        List<Failure> refused = execute(plan, new HashSet<>());
        if (!refused.isEmpty()) {
            // but not to look at it again for each of ten thousand gateways that are not on-link
            return incomplete ? refused : reconcile();
        }
        wanted.forEach(routes::hold);
        return List.of();
    }

    /** Compares the kernel with everything that is declared and sends the difference. */
    public List<Failure> reconcile() throws SystemCallException {
        if (state == null) {
            return List.of();
        }
        incomplete = true;
        compared = false;
        absent.clear();
        comparisons++;
        int formerIndex = devices.ownIndex();
        devices = Devices.NONE;
        Found.Link underlay = tables.link(state.underlay())
                .orElseThrow(() -> new SystemCallException("find interface " + state.underlay(), Errno.ENODEV));
        underlayUp = underlay.up();
        devices = new Devices("", 0, underlay.name(), underlay.index());
        if (state.link() != null) {
            devices = devices.withOwn(state.link().name(), ownLink.ensure(state.link(), underlay.index()));
        }
        Plan plan = new Plan();
        compareOwnDevice(plan);
        List<Failure> failures = routes.compare(devices, plan, absent);
        Set<Change> refused = new HashSet<>();
        failures.addAll(execute(plan, refused));
        incomplete = !failures.isEmpty();
        compared = true;
        last = comparison(plan, refused, formerIndex);
        return failures;
    }

    private Comparison comparison(Plan plan, Set<Change> refused, int formerIndex) {
        Map<String, Integer> changed = new TreeMap<>();
        String first = "";
        if (state.link() != null && ownLink.touched()) {
            changed.put("link", 1);
            first = (formerIndex == 0 || formerIndex == devices.ownIndex() ? "" : "deleted ") + "link " + state.link().name();
        }
        Map<String, int[]> counts = new HashMap<>(); // of thousands: numbers that stay where they are
        for (Change change : plan.changes()) {
            if (refused.isEmpty() || !refused.contains(change)) {
                counts.computeIfAbsent(kind(change.what()), kind -> new int[1])[0]++;
                first = first.isEmpty() ? (change.kind() == Change.Kind.DELETE ? "stray " : "") + devices.describe(change.what()) : first;
            }
        }
        counts.forEach((kind, count) -> changed.put(kind, count[0]));
        return new Comparison(changed, first);
    }

    static String kind(Found what) {
        return switch (what) {
            case Found.Link link -> "link";
            case Found.Address address -> "address";
            case Found.Route route -> "route";
            case Found.Neighbour neighbour -> "neighbour";
            case Found.Fdb fdb -> "fdb";
        };
    }

    private void compareOwnDevice(Plan plan) throws SystemCallException {
        Set<Found> missing = new LinkedHashSet<>();
        declared.addresses().forEach(entry -> missing.add(devices.asFound(entry)));
        if (devices.ownIndex() != 0) {
            for (Found.Address found : tables.addresses(devices.ownIndex())) {
                if (!missing.remove(found) && isStale(found)) {
                    plan.delete(found);
                }
            }
        }
        missing.forEach(entry -> plan.put(Change.Kind.PUT, entry));
        missing.clear();
        declared.neighbours().forEach(entry -> missing.add(devices.asFound(entry)));
        declared.fdb().forEach(entry -> missing.add(devices.asFound(entry)));
        if (devices.ownIndex() != 0) {
            List<Found> there = new ArrayList<>(tables.neighbours(devices.ownIndex()));
            there.addAll(tables.fdb(devices.ownIndex()));
            for (Found found : there) {
                if (!missing.remove(found) && isStale(found)) {
                    plan.delete(found);
                }
            }
            for (Found found : there) {
                // such an entry only goes together with the MAC's right one
                if (found instanceof Found.Fdb fdb && fdb.vtep() == null && declared.inPlaceOf(fdb) != null) {
                    missing.add(devices.asFound(declared.inPlaceOf(fdb)));
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
            case Found.Neighbour neighbour -> rightful == null && !sparing && Neighbours.isUsable(neighbour);
            // a MAC can have several destinations, so the wrong ones have to go; learned ones age
            case Found.Fdb entry -> rightful instanceof KernelEntry.Fdb fdb ? !fdb.vtep().equals(entry.vtep()) : !sparing && Neighbours.isStatic(entry);
            case Found.Route route -> rightful == null && !sparing && routes.isOurs(route, devices);
            case Found.Link link -> false;
        };
    }

    private List<Failure> execute(Plan plan, Set<Change> refused) throws SystemCallException {
        List<Failure> failures = new ArrayList<>();
        List<Change> changes = plan.changes();
        if (!absent.isEmpty()) {
            changes.forEach(change -> absent.remove(devices.likeDeclared(change.what())));
        }
        tables.execute(changes, (change, why) -> {
            refused.add(change);
            if (change.kind() != Change.Kind.DELETE) {
                absent.add(devices.likeDeclared(change.what()));
            }
            if (failures.size() < MOST_FAILURES) {
                failures.add(new Failure(devices.describe(change.what()), why));
            }
        });
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
            case KernelEvent.Appeared(Found.Link link, String by) -> linkContradicts(link);
            case KernelEvent.Vanished(Found.Link link, String by) -> devices.isOwn(link) || link.name().equals(state.underlay());
            case KernelEvent.Appeared(Found.Route route, String by) when routes.decidesOnUnreachable(route) -> true;
            case KernelEvent.Vanished(Found.Route route, String by) when routes.decidesOnUnreachable(route) -> true;
            case KernelEvent.Appeared(Found what, String by) -> concerns(what) && appearanceContradicts(what);
            case KernelEvent.Vanished(Found what, String by) -> concerns(what) && absenceContradicts(what);
        };
    }

    private boolean concerns(Found what) {
        return what instanceof Found.Route || devices.isOwn(what) || isUnderlaysAddress(what);
    }

    /** The kernel flushes a device's routes together with its last address, and tells nothing of them (fib_disable_ip). */
    private boolean isUnderlaysAddress(Found what) {
        return what instanceof Found.Address && devices.isUnderlay(what);
    }

    private boolean linkContradicts(Found.Link link) {
        if (link.name().equals(state.underlay())) {
            return incomplete || link.index() != devices.underlayIndex() || link.up() != underlayUp;
        }
        return state.link() != null && link.name().equals(state.link().name())
                && (link.index() != devices.ownIndex() || ownLink.differs(link, state.link(), devices.underlayIndex())) && deviceDiffers();
    }

    /** What was heard may be one of the steps in which we made the device ourselves; so look how it is by now. */
    private boolean deviceDiffers() {
        try {
            Optional<Found.Link> now = tables.link(state.link().name());
            return now.isEmpty() || !devices.isOwn(now.get()) || ownLink.differs(now.get(), state.link(), devices.underlayIndex());
        } catch (SystemCallException e) {
            return true;
        }
    }

    private boolean appearanceContradicts(Found what) {
        if (isUnderlaysAddress(what)) {
            return true;
        }
        KernelEntry rightful = declared.inPlaceOf(what);
        if (rightful != null) {
            return !devices.asFound(rightful).equals(devices.likeDeclared(what));
        }
        return isStale(what) && !(what instanceof Found.Neighbour neighbour && !Neighbours.isPermanent(neighbour));
    }

    private boolean absenceContradicts(Found what) {
        if (isUnderlaysAddress(what)) {
            return true;
        }
        KernelEntry rightful = declared.inPlaceOf(what);
        if (rightful == null) {
            return false;
        }
        return switch (what) {
            // a neighbour that vanishes tells no longer what it was
            case Found.Neighbour neighbour -> true;
            case Found.Route route -> incomplete || devices.asFound(rightful).equals(devices.likeDeclared(what));
            default -> devices.asFound(rightful).equals(what);
        };
    }

    /** Leaves the kernel as it is: the data path outlives the daemon. */
    @Override
    public void close() {
        tables.close();
    }
}
