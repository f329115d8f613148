package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.json.JsonValue;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** {@code flanneld check} on hosts whose faults are known: it names them, and calls nothing else a failure. */
class CheckTest {

    private static Lab lab;
    private static Host one;
    private static Host two;

    @BeforeAll
    static void build() throws Exception {
        lab = Needs.lab(Store.Api.V3);
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

    private static void config(String backend) {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"" + backend + "\"}}");
    }

    private static void startBoth(String backend) throws Exception {
        config(backend);
        lab.startAll(one, two);
        one.plugContainer();
        two.plugContainer();
        one.daemon().awaitLog("(Following the leases of 1 other|Subnet added)");
        two.daemon().awaitLog("(Following the leases of 1 other|Subnet added)");
    }

    /** What it finds with the lab's options and these, which count before them: "level subject: evidence". */
    private static List<String> findings(String... options) throws Exception {
        List<String> words = new ArrayList<>(List.of("check", "-json"));
        words.addAll(lab.options(options));
        NetworkNamespace.Result result = one.flanneld(words.toArray(String[]::new));
        assertTrue(result.output().startsWith("{"), result.output());
        JsonValue answer = JsonValue.parse(result.output());
        assertEquals(List.of("ok", "warn", "FAIL").indexOf(answer.text("level")), result.exitCode());
        List<String> findings = new ArrayList<>();
        for (JsonValue finding : answer.list("findings")) {
            assertTrue(finding.text("level").equals("ok") || finding.text("subject").equals("daemon") || !finding.text("remedy").isEmpty(), finding.toString());
            findings.add(finding.text("level") + " " + finding.text("subject") + ": " + finding.text("evidence"));
        }
        return findings;
    }

    /** It fails for this and for nothing else. */
    private static void assertNamed(String evidence, String... options) throws Exception {
        List<String> findings = findings(options);
        List<String> failures = findings.stream().filter(finding -> finding.startsWith("FAIL")).toList();
        assertTrue(failures.stream().anyMatch(failure -> failure.contains(evidence)), evidence + " is not in\n" + String.join("\n", findings));
        assertEquals(1, failures.size(), String.join("\n", findings));
    }

    private static void assertWarned(String evidence, String... options) throws Exception {
        List<String> findings = findings(options);
        assertTrue(findings.stream().anyMatch(finding -> finding.startsWith("warn") && finding.contains(evidence)), evidence + " is not in\n" + String.join("\n", findings));
        assertTrue(findings.stream().noneMatch(finding -> finding.startsWith("FAIL")), String.join("\n", findings));
    }

    @Test
    void aHealthyHostHasNothing() throws Exception {
        for (String backend : List.of("vxlan", "host-gw", "udp", "alloc")) {
            startBoth(backend);
            if (backend.equals("alloc")) { // the routes are the operator's
                one.run("ip", "route", "add", two.subnet(), "via", two.address());
                two.run("ip", "route", "add", one.subnet(), "via", one.address());
            }
            List<String> findings = findings();
            assertTrue(findings.stream().allMatch(finding -> finding.startsWith("ok ")), backend + ":\n" + String.join("\n", findings));
            lab.reset();
        }
    }

    @Test
    void whatIsWrongWithTheStore() throws Exception {
        startBoth("vxlan");
        assertNamed("http://192.168.32.250:2379: ", "-etcd-endpoints=http://192.168.32.250:2379");
        assertNamed("there is no key /nowhere/config in etcd, but there is /atomic.io/network/config", "-etcd-prefix=/nowhere");
        assertNamed("/atomic.io/network/config is in etcd's v3 store, and -etcd-api=v2 asks the other one", "-etcd-api=v2");
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\",\n \"Backend\": }");
        assertNamed("in line 2, column 13");
        lab.store().put("config", "{\"Network\": \"192.168.0.0/16\", \"Backend\": {\"Type\": \"vxlan\"}}");
        assertNamed("the network 192.168.0.0/16 overlaps this host's own address 192.168.32.211");
        lab.store().delete("config");
        assertNamed("there is no key /atomic.io/network/config in etcd");
    }

    @Test
    void whatIsWrongWithTheLeases() throws Exception {
        startBoth("vxlan");
        lab.store().put("subnets/10.1.250.0-24", "{\"PublicIP\":\"192.168.32.99\",\"BackendType\":\"host-gw\"}", 86_400);
        one.daemon().awaitLog("Ignoring non-vxlan subnet");
        assertWarned("1 peer uses another backend than this network's vxlan: 192.168.32.99 (host-gw)");
        lab.store().put("subnets/10.1.250.0-24", "{\"PublicIP\":\"" + two.address() + "\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"02:00:00:00:00:99\"}}", 86_400);
        one.daemon().awaitLog("Subnet added: 10.1.250.0/24");
        assertNamed("two hosts claim the PublicIP " + two.address());
        lab.store().delete("subnets/10.1.250.0-24");
        one.daemon().awaitLog("Subnet removed: 10.1.250.0/24");

        one.daemon().kill();
        String key = "subnets/" + one.subnet().replace('/', '-');
        lab.store().delete(key);
        assertAlsoDown("the store has no lease of " + one.subnet() + ", which this host uses");
        lab.store().put(key, "{\"PublicIP\":\"192.168.32.98\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"02:00:00:00:00:98\"}}", 86_400);
        assertAlsoDown(one.subnet() + ", which this host uses, is held by 192.168.32.98, and this host is 192.168.32.211");
        lab.store().put(key, "nonsense");
        assertAlsoDown("the value of " + one.subnet() + ", which this host uses, is no lease");
    }

    /** A running daemon mends these within milliseconds. */
    @Test
    void whatIsWrongInTheKernel() throws Exception {
        startBoth("vxlan");
        one.daemon().kill();
        assertEquals(List.of("FAIL daemon"), findings().stream().filter(finding -> !finding.startsWith("ok")).map(finding -> finding.split(":")[0]).toList());
        String mac = two.run("ip", "-br", "link", "show", "flannel.1").split(" +")[2];
        String base = two.subnet().replace("/24", "");
        for (String[] fault : new String[][] {
            {"ip route del " + two.subnet(), "missing route 1"},
            {"ip neighbour del " + base + " dev flannel.1", "missing neighbour 1, route 1"},
            {"bridge fdb del " + mac + " dev flannel.1 dst " + two.address(), "missing fdb 1, neighbour 1, route 1"},
            {"ip link set flannel.1 mtu 1400", "flannel.1 has an MTU of 1400, 1450 is right"},
            {"ip link set flannel.1 address 02:00:00:00:00:97", "flannel.1 has the address 02:00:00:00:00:97, the lease says"},
            {"ip link set flannel.1 down", "flannel.1 is down"},
            {"ip link delete flannel.1", "flannel.1 is not there"},
            {"ip link add flannel.1 type vxlan id 7 dstport 8472 local " + one.address() + " dev eth0 nolearning", "flannel.1 is of VNI 7 and UDP port 8472"}}) {
            one.run(fault[0].split(" "));
            assertAlsoDown(fault[1]);
        }
        one.run("ip", "link", "delete", "flannel.1");
        one.start(lab.options()).awaitReady();
        one.daemon().awaitLog("Following the leases of 1 other");
        one.run("ip", "route", "add", "10.1.128.0/17", "via", lab.gateway());
        assertWarned("the route 10.1.128.0/17 via 192.168.32.1 dev eth0 of another program lies in the network's range 10.1.0.0/16");
        one.run("ip", "route", "del", "10.1.128.0/17");
        one.daemon().kill();
        one.run("ip", "route", "replace", two.subnet(), "via", lab.gateway(), "proto", "static");
        assertAlsoDown("someone else's route " + two.subnet() + " via 192.168.32.1 dev eth0 is there");
        one.run("ip", "route", "del", two.subnet());
    }

    @Test
    void whatIsWrongWithTheHost() throws Exception {
        startBoth("vxlan");
        one.run("sysctl", "-qw", "net.ipv4.ip_forward=0");
        assertNamed("net.ipv4.ip_forward is 0");
        one.run("sysctl", "-qw", "net.ipv4.ip_forward=1");

        assertNamed("there is no /run/flannel/nosuch.env", "-subnet-file=/run/flannel/nosuch.env");
        Files.writeString(one.file("/run/flannel/other.env"), "FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.99.1/24\nFLANNEL_MTU=1450\n");
        List<String> stale = findings("-subnet-file=/run/flannel/other.env");
        assertTrue(stale.contains("FAIL subnet file: /run/flannel/other.env says 10.1.99.0/24, the lease is " + one.subnet()), String.join("\n", stale));

        String bridge = one.subnetEnv().get("FLANNEL_SUBNET");
        one.run("ip", "address", "add", "172.17.0.1/16", "dev", "docker0");
        one.run("ip", "address", "del", bridge, "dev", "docker0");
        assertNamed("docker0 has 172.17.0.1/16, this host's subnet wants " + bridge);
        one.run("ip", "address", "add", bridge, "dev", "docker0");
        one.run("ip", "link", "set", "veth2", "mtu", "1500");
        one.run("ip", "link", "set", "docker0", "mtu", "1500");
        assertNamed("docker0's containers have an MTU of 1500, the network takes packets of 1450 bytes at most");
        one.run("ip", "link", "set", "veth2", "mtu", "1450");
        one.run("ip", "link", "set", "docker0", "mtu", "1450");

        one.run("iptables", "-A", "INPUT", "-p", "udp", "--dport", "8472", "-j", "DROP");
        assertNamed("a rule of this host drops UDP port 8472 that comes in");
        one.run("iptables", "-F", "INPUT");
        two.run("iptables", "-A", "INPUT", "-p", "udp", "--dport", "8472", "-j", "DROP");
        assertNamed(two.address() + " answers beside the overlay and not over it");
        two.run("iptables", "-F", "INPUT");
        one.daemon().terminate();
        one.run("iptables", "-P", "FORWARD", "DROP");
        one.run("iptables", "-F", "FORWARD");
        one.start(lab.options("-iptables-forward-rules=false")).awaitReady();
        assertNamed("FORWARD's policy is DROP and no rule of flannel's accepts the overlay's packets", "-iptables-forward-rules=false");
    }

    @Test
    void whatIsWrongWithTheWay() throws Exception {
        startBoth("vxlan");
        two.run("ip", "link", "set", "eth0", "mtu", "1400");
        try {
            two.daemon().awaitLog("the network takes packets of 1350 bytes");
            assertNamed("small packets get through, those of 1450 bytes do not");
        } finally {
            two.run("ip", "link", "set", "eth0", "mtu", "1500");
        }
        one.daemon().terminate();
        one.run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth1peer");
        one.run("ip", "link", "set", "eth1peer", "up");
        try {
            one.run("ip", "address", "add", "172.20.0.1/24", "dev", "eth1");
            one.run("ip", "link", "set", "eth1", "up");
            one.start(lab.options("-iface=eth1")).awaitReady();
            assertNamed("eth1 was chosen, but packets to " + two.address() + " leave by eth0", "-iface=eth1");
            one.daemon().terminate();
            one.start(lab.options()).awaitReady();
            one.run("ip", "route", "add", two.address() + "/32", "dev", "eth1");
            one.run("sysctl", "-qw", "net.ipv4.conf.eth0.rp_filter=1");
            assertNamed("rp_filter of eth0 is strict");
        } finally {
            one.run("sysctl", "-qw", "net.ipv4.conf.eth0.rp_filter=0");
            one.run("ip", "link", "delete", "eth1");
        }
    }

    /** It fails for this, and because the daemon does not run. */
    private static void assertAlsoDown(String evidence) throws Exception {
        List<String> findings = findings();
        List<String> failures = findings.stream().filter(finding -> finding.startsWith("FAIL") && !finding.startsWith("FAIL daemon: no flanneld runs here")).toList();
        assertTrue(failures.size() == 1 && failures.getFirst().contains(evidence), evidence + " is not in, or not alone:\n" + String.join("\n", findings));
    }
}
