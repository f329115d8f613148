package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Somebody takes a piece of the data path away or changes it: it is put back, and what is not ours stays as it is. */
class HealingTest {

    private static Lab lab;
    private static Host one;
    private static Host two;
    private static NetworkNamespace container;

    @BeforeAll
    static void twoHostsThatTalk() throws Exception {
        lab = Needs.lab(Store.Api.V3);
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"vxlan\"}}");
        one = lab.host(1);
        two = lab.host(2);
        one.run("ip", "route", "add", "10.99.0.0/16", "via", lab.gateway());
        one.run("ip", "neighbour", "add", "192.168.32.99", "lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "permanent");
        one.run("ip", "link", "add", "vxlan99", "type", "vxlan", "id", "99", "dstport", "4789", "local", one.address());
        one.run("ip", "link", "set", "vxlan99", "up");
        one.run("bridge", "fdb", "add", "02:00:00:00:00:98", "dev", "vxlan99", "dst", "192.168.32.98", "self", "permanent");
        lab.startAll(one, two);
        container = one.plugContainer();
        two.plugContainer();
        Await.that("both know each other", () -> KernelView.hasVxlanPeer(one, two) && KernelView.hasVxlanPeer(two, one));
    }

    @AfterAll
    static void takeDown() {
        if (lab != null) {
            lab.close();
        }
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {
        "ip route del PEER/24",
        "ip route replace PEER/24 via 192.168.32.1 dev eth0",
        "ip route flush dev flannel.1",
        "ip neighbour del PEER dev flannel.1",
        "ip neighbour replace PEER lladdr 02:00:00:00:00:01 dev flannel.1 nud permanent",
        "bridge fdb del MAC dev flannel.1 dst 192.168.32.212",
        "bridge fdb replace MAC dev flannel.1 dst 192.168.32.99 self permanent",
        "ip address del OWN/32 dev flannel.1",
        "ip link set flannel.1 mtu 1400",
        "ip link set flannel.1 down",
        "ip link set flannel.1 address 02:00:00:00:00:02",
        "ip link del flannel.1",
    })
    void isPutBack(String command) throws Exception {
        List<String> before = KernelView.data(one);
        String words = command.replace("PEER", two.subnet().replace("/24", "")).replace("OWN", one.subnet().replace("/24", ""))
                .replace("MAC", KernelView.vtepMac(two));
        one.run(words.split(" "));
        Duration took = Await.that("as before: " + before, () -> KernelView.data(one).equals(before));
        System.out.printf("    put back within %4d ms after %s%n", took.toMillis(), words);
        container.run("ping", "-c", "1", "-W", "5", two.containerAddress());
        assertTrue(one.daemon().isAlive());
        foreignEntriesAreThere();
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"-F", "-F FORWARD", "-F FLANNEL-FWD", "-D FORWARD 1", "-X FLANNEL-FWD"})
    void firewallRulesArePutBack(String change) throws Exception {
        String before = KernelView.rules(one);
        if (change.startsWith("-X")) {
            one.run("iptables", "-w", "-F");
        }
        one.run(("iptables -w " + change).split(" "));
        Duration took = Await.that("as before: " + before, () -> KernelView.rules(one).equals(before));
        System.out.printf("    put back within %4d ms after iptables %s%n", took.toMillis(), change);
    }

    @Test
    void underlayDownAndUp() throws Exception {
        List<String> before = KernelView.data(one).stream().filter(line -> line.contains("flannel.1")).toList();
        one.run("ip", "link", "set", "eth0", "down");
        one.run("ip", "link", "set", "eth0", "up");
        one.run("ip", "route", "replace", "default", "via", lab.gateway());
        one.run("ip", "route", "replace", "10.99.0.0/16", "via", lab.gateway());
        one.run("ip", "neighbour", "replace", "192.168.32.99", "lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "permanent");
        Await.that("as before: " + before,
                () -> KernelView.data(one).stream().filter(line -> line.contains("flannel.1")).toList().equals(before));
        container.run("ping", "-c", "1", "-W", "5", two.containerAddress());
    }

    private static void foreignEntriesAreThere() {
        assertTrue(KernelView.mentions(one, "10.99.0.0/16 via " + lab.gateway()), "a foreign route");
        assertTrue(one.run("ip", "neighbour").contains("192.168.32.99 dev eth0 lladdr 02:00:00:00:00:99 PERMANENT"), "a foreign neighbour");
        assertEquals(1, one.run("bridge", "fdb", "show", "dev", "vxlan99").lines().filter(line -> line.contains("192.168.32.98")).count());
    }
}
