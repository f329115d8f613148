package flannel.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lab.NetworkNamespace;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The packet filter against the real iptables of this machine, in a network namespace. */
class PacketFilterKernelTest {

    private static final PacketFilter.Rules BOTH =
            new PacketFilter.Rules(Ipv4Subnet.parse("10.1.0.0/16"), Ipv4Subnet.parse("10.1.83.0/24"), true, true, true);
    private static final PacketFilter.Rules NONE =
            new PacketFilter.Rules(Ipv4Subnet.parse("10.1.0.0/16"), Ipv4Subnet.parse("10.1.83.0/24"), false, false, true);

    private static final String MASQUERADING = """
            -A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
            -A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
            -A FLANNEL-POSTRTG -s 10.1.0.0/16 -d 10.1.0.0/16 -m comment --comment "flanneld masq" -j RETURN
            -A FLANNEL-POSTRTG ! -s 10.1.0.0/16 -d 10.1.83.0/24 -m comment --comment "flanneld masq" -j RETURN
            -A FLANNEL-POSTRTG -s 10.1.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
            -A FLANNEL-POSTRTG ! -s 10.1.0.0/16 -d 10.1.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
            """;
    private static final String FORWARDING = """
            -A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
            -A FLANNEL-FWD -s 10.1.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
            -A FLANNEL-FWD -d 10.1.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
            """;

    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
    private NetworkNamespace host;
    private PacketFilter filter;

    @BeforeEach
    void makeHost() {
        Assumptions.assumeTrue(IptablesPrograms.find().isPresent(), "no iptables");
        host = NetworkNamespace.create("filter");
        filter = filter();
    }

    /** One that works on the thread that asks, which is inside the host. */
    private PacketFilter filter() {
        return new PacketFilter(true, new Log(new PrintStream(logged, true), 0), IptablesPrograms::find, Runnable::run);
    }

    @AfterEach
    void removeHost() {
        host.close();
    }

    @Test
    void rulesAreSetUpAndASecondLookChangesNothing() throws Exception {
        host.call(() -> filter.apply("", BOTH));
        assertInPlace();
        String before = logged.toString();
        host.call(() -> {
            filter.verify();
            filter().apply("", BOTH);
        });
        assertEquals(before, logged.toString(), "found in order, also after a restart");
    }

    @Test
    void whatSomebodySpoilsIsMended() throws Exception {
        host.call(() -> filter.apply("", BOTH));
        List<String> damages = List.of(
                "iptables -t nat -F",
                "iptables -F",
                "iptables -D FLANNEL-FWD 2",
                "iptables -t nat -D FLANNEL-POSTRTG 1",
                "iptables -t nat -I FLANNEL-POSTRTG -j ACCEPT",
                "iptables -D FORWARD -m comment --comment 'flanneld forward' -j FLANNEL-FWD",
                "iptables -A FORWARD -m comment --comment 'flanneld forward' -j FLANNEL-FWD",
                "iptables -D FORWARD 1; iptables -A FORWARD -s 10.1.0.0/16 -j FLANNEL-FWD",
                "iptables -t nat -D POSTROUTING 1; iptables -t nat -F FLANNEL-POSTRTG; iptables -t nat -X FLANNEL-POSTRTG");
        for (String damage : damages) {
            host.run("sh", "-c", damage);
            host.call(filter::verify);
            assertInPlace();
        }
        assertEquals(damages.size(), logged.toString().split("Put iptables rules back in order").length - 1, logged.toString());
    }

    @Test
    void othersRulesAndTheirOrderStay() throws Exception {
        host.run("sh", "-c", "iptables -A FORWARD -i eth7 -j DROP; iptables -A FORWARD -j REJECT --reject-with icmp-host-prohibited; "
                + "iptables -P FORWARD DROP; iptables -t nat -A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE");
        host.call(() -> filter.apply("", BOTH));
        assertEquals("-P FORWARD DROP\n-A FORWARD -i eth7 -j DROP\n"
                + "-A FORWARD -m comment --comment \"flanneld forward\" -j FLANNEL-FWD\n"
                + "-A FORWARD -j REJECT --reject-with icmp-host-prohibited\n", host.run("iptables", "-S", "FORWARD"));
        assertEquals("-P POSTROUTING ACCEPT\n-A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE\n"
                + "-A POSTROUTING -m comment --comment \"flanneld masq\" -j FLANNEL-POSTRTG\n", host.run("iptables", "-t", "nat", "-S", "POSTROUTING"));
        host.run("sh", "-c", "iptables -I FORWARD -j REJECT");
        host.call(filter::verify);
        assertTrue(host.run("iptables", "-S", "FORWARD").startsWith("-P FORWARD DROP\n-A FORWARD -m comment"), "before the new barrier");
    }

    @Test
    void theLooseRulesOfTheOldDaemonGo() throws Exception {
        host.run("sh", "-c", "iptables -t nat -A POSTROUTING -s 10.1.0.0/16 -d 10.1.0.0/16 -j RETURN;"
                + "iptables -t nat -A POSTROUTING -s 10.1.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE;"
                + "iptables -t nat -A POSTROUTING ! -s 10.1.0.0/16 -d 10.1.0.0/16 -j MASQUERADE");
        host.call(() -> filter.apply("", BOTH));
        assertInPlace();
    }

    @Test
    void whatIsNotWantedGoes() throws Exception {
        host.call(() -> {
            filter.apply("", BOTH);
            filter.apply("", NONE);
        });
        assertEquals("", rules("nat") + rules("filter"));
        assertTrue(!host.run("iptables-save").contains("FLANNEL"), "chains are gone");
    }

    @Test
    void severalNetworksShareTheChainsAndComeAndGo() throws Exception {
        PacketFilter.Rules second = new PacketFilter.Rules(Ipv4Subnet.parse("10.2.0.0/16"), Ipv4Subnet.parse("10.2.7.0/24"), true, true, true);
        host.call(() -> {
            filter.apply("b", second);
            filter.apply("a", BOTH);
        });
        String both = rules("nat") + rules("filter");
        assertEquals(1, both.split("0x4000/0x4000").length - 1, both);
        assertEquals(2 * 4 + 1 + 1, rules("nat").lines().count(), both);
        assertTrue(rules("filter").endsWith(FORWARDING.lines().skip(1).map(rule -> rule + "\n").reduce("", String::concat)
                + FORWARDING.replace("10.1.", "10.2.").lines().skip(1).map(rule -> rule + "\n").reduce("", String::concat)), both);
        host.run("iptables", "-t", "nat", "-D", "FLANNEL-POSTRTG", "4");
        host.run("iptables", "-F", "FLANNEL-FWD");
        host.call(filter::verify);
        assertEquals(both, rules("nat") + rules("filter"));
        host.call(() -> filter.remove("b"));
        assertInPlace();
        host.call(() -> {
            filter.remove("b");
            filter.remove("a");
        });
        assertTrue(!host.run("iptables-save").contains("FLANNEL"), "chains are gone");
    }

    @Test
    void aGuardStandsBeforeWhatIsAcceptedAndAloneToo() throws Exception {
        String guard = "-A FLANNEL-FWD -d 169.254.0.0/16 -i eth0 -m comment --comment \"flanneld forward\" -j DROP\n";
        for (boolean forward : new boolean[] {true, false}) {
            PacketFilter.Rules guarded = new PacketFilter.Rules(BOTH.network(), BOTH.own(), false, forward, true, "eth0");
            host.call(() -> filter.apply("", guarded));
            String jump = FORWARDING.substring(0, FORWARDING.indexOf('\n') + 1);
            assertEquals(jump + guard + (forward ? FORWARDING.substring(jump.length()) : ""), rules("filter"));
            String before = logged.toString();
            host.call(() -> filter().apply("", guarded));
            assertEquals(before, logged.toString(), "found in order");
        }
    }

    @Test
    void aChangeOfRulesIsHeard() throws Exception {
        Assumptions.assumeTrue(host.run("iptables", "--version").contains("nf_tables"), "iptables of the older kind makes no notifications");
        LinkedBlockingQueue<KernelEvent> events = new LinkedBlockingQueue<>();
        host.call(() -> {
            filter.apply("", BOTH);
            assertTrue(filter.isTold());
            try (KernelMonitor monitor = KernelMonitor.open(new Log(System.err, 0))) {
                assertTrue(monitor.hearsRules());
                host.start("monitor", () -> {
                    try {
                        monitor.run(events::add);
                    } catch (Exception e) {
                        throw new AssertionError(e);
                    }
                });
                host.run("iptables", "-F");
                assertEquals(new KernelEvent.RulesChanged(), events.poll(5, TimeUnit.SECONDS));
            }
        });
    }

    private void assertInPlace() {
        assertEquals(MASQUERADING, rules("nat"));
        assertEquals(FORWARDING, rules("filter"));
    }

    private String rules(String table) {
        StringBuilder rules = new StringBuilder();
        host.run("iptables-save", "-t", table).lines().filter(line -> line.startsWith("-A ")).forEach(line -> rules.append(line).append('\n'));
        return rules.toString();
    }
}
