package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A host on which the Go daemon ran until now: what flannel 0.7.1 leaves behind, made by hand. */
class TakeOverTest {

    private static final String MAC = "6a:c2:56:ce:ab:ac";

    private static Lab lab;

    @BeforeAll
    static void build() throws Exception {
        lab = Needs.lab(Store.Api.V2);
    }

    @AfterEach
    void asNew() throws Exception {
        lab.reset();
    }

    @AfterAll
    static void takeDown() {
        if (lab != null) {
            lab.close();
        }
    }

    @Test
    void vxlanKeepsSubnetDeviceAndMacAndLosesNoPacket() throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"vxlan\"}}");
        Host one = lab.host(1);
        Host two = lab.host(2);
        lab.startAll(two);
        String twoSubnet = two.subnet();
        String twoMac = KernelView.vtepMac(two);
        lab.store().put("subnets/10.1.250.0-24",
                "{\"PublicIP\":\"" + one.address() + "\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"" + MAC + "\"}}", 80_000);
        Await.that("host 2 knows host 1", () -> KernelView.hasVxlanPeer(two, "10.1.250.0/24", MAC, one.address()));

        one.run("ip", "link", "add", "flannel.1", "address", MAC, "type", "vxlan", "id", "1", "local", one.address(), "dev", "eth0",
                "dstport", "8472", "nolearning");
        one.run("ip", "link", "set", "flannel.1", "up");
        one.run("ip", "address", "add", "10.1.250.0/32", "dev", "flannel.1");
        one.run("ip", "route", "add", "10.1.0.0/16", "dev", "flannel.1");
        one.run("bridge", "fdb", "add", twoMac, "dev", "flannel.1", "dst", two.address(), "self", "permanent");
        one.run("bridge", "fdb", "add", "6a:00:00:00:00:77", "dev", "flannel.1", "dst", "192.168.32.77", "self", "permanent");
        one.writeSubnetEnv("10.1.0.0/16", "10.1.250.1/24", 1450);
        two.plugContainer();
        String far = two.containerAddress();
        one.run("ip", "neighbour", "replace", far, "lladdr", twoMac, "dev", "flannel.1", "nud", "reachable");    // an answered L3 miss
        NetworkNamespace container = one.plugContainer();
        long index = KernelView.link(one, "flannel.1").integer("ifindex");
        for (String rule : List.of("-s 10.1.0.0/16 -d 10.1.0.0/16 -j RETURN", "-s 10.1.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE",
                "! -s 10.1.0.0/16 -d 10.1.0.0/16 -j MASQUERADE")) {
            one.run(("iptables -w -t nat -A POSTROUTING " + rule).split(" "));
        }

        try (Ping ping = Ping.start(container, far)) {
            one.start(lab.options("-ip-masq")).awaitReady();
            Await.that("host 2's entries are there", () -> KernelView.hasVxlanPeer(one, twoSubnet, twoMac, two.address()));
            Await.that("the one route for everything is gone", () -> !KernelView.mentions(one, "10.1.0.0/16 dev flannel.1"));
            ping.awaitReplies(10);
            assertEquals(0, ping.lost());
        }
        assertEquals("10.1.250.0/24", one.subnet());
        assertEquals(MAC, KernelView.vtepMac(one));
        assertEquals(index, KernelView.link(one, "flannel.1").integer("ifindex"), "the same device");
        assertEquals(List.of("10.1.250.0-24"), lab.store().leasesWith(one.address()));
        assertTrue(lab.store().ttlSeconds("subnets/10.1.250.0-24") > 86_000);
        Await.that("the entry of a host that left is gone", () -> !KernelView.mentions(one, "6a:00:00:00:00:77"));
        assertEquals("1450", one.subnetEnv().get("FLANNEL_MTU"));
        String rules = KernelView.rules(one);
        assertFalse(rules.contains("-A POSTROUTING -s 10.1.0.0/16"), rules);
        assertFalse(rules.contains("-A POSTROUTING ! -s 10.1.0.0/16"), rules);
    }

    @Test
    void staleRoutesOfHostGatewayGo() throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"host-gw\"}}");
        Host one = lab.host(1);
        Host two = lab.host(2);
        lab.store().put("subnets/10.1.98.0-24", "{\"PublicIP\":\"192.168.32.98\",\"BackendType\":\"host-gw\"}", 86_400);
        lab.store().put("subnets/10.1.99.0-24", "{\"PublicIP\":\"192.168.32.99\",\"BackendType\":\"host-gw\"}", 86_400);
        one.run("ip", "route", "add", "10.1.44.0/24", "via", "192.168.32.99", "dev", "eth0");
        one.run("ip", "route", "add", "10.1.0.0/24", "via", "192.168.32.97", "dev", "eth0");       // the administrator's, to no host of ours
        lab.startAll(two);
        one.run("ip", "route", "add", two.subnet(), "via", "192.168.32.98", "dev", "eth0");         // an old place of host 2
        lab.startAll(one);
        Await.that("the stale route is gone", () -> !KernelView.mentions(one, "10.1.44.0/24"));
        Await.that("host 2 is reached where it is now",
                () -> KernelView.mentions(one, two.subnet() + " via " + two.address())
                        && !KernelView.mentions(one, two.subnet() + " via 192.168.32.98"));
        assertTrue(KernelView.mentions(one, "10.1.0.0/24 via 192.168.32.97"));
        one.run("ip", "route", "del", "10.1.0.0/24");
    }

    /** Nothing of the kernel is declared with alloc, so nothing in it can be left over. */
    @Test
    void withAllocAllRoutesAreTheAdministrators() throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"alloc\"}}");
        Host one = lab.host(1);
        Host two = lab.host(2);
        lab.startAll(two);
        one.run("ip", "route", "add", "10.1.88.0/24", "via", two.address(), "dev", "eth0");
        for (int start = 0; start < 2; start++) {
            lab.startAll(one);
            assertTrue(KernelView.mentions(one, "10.1.88.0/24 via " + two.address()));
            one.daemon().terminate();
        }
    }

    @Test
    void aDeviceOfOtherKindIsMadeAnew() throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"vxlan\"}}");
        Host one = lab.host(1);
        one.run("ip", "link", "add", "flannel.1", "type", "vxlan", "id", "1", "local", one.address(), "dev", "eth0", "dstport", "4789");
        lab.startAll(one);
        assertEquals(8472, KernelView.link(one, "flannel.1").get("linkinfo").get("info_data").integer("port"));
    }

    @Test
    void anotherBackendLeavesNothingOfTheFirst() throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"host-gw\"}}");
        Host one = lab.host(1);
        Host two = lab.host(2);
        lab.startAll(one, two);
        Await.that("a plain route", () -> KernelView.mentions(one, two.subnet() + " via " + two.address()));
        one.daemon().terminate();
        two.daemon().terminate();
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"vxlan\"}}");
        lab.startAll(one, two);
        Await.that("the tunnel's entries", () -> KernelView.hasVxlanPeer(one, two));
        Await.that("no plain route", () -> !KernelView.mentions(one, "via " + two.address()));
    }
}
