package flannel.kernel;

import static flannel.netlink.Rtm.*;

import flannel.linux.Errno;
import flannel.linux.Ethtool;
import flannel.linux.LibcSocket;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.MacAddress;
import flannel.netlink.MessageWriter;
import flannel.netlink.NetlinkSocket;
import flannel.netlink.Nlmsg;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The real kernel's tables, through rtnetlink(7), in the network namespace of the thread that opened it. */
final class Rtnetlink implements KernelTables {

    private final NetlinkSocket socket;

    private Rtnetlink(NetlinkSocket socket) {
        this.socket = socket;
    }

    static Rtnetlink open() throws SystemCallException {
        return new Rtnetlink(NetlinkSocket.open(Nlmsg.NETLINK_ROUTE, 0));
    }

    @Override
    public int port() {
        return socket.port();
    }

    @Override
    public List<Found.Link> links() throws SystemCallException {
        return socket.dump("list links", out -> {
            out.begin(RTM_GETLINK, Nlmsg.NLM_F_DUMP).ifinfomsg(0, 0, 0, 0);
            out.end();
        }, message -> message.type() == RTM_NEWLINK ? EntryCodec.readLink(message) : null);
    }

    @Override
    public Optional<Found.Link> link(String name) throws SystemCallException {
        try {
            return Optional.of(socket.get("find link " + name, out -> {
                out.begin(RTM_GETLINK, 0).ifinfomsg(0, 0, 0, 0).text(IFLA_IFNAME, name);
                out.end();
            }, EntryCodec::readLink));
        } catch (SystemCallException e) {
            if (e.errno() == Errno.ENODEV) {
                return Optional.empty();
            }
            throw e;
        }
    }

    @Override
    public List<Found.Address> addresses(int index) throws SystemCallException {
        return socket.dump("list addresses", out -> {
            out.begin(RTM_GETADDR, Nlmsg.NLM_F_DUMP).ifaddrmsg(LibcSocket.AF_INET, 0, 0, 0);
            out.end();
        }, message -> {
            Found.Address address = message.type() == RTM_NEWADDR ? EntryCodec.readAddress(message) : null;
            return address != null && (index == 0 || address.index() == index) ? address : null;
        });
    }

    @Override
    public List<Found.Route> routes() throws SystemCallException {
        try {
            return socket.dump("list routes", out -> {
                out.begin(RTM_GETROUTE, Nlmsg.NLM_F_DUMP).rtmsg(LibcSocket.AF_INET, 0, RT_TABLE_MAIN, 0, 0, 0, 0);
                out.end();
            }, message -> message.type() == RTM_NEWROUTE ? EntryCodec.readRoute(message) : null);
        } catch (SystemCallException e) {
            if (e.errno() == Errno.ENOENT) {
                return List.of();   // the main table only comes into being with its first route
            }
            throw e;
        }
    }

    @Override
    public List<Found.Neighbour> neighbours(int index) throws SystemCallException {
        return socket.dump("list neighbours", out -> {
            // kernels before 4.4 pass over the device
            out.begin(RTM_GETNEIGH, Nlmsg.NLM_F_DUMP).ndmsg(LibcSocket.AF_INET, 0, 0, 0).u32(NDA_IFINDEX, index);
            out.end();
        }, message -> {
            Found.Neighbour neighbour = message.type() == RTM_NEWNEIGH ? EntryCodec.readNeighbour(message) : null;
            return neighbour != null && neighbour.index() == index ? neighbour : null;
        });
    }

    @Override
    public List<Found.Fdb> fdb(int index) throws SystemCallException {
        return socket.dump("list FDB entries", out -> {
            // kernels before 5.0 pass over the device
            out.begin(RTM_GETNEIGH, Nlmsg.NLM_F_DUMP).ndmsg(LibcSocket.AF_BRIDGE, index, 0, 0);
            out.end();
        }, message -> {
            Found.Fdb fdb = message.type() == RTM_NEWNEIGH ? EntryCodec.readFdb(message) : null;
            return fdb != null && fdb.index() == index ? fdb : null;
        });
    }

    @Override
    public Found.Route routeTo(Ipv4 destination) throws SystemCallException {
        return socket.get("look up the route to " + destination, out -> {
            out.begin(RTM_GETROUTE, 0).rtmsg(LibcSocket.AF_INET, 32, 0, 0, 0, 0, 0).ipv4(RTA_DST, destination);
            out.end();
        }, EntryCodec::readLookup);
    }

    /** The route that a packet would take which comes in from elsewhere, by all rules and tables and as the reverse path filter has it. */
    Found.Route routeOf(Ipv4 source, int in, Ipv4 destination) throws SystemCallException {
        return socket.get("look up the route from " + source + " to " + destination, out -> {
            out.begin(RTM_GETROUTE, 0).rtmsgOfPacket(LibcSocket.AF_INET).ipv4(RTA_DST, destination).ipv4(RTA_SRC, source).u32(RTA_IIF, in);
            out.end();
        }, EntryCodec::readLookup);
    }

    @Override
    public void execute(List<Change> changes, Refusals refusals) throws SystemCallException {
        socket.execute("change " + changes.size() + " table entries", changes.size(),
                (index, out) -> EntryCodec.write(out, changes.get(index)),
                (index, errno, detail) -> {
                    Change change = changes.get(index);
                    if (!isDoneAlready(change, errno)) {
                        String operation = change.kind() == Change.Kind.DELETE ? "removing it" : "adding it";
                        refusals.refused(change, new SystemCallException(operation, errno, isTableFull(change, errno)
                                ? "the neighbour table is full: raise sysctl net.ipv4.neigh.default.gc_thresh3" : detail));
                    }
                });
    }

    /** Kernels before 5.0 count permanent neighbours too (net/core/neighbour.c, neigh_alloc), and allow 1024. */
    private static boolean isTableFull(Change change, int errno) {
        return change.what() instanceof Found.Neighbour && errno == Errno.ENOBUFS;
    }

    private static boolean isDoneAlready(Change change, int errno) {
        return change.kind() == Change.Kind.DELETE && (errno == Errno.ENOENT || errno == Errno.ESRCH || errno == Errno.ENODEV
                || errno == Errno.EADDRNOTAVAIL);
    }

    @Override
    public void createVxlan(Link.Vxlan wanted, MacAddress mac, int underlayIndex) throws SystemCallException {
        socket.execute("create VXLAN device " + wanted.name() + " (VNI " + wanted.vni() + ", UDP port " + wanted.port() + ")",
                out -> EntryCodec.writeVxlan(out, wanted, mac, underlayIndex));
        try {
            // no IPv6 link-local address, so no packets of IPv6's own; not possible where IPv6 is off or before Linux 3.17
            socket.execute("turn off IPv6 addresses on " + wanted.name(), out -> EntryCodec.writeNoIpv6Address(out, wanted.name()));
        } catch (SystemCallException e) {
            // goes without
        }
    }

    @Override
    public void changeVxlan(int index, Link.Vxlan wanted, int underlayIndex) throws SystemCallException {
        socket.execute("change VXLAN device " + wanted.name() + " to local address " + wanted.local() + " on " + wanted.underlay(),
                out -> EntryCodec.writeVxlanChange(out, index, wanted, underlayIndex));
    }

    @Override
    public void deleteLink(int index, String name) throws SystemCallException {
        socket.execute("delete device " + name, out -> {
            out.begin(RTM_DELLINK, 0).ifinfomsg(0, index, 0, 0);
            out.end();
        });
    }

    @Override
    public void setLink(int index, String name, int mtu, MacAddress mac, int queueLength) throws SystemCallException {
        socket.execute("bring up " + name + " with MTU " + mtu + (mac == null ? "" : " and address " + mac), out -> {
            MessageWriter message = out.begin(RTM_NEWLINK, 0).ifinfomsg(0, index, IFF_UP, IFF_UP).u32(IFLA_MTU, mtu);
            if (mac != null) {
                message.mac(IFLA_ADDRESS, mac);
            }
            if (queueLength >= 0) {
                message.u32(IFLA_TXQLEN, queueLength);
            }
            message.end();
        });
    }

    @Override
    public boolean sendChecksums(String device) throws SystemCallException {
        return Ethtool.sendChecksums(device);
    }

    @Override
    public void setSendChecksums(String device, boolean on) throws SystemCallException {
        Ethtool.setSendChecksums(device, on);
    }

    @Override
    public void stopAskingUserSpace(String device) {
        Path sysctl = Path.of("/proc/sys/net/ipv4/neigh", device, "app_solicit");
        try {
            if (!Files.readString(sysctl).strip().equals("0")) {
                Files.writeString(sysctl, "0");
            }
        } catch (IOException e) {
            // harmless: a question to nobody
        }
    }

    @Override
    public void close() {
        socket.close();
    }
}
