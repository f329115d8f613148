package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which interface is used, what is said when none will do, and peers that host-gw can't reach. */
class UnderlayTest {

    private static Lab lab;
    private static Host one;

    @BeforeAll
    static void aHostWithTwoInterfaces() throws Exception {
        lab = Needs.lab(Store.Api.V2);
        one = lab.host(1);
        one.run("ip", "link", "add", "eth1", "mtu", "9000", "type", "veth", "peer", "name", "eth1-peer");
        one.run("ip", "address", "add", "10.77.0.5/24", "dev", "eth1");
        one.run("ip", "link", "set", "eth1", "up");
        one.run("ip", "link", "set", "eth1-peer", "up");
        one.run("ip", "link", "add", "empty0", "type", "bridge");
        one.run("ip", "link", "set", "empty0", "up");
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

    @ParameterizedTest(name = "{0} -> {1}")
    @CsvSource({
        "-v=0, 192.168.32.211, 1500",
        "-iface=eth1, 10.77.0.5, 9000",
        "-iface=10.77.0.5, 10.77.0.5, 9000",
        "-iface=nosuch -iface=eth1, 10.77.0.5, 9000",
        "-iface-regex=^eth1$, 10.77.0.5, 9000",
        "'-iface-regex=^10\\.77\\.', 10.77.0.5, 9000",
        "-iface-can-reach=10.77.0.9, 10.77.0.5, 9000",
        "-iface-can-reach=10.77.0.5, 10.77.0.5, 9000",
        "-iface-can-reach=192.168.32.212, 192.168.32.211, 1500",
        "-public-ip=203.0.113.9, 203.0.113.9, 1500",
        "-iface=eth1 -public-ip=203.0.113.9, 203.0.113.9, 9000"
    })
    void theInterfaceIsChosen(String options, String publicIp, int mtu) throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"alloc\"}}");
        one.start(lab.options(options.split(" "))).awaitReady();
        assertEquals(Integer.toString(mtu), one.subnetEnv().get("FLANNEL_MTU"));
        assertEquals(1, lab.store().leasesWith("\"PublicIP\":\"" + publicIp + "\"").size());
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"-iface=nosuch, nosuch, 1", "-iface=1.2.3.4, 1.2.3.4, 1", "-iface=empty0, empty0, 1", "-iface-regex=^wlan, wlan, 1",
        "-public-ip=bad, bad, 2", "'-iface-regex=[', -iface-regex, 2", "-iface-can-reach=bad, bad, 2"})
    void whatWillNotDoIsOneSentence(String option, String named, int exitCode) {
        NetworkNamespace.Result result = one.flanneld(lab.options(option).toArray(String[]::new));
        assertEquals(exitCode, result.exitCode(), result.output());
        List<String> errors = result.output().lines().filter(line -> line.startsWith("E")).toList();
        assertEquals(1, errors.size(), result.output());
        assertTrue(errors.getFirst().contains(named), result.output());
        assertFalse(result.output().contains("\tat "), result.output());
    }

    @Test
    void hostGatewayNamesAPeerThatIsNotOnLinkAndTakesItWhenItIs() throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"host-gw\"}}");
        lab.store().put("subnets/10.1.54.0-24", "{\"PublicIP\":\"172.16.0.9\",\"BackendType\":\"host-gw\"}", 86_400);
        lab.store().put("subnets/10.1.55.0-24", "{\"PublicIP\":\"192.168.32.55\",\"BackendType\":\"host-gw\"}", 86_400);
        lab.startAll(one);
        one.daemon().awaitLog("^W.*172\\.16\\.0\\.9");
        Await.that("the other peer's route", () -> KernelView.mentions(one, "10.1.55.0/24 via 192.168.32.55"));
        one.run("ip", "address", "add", "172.16.0.1/24", "dev", "eth0");
        try {
            Await.that("its route, now that it is on-link", () -> KernelView.mentions(one, "10.1.54.0/24 via 172.16.0.9"));
        } finally {
            one.run("ip", "address", "del", "172.16.0.1/24", "dev", "eth0");
        }
    }

    @Test
    void peersOfAnotherBackendAreNamedOnceAndSkipped() throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"vxlan\"}}");
        lab.store().put("subnets/10.1.60.0-24", "{\"PublicIP\":\"192.168.32.60\",\"BackendType\":\"host-gw\"}", 86_400);
        lab.store().put("subnets/10.1.61.0-24",
                "{\"PublicIP\":\"192.168.32.61\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"zz\"}}", 86_400);
        lab.store().put("subnets/10.1.62.0-24",
                "{\"PublicIP\":\"192.168.32.62\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VNI\":1,\"VtepMAC\":\"02:00:00:00:00:62\"}}", 86_400);
        lab.startAll(one);
        one.daemon().awaitLog("^W.*10\\.1\\.60\\.0/24");
        one.daemon().awaitLog("^W.*10\\.1\\.61\\.0/24");
        Await.that("the good peer", () -> KernelView.hasVxlanPeer(one, "10.1.62.0/24", "02:00:00:00:00:62", "192.168.32.62"));
        assertFalse(KernelView.mentions(one, "10.1.60.0"));
    }

    @Test
    void aPeerThatMovesIsFollowedAndItsOldPlaceForgotten() throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"vxlan\"}}");
        lab.startAll(one);
        String[] macs = {"02:00:00:00:00:55", "02:00:00:00:00:56"};
        for (int place = 0; place < 2; place++) {
            String mac = macs[place];
            String address = "192.168.32.5" + (5 + place);
            lab.store().put("subnets/10.1.55.0-24", "{\"PublicIP\":\"" + address
                    + "\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"" + mac + "\"}}", 86_400);
            Await.that("the peer at " + address, () -> KernelView.hasVxlanPeer(one, "10.1.55.0/24", mac, address));
        }
        Await.that("its old place is forgotten", () -> !KernelView.mentions(one, macs[0]) && !KernelView.mentions(one, "192.168.32.55"));
    }
}
