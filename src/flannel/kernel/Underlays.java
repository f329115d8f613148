package flannel.kernel;

import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/** Chooses the interface that leads to the other hosts, and follows it. In the calling thread's network namespace. */
public final class Underlays {

    private Underlays() {
    }

    /**
     * What the operator asks for. The first of {@code iface} that is there counts, then the first of {@code ifaceRegex} that matches. With
     * neither, the interface that packets to {@code canReach} leave by; with nothing at all, that of the default route.
     *
     * @param iface      names or addresses
     * @param ifaceRegex patterns, tried on each interface's addresses and then on the names; a match of a part is a match
     * @param canReach   an address; null for none
     */
    public record Selection(List<String> iface, List<Pattern> ifaceRegex, Ipv4 canReach) {

        /** Why an interface is chosen, as a clause. */
        public String reason() {
            if (iface.isEmpty() && ifaceRegex.isEmpty()) {
                return canReach == null ? "the default route leaves by it" : "packets to " + canReach + " leave by it";
            }
            return "it is the first that is there of -iface=" + String.join(",", iface)
                    + (ifaceRegex.isEmpty() ? "" : " or fits -iface-regex=" + ifaceRegex);
        }
    }

    /** Chooses; a failure's message is what the operator should read. */
    public static Underlay choose(Selection selection) throws UnderlayException {
        try (Rtnetlink kernel = Rtnetlink.open()) {
            return choose(selection, kernel);
        } catch (SystemCallException e) {
            throw new UnderlayException("can't list the network interfaces: " + e.getMessage());
        }
    }

    /** The hardware addresses of all interfaces that this machine has now. */
    public static List<MacAddress> cards() throws UnderlayException {
        try (Rtnetlink kernel = Rtnetlink.open()) {
            return kernel.links().stream().map(Found.Link::mac).filter(Objects::nonNull).toList();
        } catch (SystemCallException e) {
            throw new UnderlayException("can't list the network interfaces: " + e.getMessage());
        }
    }

    /**
     * Looks again, after a choice, for how things are now. It is the same interface as long as that is there, renamed (it keeps its index)
     * or made anew (it keeps its name), and the same address as long as the host has it: a default route that leads elsewhere for a while
     * moves nobody. When the address is gone another one of the interface counts, unless the operator asked for names, addresses or
     * patterns that it does not fit; then, and when the interface is gone, the choice is made anew.
     *
     * @param current what was last chosen or followed
     * @return equal to {@code current} when nothing has changed
     * @throws UnderlayException while there is no address to be used; the message says which one is missed
     */
    public static Underlay follow(Selection selection, Underlay current) throws UnderlayException {
        try (Rtnetlink kernel = Rtnetlink.open()) {
            return follow(selection, current, kernel);
        } catch (SystemCallException e) {
            throw new UnderlayException("can't list the network interfaces: " + e.getMessage());
        }
    }

    /**
     * Whether a notification is a reason to {@link #follow}.
     *
     * @param current null while there is none
     */
    public static boolean concerns(KernelEvent event, Underlay current) {
        return switch (event) {
            case KernelEvent.Overrun overrun -> true;
            case KernelEvent.RulesChanged rules -> false;
            case KernelEvent.Appeared(Found what, String by) -> current == null ? mayHelp(what) : differs(what, current);
            case KernelEvent.Vanished(Found what, String by) -> current != null && isOf(what, current);
        };
    }

    private static boolean mayHelp(Found what) {
        return switch (what) {
            case Found.Link link -> true;
            case Found.Address address -> true;
            case Found.Route route -> route.destination().prefixLength() == 0;
            case Found.Neighbour neighbour -> false;
            case Found.Fdb entry -> false;
        };
    }

    private static boolean isOf(Found what, Underlay current) {
        return switch (what) {
            case Found.Link link -> link.index() == current.index() || link.name().equals(current.name());
            case Found.Address address -> address.index() == current.index();
            default -> false;
        };
    }

    /** The kernel tells of a link for many reasons (carrier, a sniffer, a bridge that takes it), most of which change nothing here. */
    private static boolean differs(Found what, Underlay current) {
        return isOf(what, current) && !(what instanceof Found.Link link && link.index() == current.index()
                && link.name().equals(current.name()) && link.mtu() == current.mtu() && Interfaces.mac(link).equals(current.mac()));
    }

    /**
     * What of the way to the other hosts an overlay network would take for itself: a range that the interface has on its own link, or the
     * gateway of a default route. Empty when they are apart.
     *
     * @return a part of a sentence, as "the range 192.168.32.0/24 of eth0"
     */
    public static Optional<String> overlap(Ipv4Subnet network, Underlay underlay) throws SystemCallException {
        try (Rtnetlink kernel = Rtnetlink.open()) {
            return overlap(network, underlay, kernel);
        }
    }

    static Optional<String> overlap(Ipv4Subnet network, Underlay underlay, KernelTables kernel) throws SystemCallException {
        for (Found.Address address : kernel.addresses(underlay.index())) {
            Ipv4Subnet onLink = new Ipv4Subnet(address.address(), address.prefixLength());
            if (network.overlaps(onLink)) {
                return Optional.of("the range " + onLink + " of " + underlay.name());
            }
        }
        return kernel.routes().stream()
                .filter(route -> route.destination().prefixLength() == 0 && route.gateway() != null && network.contains(route.gateway()))
                .map(route -> "the gateway " + route.gateway() + " of the default route").findFirst();
    }

    static Underlay follow(Selection selection, Underlay current, KernelTables kernel) throws UnderlayException, SystemCallException {
        Interfaces there = Interfaces.of(kernel);
        Optional<Found.Link> link = there.byIndex(current.index()).or(() -> there.byName(current.name()));
        Optional<Underlay> same = link.flatMap(each -> there.with(current.address(), each))
                // it moved with its address, as to a bridge that was made of it
                .or(() -> there.with(current.address()).filter(each -> fits(selection, each)))
                .or(() -> link.flatMap(each -> there.best(each, candidate -> fits(selection, candidate))));
        if (same.isPresent()) {
            return same.get();
        }
        if (link.isPresent() && there.addresses(link.get()).isEmpty()) {
            throw new UnderlayException(link.get().name() + " has no IPv4 address");
        }
        try {
            return choose(selection, kernel);
        } catch (UnderlayException e) {
            throw new UnderlayException((link.isPresent() ? current.address() : current.name()) + " is gone: " + e.getMessage());
        }
    }

    /** Whether the operator, by names, addresses or patterns, could mean this one. */
    private static boolean fits(Selection selection, Underlay candidate) {
        String address = candidate.address().toString();
        return selection.iface().isEmpty() && selection.ifaceRegex().isEmpty()
                || selection.iface().contains(candidate.name()) || selection.iface().contains(address)
                || selection.ifaceRegex().stream().anyMatch(pattern -> pattern.matcher(address).find()
                        || pattern.matcher(candidate.name()).find());
    }

    static Underlay choose(Selection selection, KernelTables kernel) throws UnderlayException, SystemCallException {
        Interfaces there = Interfaces.of(kernel);
        UnderlayException firstFailure = null;
        for (String wanted : selection.iface()) {
            try {
                return byNameOrAddress(wanted, there);
            } catch (UnderlayException e) {
                firstFailure = firstFailure == null ? e : firstFailure;
            }
        }
        for (Pattern pattern : selection.ifaceRegex()) {
            try {
                return byPattern(pattern, there);
            } catch (UnderlayException e) {
                firstFailure = firstFailure == null ? e : firstFailure;
            }
        }
        if (firstFailure != null) {
            throw firstFailure;
        }
        Found.Link link = selection.canReach() == null ? ofDefaultRoute(kernel, there) : reaching(selection.canReach(), kernel, there);
        return there.best(link);
    }

    private static Underlay byNameOrAddress(String wanted, Interfaces there) throws UnderlayException {
        Optional<Ipv4> address = address(wanted);
        if (address.isPresent()) {
            return there.with(address.get()).orElseThrow(() -> new UnderlayException(
                    "-iface=" + wanted + ": No interface with given IP found" + there.present()));
        }
        return there.best(there.byName(wanted).orElseThrow(() -> new UnderlayException(
                "-iface=" + wanted + ": no such network interface" + there.present())));
    }

    private static Underlay byPattern(Pattern pattern, Interfaces there) throws UnderlayException {
        for (Found.Link link : there.links()) {
            for (Found.Address address : there.addresses(link)) {
                if (pattern.matcher(address.address().toString()).find()) {
                    return Interfaces.underlay(link, address);
                }
            }
        }
        for (Found.Link link : there.links()) {
            if (pattern.matcher(link.name()).find()) {
                return there.best(link);
            }
        }
        throw new UnderlayException("-iface-regex: Could not match pattern " + pattern + " to any of the available network interfaces"
                + there.present());
    }

    private static Found.Link reaching(Ipv4 wanted, KernelTables kernel, Interfaces there) throws UnderlayException {
        Found.Route route;
        try {
            route = kernel.routeTo(wanted);
        } catch (SystemCallException e) {
            throw new UnderlayException("-iface-can-reach: no interface can reach " + wanted + ": " + e.getMessage());
        }
        // the way to an address of one's own is the loopback interface; meant is the one that has it
        int index = there.with(wanted).map(Underlay::index).orElse(route.index());
        return there.byIndex(index).orElseThrow(() -> new UnderlayException("-iface-can-reach: no interface can reach " + wanted));
    }

    private static Found.Link ofDefaultRoute(KernelTables kernel, Interfaces there) throws UnderlayException, SystemCallException {
        return kernel.routes().stream()
                .filter(route -> route.destination().prefixLength() == 0 && route.index() != 0)
                .min(Comparator.comparing(Found.Route::metric, Integer::compareUnsigned))
                .flatMap(route -> there.byIndex(route.index()))
                .orElseThrow(() -> new UnderlayException("failed to get default interface: Unable to find default route"
                        + " (name an interface with -iface" + there.present() + ")"));
    }

    private static Optional<Ipv4> address(String text) {
        try {
            return Optional.of(Ipv4.parse(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
