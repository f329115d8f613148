package flannel.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.json.JsonValue;
import flannel.kernel.KernelEntry.Address;
import flannel.kernel.KernelEntry.Fdb;
import flannel.kernel.KernelEntry.Neighbour;
import flannel.kernel.KernelEntry.Route;
import flannel.kernel.Link;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.NetworkConfig;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

class VxlanBackendTest {

    private static final MacAddress OURS = MacAddress.parse("6a:00:00:00:00:01");
    private static final String THEIRS = "6a:00:00:00:00:02";
    private static final Ipv4 PEER = Ipv4.parse("192.168.32.212");
    private static final Ipv4Subnet SUBNET = Ipv4Subnet.parse("10.1.88.0/24");

    private final Underlay underlay = new Underlay("eth0", 2, Ipv4.parse("192.168.32.211"), Ipv4Subnet.parse("192.168.32.0/24"), 1500,
            MacAddress.parse("02:00:00:00:00:01"));

    private VxlanBackend backend(String members) {
        NetworkConfig config = NetworkConfig.parse("{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"" + members + "}}");
        return new VxlanBackend(underlay, VxlanBackend.link(config, underlay, OURS), VxlanBackend.directRouting(config));
    }

    private static Lease lease(String publicIp, String type, JsonValue data) {
        return new Lease(SUBNET, new LeaseAttributes(Ipv4.parse(publicIp), type, data == null ? null : data.toString(), ""), new Lease.Unknown(), 7);
    }

    @Test
    void theDeviceIsTheOriginals() {
        assertEquals(new Link.Vxlan("flannel.1", 1450, 1, 8472, underlay.address(), "eth0", OURS, false, false), backend("").link());
        assertEquals(new Link.Vxlan("flannel.42", 8950, 42, 4789, underlay.address(), "eth0", OURS, true, true),
                backend(",\"VNI\":42,\"Port\":4789,\"MTU\":9000,\"Learning\":true,\"GBP\":true").link());
        assertEquals(List.of(new Address("flannel.1", Ipv4.parse("10.1.83.0"), 32)), backend("").local(Ipv4Subnet.parse("10.1.83.0/24")));
        assertEquals("{\"VtepMAC\":\"6a:00:00:00:00:01\"}", backend("").leaseData().toString());
    }

    @Test
    void aPeerIsThreeEntries() throws UnusablePeerException {
        MacAddress mac = MacAddress.parse(THEIRS);
        assertEquals(List.of(new Neighbour("flannel.1", SUBNET.base(), mac), new Fdb("flannel.1", mac, PEER),
                new Route(SUBNET, SUBNET.base(), "flannel.1", true)),
                backend("").towards(lease("192.168.32.212", "vxlan", JsonValue.object("VNI", 1, "VtepMAC", THEIRS))));
    }

    @Test
    void directRoutingNeedsNoTunnelOnTheSameLink() throws UnusablePeerException {
        VxlanBackend backend = backend(",\"DirectRouting\":true");
        JsonValue data = JsonValue.object("VtepMAC", THEIRS);
        assertEquals(List.of(new Route(SUBNET, PEER, "eth0", false)), backend.towards(lease("192.168.32.212", "vxlan", data)));
        assertEquals(3, backend.towards(lease("172.16.0.9", "vxlan", data)).size());
    }

    @Test
    void saysWhyItCannotFollowALease() {
        assertEquals("Ignoring non-vxlan subnet(10.1.88.0/24): type=host-gw", assertThrows(UnusablePeerException.class,
                () -> backend("").towards(lease("192.168.32.212", "host-gw", null))).getMessage());
        for (JsonValue data : new JsonValue[] {null, JsonValue.object(), JsonValue.object("VtepMAC", "zz"), JsonValue.object("VtepMAC", "00:00:00:00:00:00"), JsonValue.object("VtepMAC", "01:00:5e:00:00:01")}) {
            String message = assertThrows(UnusablePeerException.class,
                    () -> backend("").towards(lease("192.168.32.212", "vxlan", data))).getMessage();
            assertTrue(message.startsWith("Ignoring subnet 10.1.88.0/24 of 192.168.32.212: its VtepMAC "), message);
        }
    }

    @Test
    void refusesMembersItCannotUse() {
        for (String member : List.of(",\"VNI\":\"x\"", ",\"VNI\":16777216", ",\"VNI\":10000000", ",\"Port\":65536", ",\"GBP\":1", ",\"MTU\":-1")) {
            assertThrows(IllegalArgumentException.class, () -> backend(member), member);
        }
    }
}
