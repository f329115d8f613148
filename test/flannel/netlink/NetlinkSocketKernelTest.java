package flannel.netlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lab.Needs;
import flannel.lab.NetworkNamespace;
import flannel.linux.Errno;
import flannel.linux.LibcSocket;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The socket against the real kernel, in a network namespace whose device lo is up. */
class NetlinkSocketKernelTest {

    private static final int LO = 1;
    private static final Ipv4 BASE = Ipv4.parse("10.0.0.0");

    private NetworkNamespace host;

    @BeforeEach
    void makeHost() {
        host = Needs.namespace("host");
        host.run("ip", "link", "set", "lo", "up");
    }

    @AfterEach
    void removeHost() {
        host.close();
    }

    private static void addRoute(MessageWriter out, int number, int device) {
        out.begin(Rtm.RTM_NEWROUTE, Nlmsg.NLM_F_CREATE | Nlmsg.NLM_F_EXCL)
                .rtmsg(LibcSocket.AF_INET, 32, Rtm.RT_TABLE_MAIN, Rtm.RTPROT_BOOT, Rtm.RT_SCOPE_LINK, Rtm.RTN_UNICAST, 0)
                .ipv4(Rtm.RTA_DST, BASE.plus(number)).u32(Rtm.RTA_OIF, device).end();
    }

    private static List<Integer> routes(NetlinkSocket socket) throws SystemCallException {
        return socket.dump("list routes", out -> out.begin(Rtm.RTM_GETROUTE, Nlmsg.NLM_F_DUMP)
                .rtmsg(LibcSocket.AF_INET, 0, Rtm.RT_TABLE_MAIN, 0, 0, 0, 0).end(), message -> {
            AttributeReader attributes = message.attributes(Rtm.RTMSG_SIZE);
            while (attributes.next()) {
                if (attributes.type() == Rtm.RTA_DST) {
                    return attributes.ipv4().bits() - BASE.bits();
                }
            }
            return null;
        });
    }

    /** Five thousand are eight buffers of requests and a dump of more than one datagram. */
    @Test
    void aBatchDoesWhatItCanAndNamesTheRest() throws Exception {
        List<Integer> wrong = List.of(0, 617, 618, 2500, 4999);
        List<Integer> refused = new ArrayList<>();
        host.call(() -> {
            try (NetlinkSocket socket = NetlinkSocket.open(Nlmsg.NETLINK_ROUTE, 0)) {
                socket.execute("add routes", 5000, (index, out) -> addRoute(out, index, wrong.contains(index) ? 99 : LO),
                        (index, errno, detail) -> {
                            assertEquals(Errno.ENODEV, errno);
                            refused.add(index);
                        });
                assertEquals(wrong, refused);
                assertEquals(IntStream.range(0, 5000).boxed().filter(number -> !wrong.contains(number)).toList(), routes(socket));
            }
        });
    }

    @Test
    void aRefusalCarriesTheKernelsWords() throws Exception {
        host.call(() -> {
            try (NetlinkSocket socket = NetlinkSocket.open(Nlmsg.NETLINK_ROUTE, 0)) {
                SystemCallException refusal = assertThrows(SystemCallException.class, () -> socket.execute("add the route",
                        out -> out.begin(Rtm.RTM_NEWROUTE, Nlmsg.NLM_F_CREATE)
                                .rtmsg(LibcSocket.AF_INET, 24, Rtm.RT_TABLE_MAIN, Rtm.RTPROT_BOOT, 0, Rtm.RTN_UNICAST, 0)
                                .ipv4(Rtm.RTA_DST, BASE).ipv4(Rtm.RTA_GATEWAY, Ipv4.parse("192.0.2.1")).u32(Rtm.RTA_OIF, LO).end()));
                assertEquals("add the route: ENETUNREACH (network is unreachable): Nexthop has invalid gateway", refusal.getMessage());
            }
        });
    }

    @Test
    void whatIsNotReadInTimeIsToldAsLost() throws Exception {
        host.call(() -> {
            try (NetlinkSocket socket = NetlinkSocket.open(Nlmsg.NETLINK_ROUTE, 0);
                    NetlinkSocket listener = NetlinkSocket.open(Nlmsg.NETLINK_ROUTE, Rtm.RTMGRP_IPV4_ROUTE)) {
                List<Integer> heard = new ArrayList<>();
                NetlinkSocket.Sink sink = message -> heard.add(message.type());
                socket.execute("add routes", 100, (index, out) -> addRoute(out, index, LO), (index, errno, detail) -> heard.add(errno));
                assertTrue(listener.drain(sink));
                assertEquals(100, heard.size());
                // each notification takes at least half a KiB of the kernel's buffer for us
                for (int round = 0; round < 5; round++) {
                    int base = 1000 + round * 20_000;
                    socket.execute("add routes", 20_000, (index, out) -> addRoute(out, base + index, LO),
                            (index, errno, detail) -> heard.add(errno));
                }
                assertFalse(listener.drain(sink), heard.size() + " heard");
                assertTrue(heard.size() > 100, "what was not lost is handed over: " + heard.size());
                assertTrue(listener.drain(sink), "told once");
            }
        });
    }

    @Test
    void whatIgnoredSocketsAskedForIsNotHeard() throws Exception {
        host.call(() -> {
            try (NetlinkSocket ours = NetlinkSocket.open(Nlmsg.NETLINK_ROUTE, 0);
                    NetlinkSocket alsoOurs = NetlinkSocket.open(Nlmsg.NETLINK_ROUTE, 0);
                    NetlinkSocket another = NetlinkSocket.open(Nlmsg.NETLINK_ROUTE, 0);
                    NetlinkSocket listener = NetlinkSocket.open(Nlmsg.NETLINK_ROUTE, Rtm.RTMGRP_IPV4_ROUTE)) {
                listener.ignore(List.of(ours.port()));
                listener.ignore(List.of(ours.port(), alsoOurs.port()));
                int number = 0;
                for (NetlinkSocket socket : List.of(ours, another, alsoOurs)) {
                    int route = number++;
                    socket.execute("add the route", out -> addRoute(out, route, LO));
                }
                List<Integer> heard = new ArrayList<>();
                assertTrue(listener.drain(message -> heard.add(message.type())));
                assertEquals(List.of(Rtm.RTM_NEWROUTE), heard);
            }
        });
    }
}
