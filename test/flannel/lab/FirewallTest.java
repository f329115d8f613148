package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** {@code -ip-masq} and the FORWARD rules, with real packets. */
class FirewallTest {

    private static Lab lab;

    private Host one;
    private Host two;

    @BeforeAll
    static void build() throws Exception {
        lab = Needs.lab(Store.Api.V3);
    }

    @BeforeEach
    void configured() throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"vxlan\"}}");
        one = lab.host(1);
        two = lab.host(2);
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
    void masqueradesWhatLeavesTheOverlayAndNothingElse() throws Exception {
        one.start(lab.options("-ip-masq"));
        two.start(lab.options("-ip-masq"));
        one.daemon().awaitReady();
        two.daemon().awaitReady();
        assertEquals("true", one.subnetEnv().get("FLANNEL_IPMASQ"));
        Await.that("both know each other", () -> KernelView.hasVxlanPeer(one, two) && KernelView.hasVxlanPeer(two, one));
        NetworkNamespace container = one.plugContainer();
        NetworkNamespace far = two.plugContainer();
        container.run("ping", "-c", "1", "-W", "5", lab.gateway());         // which has no route back to 10.1.0.0/16
        far.run("iptables", "-w", "-A", "INPUT", "!", "-s", one.containerAddress(), "-j", "DROP");
        container.run("ping", "-c", "1", "-W", "5", two.containerAddress());

        String rules = KernelView.rules(one);
        try (Ping ping = Ping.start(container, lab.gateway())) {
            one.daemon().terminate();
            assertEquals(rules, KernelView.rules(one), "left standing at the stop");
            one.start(lab.options("-ip-masq")).awaitReady();
            ping.awaitReplies(3);
            assertEquals(0, ping.lost());
        }
        assertEquals(rules, KernelView.rules(one), "none twice after a restart");
    }

    @Test
    void withoutIpMasqNothingIsMasqueraded() throws Exception {
        lab.startAll(one);
        NetworkNamespace container = one.plugContainer();
        assertEquals("false", one.subnetEnv().get("FLANNEL_IPMASQ"));
        assertNotEquals(0, container.tryRun("ping", "-c", "1", "-W", "1", lab.gateway()).exitCode());
    }

    @Test
    void containersTalkThoughDockerDropsForwardedPackets() throws Exception {
        one.run("iptables", "-w", "-P", "FORWARD", "DROP");
        two.run("iptables", "-w", "-P", "FORWARD", "DROP");
        lab.startAll(one, two);
        Await.that("both know each other", () -> KernelView.hasVxlanPeer(one, two) && KernelView.hasVxlanPeer(two, one));
        NetworkNamespace container = one.plugContainer();
        two.plugContainer();
        container.run("ping", "-c", "1", "-W", "5", two.containerAddress());
    }

    @Test
    void forwardRulesCanBeTurnedOff() throws Exception {
        String before = KernelView.rules(one);
        one.start(lab.options("-iptables-forward-rules=false")).awaitReady();
        assertEquals(before, KernelView.rules(one));
    }

    @Test
    void rulesOfOthersKeepTheirPlaces() throws Exception {
        one.run("iptables", "-w", "-t", "nat", "-A", "POSTROUTING", "-s", "172.17.0.0/16", "-j", "MASQUERADE");
        one.start(lab.options("-ip-masq")).awaitReady();
        one.daemon().terminate();
        one.start(lab.options("-ip-masq")).awaitReady();
        String rules = KernelView.rules(one);
        assertEquals(1, rules.lines().filter(rule -> rule.contains("172.17.0.0/16")).count(), rules);
        assertTrue(rules.contains("-N FLANNEL-POSTRTG") && rules.contains("-N FLANNEL-FWD"), rules);
    }
}
