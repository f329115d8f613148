package flannel.kernel;

import static flannel.netlink.Rtm.NUD_PERMANENT;
import static flannel.netlink.Rtm.RTPROT_KERNEL;
import static flannel.netlink.Rtm.RT_SCOPE_LINK;
import static flannel.netlink.Rtm.RT_SCOPE_UNIVERSE;

/**
 * The two devices of a network as they are now, and with them the translation between entries as declared, which name their device, and as
 * the kernel tells them, by its index.
 *
 * @param own           name of the network's own device; empty when there is none
 * @param ownIndex      0 when there is none
 * @param underlay      name of the interface that leads to the other hosts
 * @param underlayIndex 0 while it is not known
 */
record Devices(String own, int ownIndex, String underlay, int underlayIndex) {

    /** The scope of a route with a gateway means nothing for forwarding; ours have one up to this. */
    static final int LAST_SCOPE = 199;

    /** Of a route that is to count for nothing where there is another one. */
    static final int LAST_METRIC = 1 << 24;

    /** Nothing is known of either. */
    static final Devices NONE = new Devices("", 0, "", 0);

    Devices withOwn(String name, int index) {
        return new Devices(name, index, underlay, underlayIndex);
    }

    boolean isOwn(Found what) {
        return ownIndex != 0 && what.index() == ownIndex;
    }

    boolean isUnderlay(Found what) {
        return underlayIndex != 0 && what.index() == underlayIndex;
    }

    /** 0 when that device is not there. */
    int indexOf(String device) {
        return device.equals(own) ? ownIndex : device.equals(underlay) ? underlayIndex : 0;
    }

    /** A declared entry in the form that the kernel tells it when it is there. */
    Found asFound(KernelEntry entry) {
        int index = indexOf(entry.device());
        return switch (entry) {
            case KernelEntry.Address address -> new Found.Address(index, address.address(), address.prefixLength());
            case KernelEntry.Route route -> new Found.Route(index, route.destination(), route.gateway(), route.onlink(),
                    Reconciler.ROUTE_PROTOCOL, route.gateway() == null ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE, 0, true);
            case KernelEntry.Unreachable none -> new Found.Route(0, none.destination(), null, false, Reconciler.ROUTE_PROTOCOL, RT_SCOPE_UNIVERSE,
                    LAST_METRIC, false);
            case KernelEntry.Neighbour neighbour -> new Found.Neighbour(index, neighbour.address(), neighbour.mac(), NUD_PERMANENT);
            case KernelEntry.Fdb fdb -> new Found.Fdb(index, fdb.mac(), fdb.vtep(), NUD_PERMANENT);
        };
    }

    /** In the form of a declared entry what does the same as one: a route of any scope, or the one that the kernel made of our address. */
    Found likeDeclared(Found what) {
        if (!(what instanceof Found.Route route)) {
            return what;
        }
        if (route.gateway() == null && route.protocol() == RTPROT_KERNEL && isOwn(route)) {
            return new Found.Route(ownIndex, route.destination(), null, false, Reconciler.ROUTE_PROTOCOL, RT_SCOPE_LINK, route.metric(),
                    true);
        }
        return route.gateway() != null && route.scope() <= LAST_SCOPE ? route.withScope(RT_SCOPE_UNIVERSE) : what;
    }

    /** Whether it is a route as of {@link KernelEntry.Unreachable}. */
    static boolean isForNobody(Found.Route route) {
        return route.index() == 0 && !route.plain() && route.metric() == LAST_METRIC;
    }

    /** Names an entry as ip(8) would. */
    String describe(Found what) {
        return describe(what, isOwn(what) ? own : isUnderlay(what) ? underlay : "");
    }

    /** @param name of the device; empty when it is not known */
    static String describe(Found what, String name) {
        String device = what.index() == 0 ? "" : " dev " + (name.isEmpty() ? "number " + what.index() : name);
        return switch (what) {
            case Found.Link link -> "link " + link.name();
            case Found.Address address -> "address " + address.address() + "/" + address.prefixLength() + device;
            case Found.Route route -> (isForNobody(route) ? "unreachable " : "") + "route " + route.destination() + (route.gateway() == null ? "" : " via " + route.gateway()) + device
                    + (route.onlink() ? " onlink" : "");
            case Found.Neighbour neighbour -> "neighbour " + neighbour.address() + " lladdr " + neighbour.mac() + device;
            case Found.Fdb fdb -> "FDB entry " + fdb.mac() + " dst " + fdb.vtep() + device;
        };
    }
}
