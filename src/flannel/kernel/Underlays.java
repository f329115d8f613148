package flannel.kernel;

import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

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
     * @param canReach   an address; empty for none
     */
    public record Selection(List<String> iface, List<String> ifaceRegex, String canReach) {
    }

    /** Chooses; a failure's message is what the operator should read. */
    public static Underlay choose(Selection selection) throws UnderlayException {
        try (Rtnetlink kernel = Rtnetlink.open()) {
            return choose(selection, kernel);
        } catch (SystemCallException e) {
            throw new UnderlayException("can't list the network interfaces: " + e.getMessage());
        }
    }

    private static Underlay choose(Selection selection, Rtnetlink kernel) throws UnderlayException, SystemCallException {
        List<Found.Link> links = kernel.links();
        List<Found.Address> addresses = kernel.addresses(0);
        UnderlayException firstFailure = null;
        for (String wanted : selection.iface()) {
            try {
                return byNameOrAddress(wanted, links, addresses);
            } catch (UnderlayException e) {
                firstFailure = firstFailure == null ? e : firstFailure;
            }
        }
        for (String pattern : selection.ifaceRegex()) {
            try {
                return byPattern(pattern, links, addresses);
            } catch (UnderlayException e) {
                firstFailure = firstFailure == null ? e : firstFailure;
            }
        }
        if (firstFailure != null) {
            throw firstFailure;
        }
        return selection.canReach().isEmpty() ? byDefaultRoute(kernel, links, addresses)
                : byReach(selection.canReach(), kernel, links, addresses);
    }

    private static Underlay byNameOrAddress(String wanted, List<Found.Link> links, List<Found.Address> addresses) throws UnderlayException {
        if (!isAddress(wanted)) {
            Found.Link link = links.stream().filter(each -> each.name().equals(wanted)).findFirst()
                    .orElseThrow(() -> new UnderlayException("error looking up interface " + wanted + ": no such network interface"));
            return withBestAddress(link, addresses);
        }
        Ipv4 ip = Ipv4.parse(wanted);
        for (Found.Address address : addresses) {
            if (address.address().equals(ip)) {
                Optional<Found.Link> link = byIndex(address.index(), links);
                if (link.isPresent()) {
                    return underlay(link.get(), address);
                }
            }
        }
        throw new UnderlayException("error looking up interface " + wanted + ": No interface with given IP found");
    }

    private static Underlay byPattern(String text, List<Found.Link> links, List<Found.Address> addresses) throws UnderlayException {
        Pattern pattern;
        try {
            pattern = Pattern.compile(text);
        } catch (PatternSyntaxException e) {
            throw new UnderlayException("-iface-regex: \"" + text + "\" is not a regular expression: " + e.getDescription());
        }
        for (Found.Link link : links) {
            for (Found.Address address : addresses) {
                if (address.index() == link.index() && pattern.matcher(address.address().toString()).find()) {
                    return underlay(link, address);
                }
            }
        }
        for (Found.Link link : links) {
            if (pattern.matcher(link.name()).find()) {
                return withBestAddress(link, addresses);
            }
        }
        throw new UnderlayException("Could not match pattern " + text + " to any of the available network interfaces ("
                + String.join(", ", links.stream().map(Found.Link::name).toList()) + ")");
    }

    private static Underlay byReach(String wanted, Rtnetlink kernel, List<Found.Link> links, List<Found.Address> addresses)
            throws UnderlayException {
        if (!isAddress(wanted)) {
            throw new UnderlayException("-iface-can-reach: \"" + wanted + "\" is not an IPv4 address");
        }
        Found.Route route;
        try {
            route = kernel.routeTo(Ipv4.parse(wanted));
        } catch (SystemCallException e) {
            throw new UnderlayException("no interface can reach " + wanted + ": " + e.getMessage());
        }
        // the way to an address of one's own is the loopback interface; meant is the one that has it
        int index = addresses.stream().filter(each -> each.address().equals(route.destination().base())).findFirst()
                .map(Found.Address::index).orElse(route.index());
        Found.Link link = byIndex(index, links)
                .orElseThrow(() -> new UnderlayException("no interface can reach " + wanted));
        return withBestAddress(link, addresses);
    }

    private static Underlay byDefaultRoute(Rtnetlink kernel, List<Found.Link> links, List<Found.Address> addresses)
            throws UnderlayException, SystemCallException {
        Found.Link link = kernel.routes().stream()
                .filter(route -> route.destination().prefixLength() == 0 && route.index() != 0)
                .min(Comparator.comparing(Found.Route::metric, Integer::compareUnsigned))
                .flatMap(route -> byIndex(route.index(), links))
                .orElseThrow(() -> new UnderlayException("failed to get default interface: Unable to find default route"
                        + " (name an interface with -iface)"));
        return withBestAddress(link, addresses);
    }

    private static Underlay withBestAddress(Found.Link link, List<Found.Address> addresses) throws UnderlayException {
        return best(addresses.stream().filter(address -> address.index() == link.index()).toList())
                .map(address -> underlay(link, address))
                .orElseThrow(() -> new UnderlayException("failed to find IPv4 address for interface " + link.name()));
    }

    /** The first global address; a link-local one when there is nothing else. */
    private static Optional<Found.Address> best(List<Found.Address> addresses) {
        return addresses.stream().filter(each -> each.address().isGlobalUnicast()).findFirst()
                .or(() -> addresses.stream().filter(each -> each.address().isLinkLocal()).findFirst());
    }

    private static Optional<Found.Link> byIndex(int index, List<Found.Link> links) {
        return links.stream().filter(link -> link.index() == index).findFirst();
    }

    private static Underlay underlay(Found.Link link, Found.Address address) {
        return new Underlay(link.name(), link.index(), address.address(), new Ipv4Subnet(address.address(), address.prefixLength()),
                link.mtu(), link.mac() == null ? new MacAddress(0) : link.mac());
    }

    private static boolean isAddress(String text) {
        try {
            Ipv4.parse(text);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
