package flannel.kernel;

import flannel.linux.Ethtool;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.MacAddress;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How the kernel differs from what a network wants there: what a {@link Reconciler} would do, and does not. In the calling thread's network
 * namespace.
 *
 * @param device  what is wrong with the network's own device, in clauses; empty for nothing
 * @param missing number of entries that should be there, by kind (address, route, neighbour, fdb)
 * @param stray   number of entries of ours that should not
 * @param first   one of them, as a person would name it; empty for none
 * @param refused what can't be put in, and why: a foreign route, or a device with an address in a peer's subnet
 */
public record Inspection(List<String> device, Map<String, Integer> missing, Map<String, Integer> stray, String first, List<String> refused) {

    /** Looks; {@code mac} is what the peers take the device's address for, null when they do not care. */
    public static Inspection of(DesiredState desired, MacAddress mac) throws SystemCallException {
        try (Observed tables = new Observed(Rtnetlink.open())) {
            Reconciler reconciler = new Reconciler(new Log(new PrintStream(OutputStream.nullOutputStream()), 0), tables);
            List<String> refused = reconciler.apply(desired).stream().map(failure -> failure.what() + ": " + failure.why().getMessage()).toList();
            if (desired.link() != null) {
                tables.link(desired.link().name()).filter(link -> mac != null && !mac.equals(link.mac()))
                        .ifPresent(link -> tables.device.add(link.name() + " has the address " + link.mac() + ", the lease says " + mac));
            }
            Map<String, Integer> missing = new HashMap<>();
            Map<String, Integer> stray = new HashMap<>();
            for (Change change : tables.changes) {
                (change.kind() == Change.Kind.DELETE ? stray : missing).merge(Reconciler.kind(change.what()), 1, Integer::sum);
            }
            String first = tables.changes.isEmpty() ? "" : reconciler.describe(tables.changes.getFirst().what());
            return new Inspection(List.copyOf(tables.device), missing, stray, first, refused);
        }
    }

    /** All links that there are. */
    public static List<Found.Link> links() throws SystemCallException {
        try (Rtnetlink kernel = Rtnetlink.open()) {
            return kernel.links();
        }
    }

    /** All addresses of all devices. */
    public static List<Found.Address> addresses() throws SystemCallException {
        try (Rtnetlink kernel = Rtnetlink.open()) {
            return kernel.addresses(0);
        }
    }

    /** The routes of the main table. */
    public static List<Found.Route> routes() throws SystemCallException {
        try (Rtnetlink kernel = Rtnetlink.open()) {
            return kernel.routes();
        }
    }

    /** Whether the checksums of what is sent are left to a device. */
    public static boolean sendChecksums(String device) throws SystemCallException {
        return Ethtool.sendChecksums(device);
    }

    /** A device's ARP entries that have an address. */
    public static Map<Ipv4, MacAddress> neighbours(int index) throws SystemCallException {
        Map<Ipv4, MacAddress> neighbours = new HashMap<>();
        try (Rtnetlink kernel = Rtnetlink.open()) {
            for (Found.Neighbour neighbour : kernel.neighbours(index)) {
                if (neighbour.mac() != null) {
                    neighbours.put(neighbour.address(), neighbour.mac());
                }
            }
        }
        return neighbours;
    }

    /** Those that somebody wrote there, to stay. */
    public static Map<Ipv4, MacAddress> fixedNeighbours(int index) throws SystemCallException {
        Map<Ipv4, MacAddress> fixed = new HashMap<>();
        try (Rtnetlink kernel = Rtnetlink.open()) {
            kernel.neighbours(index).stream().filter(neighbour -> neighbour.mac() != null && Neighbours.isPermanent(neighbour))
                    .forEach(neighbour -> fixed.put(neighbour.address(), neighbour.mac()));
        }
        return fixed;
    }

    /** The routes by which packets to these addresses leave; those that there is no route to are left out. */
    public static Map<Ipv4, Found.Route> ways(Collection<Ipv4> addresses) throws SystemCallException {
        Map<Ipv4, Found.Route> ways = new HashMap<>();
        try (Rtnetlink kernel = Rtnetlink.open()) {
            for (Ipv4 address : addresses) {
                try {
                    ways.put(address, kernel.routeTo(address));
                } catch (SystemCallException e) {
                    // no route: that is what it is left out for
                }
            }
        }
        return ways;
    }

    /** Index of the device by which a packet leaves that comes in at another one from elsewhere; 0 when it is not sent on. */
    public static int forwarded(Ipv4 source, int in, Ipv4 destination) throws SystemCallException {
        try (Rtnetlink kernel = Rtnetlink.open()) {
            return kernel.routeOf(source, in, destination).index();
        } catch (SystemCallException e) {
            return 0;
        }
    }

    /** Whether a route has the mark of this daemon's. */
    public static boolean isFlannels(Found.Route route) {
        return route.protocol() == Reconciler.ROUTE_PROTOCOL;
    }

    /** The kernel's tables, on which every change is noted and none is made. */
    private static final class Observed implements KernelTables {

        /** Index of a device that is not there, as if it had been made. */
        private static final int IMAGINED = Integer.MAX_VALUE;

        private final KernelTables kernel;
        private final List<String> device = new ArrayList<>();
        private final List<Change> changes = new ArrayList<>();
        private final Map<String, Found.Link> imagined = new HashMap<>();

        Observed(KernelTables kernel) {
            this.kernel = kernel;
        }

        @Override
        public List<Found.Link> links() throws SystemCallException {
            return kernel.links();
        }

        @Override
        public Optional<Found.Link> link(String name) throws SystemCallException {
            return imagined.containsKey(name) ? Optional.ofNullable(imagined.get(name)) : kernel.link(name);
        }

        @Override
        public List<Found.Address> addresses(int index) throws SystemCallException {
            return index == IMAGINED ? List.of() : kernel.addresses(index);
        }

        @Override
        public List<Found.Route> routes() throws SystemCallException {
            return kernel.routes();
        }

        @Override
        public Found.Route routeTo(Ipv4 destination) throws SystemCallException {
            return kernel.routeTo(destination);
        }

        @Override
        public List<Found.Neighbour> neighbours(int index) throws SystemCallException {
            return index == IMAGINED ? List.of() : kernel.neighbours(index);
        }

        @Override
        public List<Found.Fdb> fdb(int index) throws SystemCallException {
            return index == IMAGINED ? List.of() : kernel.fdb(index);
        }

        @Override
        public void execute(List<Change> wanted, Refusals refusals) {
            changes.addAll(wanted);
        }

        @Override
        public void createVxlan(Link.Vxlan wanted, MacAddress mac, int underlayIndex) throws SystemCallException {
            if (device.isEmpty()) {
                device.add(wanted.name() + " is not there");
            }
            imagined.put(wanted.name(), new Found.Link(IMAGINED, wanted.name(), true, false, wanted.mtu(), 0, mac, "vxlan",
                    new Found.Vxlan(wanted.vni(), wanted.port(), wanted.local(), underlayIndex, wanted.learning(), wanted.gbp(), true)));
        }

        @Override
        public void changeVxlan(int index, Link.Vxlan wanted, int underlayIndex) throws SystemCallException {
            Found.Vxlan is = kernel.link(wanted.name()).map(Found.Link::vxlan).orElseThrow();
            device.add(wanted.name() + " has the local address " + is.local() + " where " + wanted.local() + " is wanted, or another underlay");
            Found.Link there = kernel.link(wanted.name()).orElseThrow();
            imagined.put(wanted.name(), new Found.Link(there.index(), there.name(), there.up(), false, there.mtu(), there.queueLength(), there.mac(),
                    there.kind(), new Found.Vxlan(is.vni(), is.port(), wanted.local(), underlayIndex, is.learning(), is.gbp(), is.plain())));
        }

        @Override
        public void deleteLink(int index, String name) throws SystemCallException {
            Found.Vxlan is = kernel.link(name).map(Found.Link::vxlan).orElse(null);
            device.add(is == null ? name + " is no VXLAN device" : name + " is of VNI " + is.vni() + " and UDP port " + is.port()
                    + ", or learns addresses or uses GBP, unlike the network's config");
            imagined.put(name, null);
        }

        @Override
        public void setLink(int index, String name, int mtu, MacAddress mac, int queueLength) throws SystemCallException {
            Optional<Found.Link> is = index == IMAGINED ? Optional.empty() : kernel.link(name);
            is.filter(link -> !link.up()).ifPresent(link -> device.add(name + " is down"));
            is.filter(link -> link.mtu() != mtu).ifPresent(link -> device.add(name + " has an MTU of " + link.mtu() + ", " + mtu + " is right"));
        }

        @Override
        public boolean sendChecksums(String name) throws SystemCallException {
            return kernel.sendChecksums(name);
        }

        @Override
        public void setSendChecksums(String name, boolean on) {
            device.add(name + " has its checksum offload " + (on ? "off" : "on") + ", it should be " + (on ? "on" : "off"));
        }

        @Override
        public void stopAskingUserSpace(String name) {
        }

        @Override
        public void close() {
            kernel.close();
        }
    }
}
