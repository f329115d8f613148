package flannel.kernel;

import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** The network interfaces of this host and their IPv4 addresses, as they are at one moment. */
record Interfaces(List<Found.Link> links, List<Found.Address> addresses) {

    /** So many are named when the operator has to choose: a host full of containers has thousands. */
    private static final int NAMED = 12;

    static Interfaces of(KernelTables kernel) throws SystemCallException {
        return new Interfaces(kernel.links(), kernel.addresses(0));
    }

    Optional<Found.Link> byIndex(int index) {
        return links.stream().filter(link -> link.index() == index).findFirst();
    }

    Optional<Found.Link> byName(String name) {
        return links.stream().filter(link -> link.name().equals(name)).findFirst();
    }

    List<Found.Address> addresses(Found.Link link) {
        return addresses.stream().filter(address -> address.index() == link.index()).toList();
    }

    /** An interface with an address that it has. */
    Optional<Underlay> with(Ipv4 address, Found.Link link) {
        return addresses(link).stream().filter(each -> each.address().equals(address)).map(each -> underlay(link, each)).findFirst();
    }

    /** Whichever interface has an address. */
    Optional<Underlay> with(Ipv4 address) {
        return links.stream().flatMap(link -> with(address, link).stream()).findFirst();
    }

    /** An interface with its first global address that will do; a link-local one when there is nothing else. */
    Optional<Underlay> best(Found.Link link, Predicate<Underlay> fitting) {
        List<Underlay> all = addresses(link).stream().map(address -> underlay(link, address)).filter(fitting).toList();
        return all.stream().filter(each -> each.address().isGlobalUnicast()).findFirst()
                .or(() -> all.stream().filter(each -> each.address().isLinkLocal()).findFirst());
    }

    Underlay best(Found.Link link) throws UnderlayException {
        return best(link, any -> true)
                .orElseThrow(() -> new UnderlayException("failed to find IPv4 address for interface " + link.name() + present()));
    }

    static Underlay underlay(Found.Link link, Found.Address address) {
        return new Underlay(link.name(), link.index(), address.address(), new Ipv4Subnet(address.address(), address.prefixLength()),
                link.mtu(), mac(link));
    }

    static MacAddress mac(Found.Link link) {
        return link.mac() == null ? new MacAddress(0) : link.mac();
    }

    /** The end of a sentence that tells the operator what there is to choose from. */
    String present() {
        List<String> named = links.stream().filter(link -> !link.loopback() && !addresses(link).isEmpty())
                .map(link -> link.name() + addresses(link).stream().map(each -> each.address().toString())
                        .collect(Collectors.joining(", ", " (", ")"))).toList();
        return named.isEmpty() ? "; no interface has an IPv4 address" : "; there are "
                + String.join(", ", named.subList(0, Math.min(NAMED, named.size())))
                + (named.size() > NAMED ? " and " + (named.size() - NAMED) + " more" : "");
    }
}
