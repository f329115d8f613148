package flannel.kernel;

import static flannel.netlink.Rtm.*;

import flannel.linux.LibcSocket;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import flannel.netlink.AttributeReader;
import flannel.netlink.MalformedMessageException;
import flannel.netlink.MessageReader;
import flannel.netlink.MessageWriter;
import flannel.netlink.Nlmsg;

/** Between {@link Found} values and rtnetlink messages (rtnetlink(7)). Pure. */
final class EntryCodec {

    private static final int AF_INET = LibcSocket.AF_INET;
    private static final int AF_BRIDGE = LibcSocket.AF_BRIDGE;

    private EntryCodec() {
    }

    /** Writes the message that makes or removes something. */
    static void write(MessageWriter out, Change change) {
        int flags = switch (change.kind()) {
            case ADD -> Nlmsg.NLM_F_CREATE | Nlmsg.NLM_F_EXCL;
            case PUT -> Nlmsg.NLM_F_CREATE | Nlmsg.NLM_F_REPLACE;
            case DELETE -> 0;
        };
        boolean delete = change.kind() == Change.Kind.DELETE;
        switch (change.what()) {
            case Found.Address address -> write(out.begin(delete ? RTM_DELADDR : RTM_NEWADDR, flags), address);
            case Found.Route route -> write(out.begin(delete ? RTM_DELROUTE : RTM_NEWROUTE, flags), route, delete);
            case Found.Neighbour neighbour -> write(out.begin(delete ? RTM_DELNEIGH : RTM_NEWNEIGH, flags), neighbour);
            case Found.Fdb fdb -> write(out.begin(delete ? RTM_DELNEIGH : RTM_NEWNEIGH, flags), fdb);
            case Found.Link link -> throw new IllegalArgumentException("a link is not a table's entry: " + link);
        }
        out.end();
    }

    private static void write(MessageWriter out, Found.Address address) {
        out.ifaddrmsg(AF_INET, address.prefixLength(), RT_SCOPE_UNIVERSE, address.index())
                .ipv4(IFA_LOCAL, address.address())
                .ipv4(IFA_ADDRESS, address.address());
    }

    private static void write(MessageWriter out, Found.Route route, boolean delete) {
        int prefixLength = route.destination().prefixLength();
        if (delete) {
            // type 0 and no next hop match whatever the route has there
            out.rtmsg(AF_INET, prefixLength, RT_TABLE_MAIN, route.protocol(), RT_SCOPE_NOWHERE, 0, 0);
        } else {
            out.rtmsg(AF_INET, prefixLength, RT_TABLE_MAIN, route.protocol(), route.scope(), Devices.isForNobody(route) ? RTN_UNREACHABLE : RTN_UNICAST,
                    route.onlink() ? RTNH_F_ONLINK : 0);
        }
        out.ipv4(RTA_DST, route.destination().base());
        if (route.gateway() != null && route.plain()) {
            out.ipv4(RTA_GATEWAY, route.gateway());
        }
        if (route.index() != 0) {
            out.u32(RTA_OIF, route.index());
        }
        if (route.metric() != 0) {
            out.u32(RTA_PRIORITY, route.metric());
        }
    }

    private static void write(MessageWriter out, Found.Neighbour neighbour) {
        out.ndmsg(AF_INET, neighbour.index(), neighbour.state(), 0).ipv4(NDA_DST, neighbour.address());
        if (neighbour.mac() != null) {
            out.mac(NDA_LLADDR, neighbour.mac());
        }
    }

    private static void write(MessageWriter out, Found.Fdb fdb) {
        out.ndmsg(AF_BRIDGE, fdb.index(), fdb.state(), NTF_SELF).mac(NDA_LLADDR, fdb.mac());
        if (fdb.vtep() != null) {
            out.ipv4(NDA_DST, fdb.vtep());
        }
    }

    /** Writes the message that makes a VXLAN device, with its address from the start: nothing in user space then gives it another. */
    static void writeVxlan(MessageWriter out, Link.Vxlan wanted, MacAddress mac, int underlayIndex) {
        out.begin(RTM_NEWLINK, Nlmsg.NLM_F_CREATE | Nlmsg.NLM_F_EXCL).ifinfomsg(0, 0, 0, 0)
                .text(IFLA_IFNAME, wanted.name()).u32(IFLA_MTU, wanted.mtu()).mac(IFLA_ADDRESS, mac);
        int information = out.beginNested(IFLA_LINKINFO);
        out.text(IFLA_INFO_KIND, "vxlan");
        int data = out.beginNested(IFLA_INFO_DATA);
        out.u32(IFLA_VXLAN_ID, wanted.vni()).u32(IFLA_VXLAN_LINK, underlayIndex).ipv4(IFLA_VXLAN_LOCAL, wanted.local())
                .u8(IFLA_VXLAN_LEARNING, wanted.learning() ? 1 : 0).u16Network(IFLA_VXLAN_PORT, wanted.port());
        if (wanted.gbp()) {
            out.flag(IFLA_VXLAN_GBP);
        }
        out.endNested(data).endNested(information).end();
    }

    /** Writes the message that gives a VXLAN device another underlay and source address. A port named here, even the same, is refused. */
    static void writeVxlanChange(MessageWriter out, int index, Link.Vxlan wanted, int underlayIndex) {
        out.begin(RTM_NEWLINK, 0).ifinfomsg(0, index, 0, 0);
        int information = out.beginNested(IFLA_LINKINFO);
        out.text(IFLA_INFO_KIND, "vxlan");
        int data = out.beginNested(IFLA_INFO_DATA);
        out.u32(IFLA_VXLAN_ID, wanted.vni()).u32(IFLA_VXLAN_LINK, underlayIndex).ipv4(IFLA_VXLAN_LOCAL, wanted.local());
        out.endNested(data).endNested(information).end();
    }

    /** Writes the message that keeps the kernel from giving a device a link-local IPv6 address. */
    static void writeNoIpv6Address(MessageWriter out, String device) {
        out.begin(RTM_NEWLINK, 0).ifinfomsg(0, 0, 0, 0).text(IFLA_IFNAME, device);
        int families = out.beginNested(IFLA_AF_SPEC);
        int inet6 = out.beginNested(LibcSocket.AF_INET6);
        out.u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE).endNested(inet6).endNested(families).end();
    }

    /** What a message RTM_NEW… or RTM_DEL… speaks of; null when it is none of {@link Found}. */
    static Found read(MessageReader message) throws MalformedMessageException {
        return switch (message.type()) {
            case RTM_NEWLINK, RTM_DELLINK -> readLink(message);
            case RTM_NEWADDR, RTM_DELADDR -> readAddress(message);
            case RTM_NEWROUTE, RTM_DELROUTE -> readRoute(message);
            case RTM_NEWNEIGH, RTM_DELNEIGH -> message.u8(0) == AF_BRIDGE ? readFdb(message) : readNeighbour(message);
            default -> null;
        };
    }

    /** Null for what a bridge says about its ports in messages of the same type. */
    static Found.Link readLink(MessageReader message) throws MalformedMessageException {
        if (message.u8(0) != 0) {
            return null;
        }
        int flags = message.i32(8);
        String name = "";
        int mtu = 0;
        int queueLength = 0;
        MacAddress mac = null;
        String kind = "";
        Found.Vxlan vxlan = null;
        AttributeReader attributes = message.attributes(IFINFOMSG_SIZE);
        while (attributes.next()) {
            switch (attributes.type()) {
                case IFLA_IFNAME -> name = attributes.text();
                case IFLA_MTU -> mtu = attributes.i32();
                case IFLA_TXQLEN -> queueLength = attributes.i32();
                case IFLA_ADDRESS -> mac = attributes.length() == 6 ? attributes.mac() : null;
                case IFLA_LINKINFO -> {
                    AttributeReader information = attributes.nested();
                    while (information.next()) {
                        switch (information.type()) {
                            case IFLA_INFO_KIND -> kind = information.text();
                            case IFLA_INFO_DATA -> vxlan = kind.equals("vxlan") ? readVxlan(information.nested()) : null;
                            default -> { }
                        }
                    }
                }
                default -> { }
            }
        }
        return new Found.Link(message.i32(4), name, (flags & IFF_UP) != 0, (flags & IFF_LOOPBACK) != 0, mtu, queueLength, mac, kind, vxlan);
    }

    private static Found.Vxlan readVxlan(AttributeReader data) throws MalformedMessageException {
        int vni = 0;
        int port = 0;
        Ipv4 local = null;
        int underlay = 0;
        boolean learning = false;
        boolean gbp = false;
        boolean plain = true;
        while (data.next()) {
            switch (data.type()) {
                case IFLA_VXLAN_ID -> vni = data.i32();
                case IFLA_VXLAN_PORT -> port = data.u16Network();
                case IFLA_VXLAN_LOCAL -> local = data.ipv4();
                case IFLA_VXLAN_LINK -> underlay = data.i32();
                case IFLA_VXLAN_LEARNING -> learning = data.u8() != 0;
                case IFLA_VXLAN_GBP -> gbp = true;
                case IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6 -> plain = false;
                case IFLA_VXLAN_COLLECT_METADATA -> plain &= data.length() > 0 && data.u8() == 0;
                default -> { }
            }
        }
        return new Found.Vxlan(vni, port, local, underlay, learning, gbp, plain);
    }

    static Found.Address readAddress(MessageReader message) throws MalformedMessageException {
        if (message.u8(0) != AF_INET) {
            return null;
        }
        Ipv4 local = null;
        Ipv4 address = null;
        AttributeReader attributes = message.attributes(IFADDRMSG_SIZE);
        while (attributes.next()) {
            switch (attributes.type()) {
                case IFA_LOCAL -> local = attributes.ipv4();
                case IFA_ADDRESS -> address = attributes.ipv4();
                default -> { }
            }
        }
        // on a point-to-point device IFA_ADDRESS is the other end's
        Ipv4 own = local != null ? local : address;
        return own == null ? null : new Found.Address(message.i32(4), own, message.u8(1));
    }

    /** Null for IPv6, other tables, cached routes, and those for one type of service only. */
    static Found.Route readRoute(MessageReader message) throws MalformedMessageException {
        int flags = message.i32(8);
        if (message.u8(0) != AF_INET || message.u8(3) != 0 || (flags & RTM_F_CLONED) != 0 || message.u8(1) > 32) {
            return null;
        }
        int table = message.u8(4);
        int index = 0;
        int metric = 0;
        Ipv4 destination = new Ipv4(0);
        Ipv4 gateway = null;
        boolean plain = message.u8(7) == RTN_UNICAST;
        AttributeReader attributes = message.attributes(RTMSG_SIZE);
        while (attributes.next()) {
            switch (attributes.type()) {
                case RTA_TABLE -> table = attributes.i32();
                case RTA_DST -> destination = attributes.ipv4();
                case RTA_GATEWAY -> gateway = attributes.ipv4();
                case RTA_OIF -> index = attributes.i32();
                case RTA_PRIORITY -> metric = attributes.i32();
                case RTA_PREFSRC, RTA_MULTIPATH, RTA_METRICS, RTA_VIA, RTA_ENCAP -> plain = false;
                default -> { }
            }
        }
        return table != RT_TABLE_MAIN ? null : new Found.Route(index, new Ipv4Subnet(destination, message.u8(1)), gateway,
                (flags & RTNH_F_ONLINK) != 0, message.u8(5), message.u8(6), metric, plain);
    }

    /** The answer to a route look-up: destination, gateway and device of whatever table it came from. */
    static Found.Route readLookup(MessageReader message) throws MalformedMessageException {
        int index = 0;
        Ipv4 destination = new Ipv4(0);
        Ipv4 gateway = null;
        AttributeReader attributes = message.attributes(RTMSG_SIZE);
        while (attributes.next()) {
            switch (attributes.type()) {
                case RTA_DST -> destination = attributes.ipv4();
                case RTA_GATEWAY -> gateway = attributes.ipv4();
                case RTA_OIF -> index = attributes.i32();
                default -> { }
            }
        }
        return new Found.Route(index, new Ipv4Subnet(destination, 32), gateway, false, message.u8(5), message.u8(6), 0,
                message.u8(7) == RTN_UNICAST);
    }

    static Found.Neighbour readNeighbour(MessageReader message) throws MalformedMessageException {
        if (message.u8(0) != AF_INET) {
            return null;
        }
        Ipv4 address = null;
        MacAddress mac = null;
        AttributeReader attributes = message.attributes(NDMSG_SIZE);
        while (attributes.next()) {
            switch (attributes.type()) {
                case NDA_DST -> address = attributes.ipv4();
                case NDA_LLADDR -> mac = attributes.length() == 6 ? attributes.mac() : null;
                default -> { }
            }
        }
        return address == null ? null : new Found.Neighbour(message.i32(4), address, mac, message.u16(8));
    }

    /** Null for entries of a bridge rather than of the device itself. */
    static Found.Fdb readFdb(MessageReader message) throws MalformedMessageException {
        if (message.u8(0) != AF_BRIDGE || (message.u8(10) & NTF_SELF) == 0) {
            return null;
        }
        Ipv4 vtep = null;
        MacAddress mac = null;
        boolean plain = true;
        AttributeReader attributes = message.attributes(NDMSG_SIZE);
        while (attributes.next()) {
            switch (attributes.type()) {
                case NDA_DST -> vtep = attributes.length() == 4 ? attributes.ipv4() : null;
                case NDA_LLADDR -> mac = attributes.length() == 6 ? attributes.mac() : null;
                case NDA_PORT, NDA_VNI, NDA_IFINDEX -> plain = false;
                default -> { }
            }
        }
        // bridge(8) adds NUD_NOARP, which says no more than NUD_PERMANENT
        int state = message.u16(8);
        return mac == null ? null
                : new Found.Fdb(message.i32(4), mac, plain ? vtep : null, (state & NUD_PERMANENT) != 0 ? NUD_PERMANENT : state);
    }
}
