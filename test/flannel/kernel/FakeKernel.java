package flannel.kernel;

import flannel.linux.Errno;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/** The kernel's tables in memory, with eth0 as device 3; keeps what was asked of it. */
public final class FakeKernel implements KernelTables {

    public static final int ETH0 = 3;

    /** Everything there is; a test may add to it and take from it. */
    public final Set<Found> entries = new LinkedHashSet<>();
    /** Every change asked for since a test last cleared it. */
    final List<Change> asked = new ArrayList<>();
    /** What the kernel refuses to put in. */
    public Predicate<Found> unwelcome = what -> false;
    /** Whether it is a kernel that can change a VXLAN device in place. */
    boolean changesVxlan = true;
    /** Whether it can bring a device up. */
    public boolean bringsUp = true;
    /** How many changes go well until its socket breaks. */
    public int breaksAfter = Integer.MAX_VALUE;
    /** Tables that were read. */
    int reads;
    private int lastIndex = ETH0;

    public FakeKernel() {
        entries.add(new Found.Link(ETH0, "eth0", true, false, 1500, 1000, MacAddress.parse("02:00:00:00:e0:00"), "veth", null));
    }

    /** A reconciler of these tables. */
    public Reconciler reconciler(Log log) {
        return new Reconciler(log, this);
    }

    /** A packet filter that finds no programs to run, so that it leaves this machine alone. */
    public static PacketFilter packetFilter(Log log) {
        return new PacketFilter(false, log, Optional::empty, Runnable::run);
    }

    private <T extends Found> List<T> all(Class<T> type) {
        reads++;
        return entries.stream().filter(type::isInstance).map(type::cast).toList();
    }

    @Override
    public List<Found.Link> links() {
        return all(Found.Link.class);
    }

    @Override
    public Optional<Found.Link> link(String name) {
        return links().stream().filter(link -> link.name().equals(name)).findFirst();
    }

    @Override
    public List<Found.Address> addresses(int index) {
        return all(Found.Address.class).stream().filter(address -> index == 0 || address.index() == index).toList();
    }

    @Override
    public List<Found.Route> routes() {
        return all(Found.Route.class);
    }

    @Override
    public Found.Route routeTo(Ipv4 destination) throws SystemCallException {
        return routes().stream().filter(route -> route.destination().contains(destination))
                .max(Comparator.comparing(route -> route.destination().prefixLength()))
                .map(route -> new Found.Route(route.index(), new Ipv4Subnet(destination, 32), route.gateway(), false, 0, 0, 0, true))
                .orElseThrow(() -> new SystemCallException("look up the route to " + destination, Errno.ENETUNREACH));
    }

    @Override
    public List<Found.Neighbour> neighbours(int index) {
        return all(Found.Neighbour.class).stream().filter(neighbour -> neighbour.index() == index).toList();
    }

    @Override
    public List<Found.Fdb> fdb(int index) {
        return all(Found.Fdb.class).stream().filter(entry -> entry.index() == index).toList();
    }

    /** As the kernel does it: each change in its turn, and what the place of an entry is differs from table to table. */
    @Override
    public void execute(List<Change> changes, Refusals refusals) throws SystemCallException {
        Map<Object, Found> places = new HashMap<>();
        entries.forEach(entry -> places.put(place(entry), entry));
        for (Change change : changes) {
            if (breaksAfter-- == 0) {
                throw new SystemCallException("send", Errno.ENOBUFS);
            }
            asked.add(change);
            Found what = change.what();
            if (change.kind() == Change.Kind.DELETE) {
                places.remove(place(what), what);
                entries.remove(what);
            } else if (unwelcome.test(what)) {
                refusals.refused(change, new SystemCallException("adding it", Errno.ENETUNREACH));
            } else if (change.kind() == Change.Kind.ADD && places.containsKey(place(what))) {
                refusals.refused(change, new SystemCallException("adding it", Errno.EEXIST));
            } else {
                Found before = places.put(place(what), what);
                entries.remove(before);
                entries.add(what);
            }
        }
    }

    private static Object place(Found what) {
        return switch (what) {
            case Found.Route route -> List.of(route.destination(), route.metric());
            case Found.Neighbour neighbour -> List.of(neighbour.index(), neighbour.address());
            case Found.Fdb entry -> List.of(entry.index(), entry.mac());
            default -> what;
        };
    }

    @Override
    public void createVxlan(Link.Vxlan wanted, MacAddress mac, int underlayIndex) {
        entries.add(new Found.Link(++lastIndex, wanted.name(), false, false, wanted.mtu(), 1000, mac, "vxlan",
                new Found.Vxlan(wanted.vni(), wanted.port(), wanted.local(), underlayIndex, wanted.learning(), wanted.gbp(), true)));
    }

    @Override
    public void changeVxlan(int index, Link.Vxlan wanted, int underlayIndex) throws SystemCallException {
        Found.Link there = links().stream().filter(link -> link.index() == index).findFirst().orElseThrow();
        if (!changesVxlan) {
            throw new SystemCallException("change it", Errno.EOPNOTSUPP);
        }
        Found.Vxlan is = there.vxlan();
        entries.remove(there);
        entries.add(new Found.Link(index, there.name(), there.up(), false, there.mtu(), there.queueLength(), there.mac(), there.kind(),
                new Found.Vxlan(is.vni(), is.port(), wanted.local(), underlayIndex, is.learning(), is.gbp(), is.plain())));
    }

    @Override
    public void deleteLink(int index, String name) {
        entries.removeIf(entry -> entry.index() == index);
    }

    @Override
    public void setLink(int index, String name, int mtu, MacAddress mac, int queueLength) throws SystemCallException {
        if (!bringsUp) {
            throw new SystemCallException("bring " + name + " up", Errno.ENETUNREACH);
        }
        Found.Link link = link(name).orElseThrow();
        entries.remove(link);
        entries.add(new Found.Link(index, name, true, false, mtu, queueLength < 0 ? link.queueLength() : queueLength,
                mac == null ? link.mac() : mac, link.kind(), link.vxlan()));
    }

    @Override
    public boolean sendChecksums(String device) {
        return true;
    }

    @Override
    public void setSendChecksums(String device, boolean on) {
    }

    @Override
    public void stopAskingUserSpace(String device) {
    }

    @Override
    public void close() {
    }
}
