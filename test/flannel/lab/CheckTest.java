package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import flannel.json.JsonValue;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code flanneld check} on hosts whose faults are known: it names them, and calls nothing else a failure. */
class CheckTest {

    private static Lab lab;
    private static Host one;
    private static Host two;
    /** Of the last check: what mends it, by the evidence. */
    private static final Map<String, String> remedies = new LinkedHashMap<>();

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
        return findingsAfter("", options);
    }

    /** The same after a piece of shell script, which may mount something. */
    private static List<String> findingsAfter(String script, String... options) throws Exception {
        List<String> words = new ArrayList<>(List.of("check", "-json"));
        words.addAll(lab.options(options));
        NetworkNamespace.Result result = one.flanneldAfter(script, words.toArray(String[]::new));
        assertTrue(result.output().startsWith("{"), result.output());
        JsonValue answer = JsonValue.parse(result.output());
        assertEquals(List.of("ok", "warn", "FAIL").indexOf(answer.text("level")), result.exitCode());
        List<String> findings = new ArrayList<>();
        remedies.clear();
        for (JsonValue finding : answer.list("findings")) {
            if (!finding.text("level").equals("ok")) {
                assertFalse(finding.text("remedy").isEmpty(), finding.toString());
                remedies.put(finding.text("evidence"), finding.text("remedy"));
            }
            findings.add(finding.text("level") + " " + finding.text("subject") + ": " + finding.text("evidence"));
        }
        return findings;
    }

    /** It fails for this and for nothing else. */
    private static void assertNamed(String evidence, String... options) throws Exception {
        assertNamed(List.of(evidence), options);
    }

    private static void assertNamed(List<String> evidences, String... options) throws Exception {
        List<String> findings = findings(options);
        List<String> failures = findings.stream().filter(finding -> finding.startsWith("FAIL")).toList();
        for (String evidence : evidences) {
            assertTrue(failures.stream().anyMatch(failure -> failure.contains(evidence)), evidence + " is not in\n" + String.join("\n", findings));
        }
        assertEquals(evidences.size(), failures.size(), String.join("\n", findings));
    }

    /** It is named, and what is to mend it does, word by word: the next fault is the only one again. */
    private static void assertMended(String evidence, String... options) throws Exception {
        assertNamed(evidence, options);
        mend(evidence);
    }

    private static void mend(String evidence) throws Exception {
        String command = remedies.entrySet().stream().filter(remedy -> remedy.getKey().contains(evidence)).findFirst().orElseThrow().getValue().split(";", 2)[0];
        if (command.startsWith("systemctl restart flanneld")) {
            one.daemon().kill();
            one.start(lab.options()).awaitReady();
            one.daemon().awaitLog("Following the leases of 1 other");
        } else {
            one.run("sh", "-ec", command);
        }
    }

    private static void assertHealthy(String... options) throws Exception {
        List<String> findings = findings(options);
        assertTrue(findings.stream().allMatch(finding -> finding.startsWith("ok ")), String.join("\n", findings));
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
            if (backend.equals("vxlan")) { // and with the rules of Docker 28, which came first
                for (String rule : List.of("-N DOCKER", "-N DOCKER-USER", "-I FORWARD -j DOCKER-USER", "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                        "-A FORWARD -o docker0 -j DOCKER", "-A FORWARD -i docker0 -j ACCEPT", "-A DOCKER-USER -j RETURN", "-A DOCKER ! -i docker0 -o docker0 -j DROP",
                        "-P FORWARD DROP")) {
                    one.run(("iptables -w " + rule).split(" "));
                }
            } else if (backend.equals("host-gw")) { // and without Docker
                one.unplug();
            } else if (backend.equals("alloc")) { // the routes are the operator's
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
    void aClockThatIsFarOff() throws Exception {
        assumeTrue(WallClock.isPossible(), "no C compiler to give a host a clock of its own");
        startBoth("vxlan");
        WallClock clock = new WallClock(one);
        clock.set(Duration.ofHours(2));
        List<String> findings = findingsAfter("export " + clock.environment().entrySet().stream().map(Map.Entry::toString).collect(Collectors.joining(" ")));
        assertEquals(1, findings.stream().filter(finding -> !finding.startsWith("ok")).count(), String.join("\n", findings));
        assertTrue(findings.stream().anyMatch(finding -> finding.matches("warn clock: this host's clock is (7199|720[01]) s ahead of that of http://.*")),
                String.join("\n", findings));
    }

    @Test
    void whatIsWrongWithTheLeases() throws Exception {
        startBoth("vxlan");
        String vxlan = "{\"PublicIP\":\"%s\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"%s\"}}";
        lab.store().put("subnets/10.1.250.0-24", "{\"PublicIP\":\"192.168.32.98\",\"BackendType\":\"host-gw\"}", 86_400);
        lab.store().put("subnets/10.1.251.0-24", String.format(vxlan, two.address(), "02:00:00:00:00:99"), 86_400);
        lab.store().put("subnets/10.1.252.0-24", String.format(vxlan, "192.168.32.99", two.run("ip", "-br", "link", "show", "flannel.1").split(" +")[2]), 86_400);
        lab.store().put("subnets/10.2.250.0-24", String.format(vxlan, "192.168.32.97", "02:00:00:00:00:97"), 600);
        one.daemon().awaitLog("Subnet added: 10.1.252.0/24");
        assertNamed(List.of("two hosts claim the PublicIP " + two.address(), "two hosts have the VtepMAC"));
        for (String warning : List.of("1 peer uses another backend than this network's vxlan: 192.168.32.98 (host-gw)",
                "1 lease lies outside of the network's range 10.1.0.0/16: 10.2.250.0/24 of 192.168.32.97",
                "1 peer has not renewed in time, so flanneld does not run there: 192.168.32.97")) {
            assertTrue(remedies.keySet().stream().anyMatch(evidence -> evidence.startsWith(warning)), warning + " is not in " + remedies.keySet());
        }
        for (String other : List.of("10.1.250.0-24", "10.1.251.0-24", "10.1.252.0-24", "10.2.250.0-24")) {
            lab.store().delete("subnets/" + other);
        }
        one.daemon().awaitLog("Subnet removed: 10.1.252.0/24");
        lab.store().put("subnets/10.1.248.0-24", "{\"PublicIP\":\"192.168.32.96\",\"BackendType\":\"vxlan\"}", 86_400); // those are left out, and harm nobody
        lab.store().put("subnets/10.1.247.0-24", String.format(vxlan, "127.0.0.1", "02:00:00:00:00:95"), 86_400);
        one.daemon().awaitLog("Ignoring subnet 10.1.247.0/24");
        assertWarned("Ignoring subnet 10.1.248.0/24 of 192.168.32.96");
        lab.store().delete("subnets/10.1.248.0-24");
        lab.store().delete("subnets/10.1.247.0-24");

        one.daemon().kill();
        String key = "subnets/" + one.subnet().replace('/', '-');
        lab.store().put(key, "{\"PublicIP\":\"" + one.address() + "\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"02:00:00:00:00:96\"}}", 1);
        Await.that("the lease has expired", () -> lab.store().leases().stream().noneMatch(lease -> key.endsWith(lease)));
        assertAlsoDown("the store has no lease of " + one.subnet() + ", which this host uses: it was deleted, or has expired");
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
        one.run("ip", "route", "add", "10.1.200.0/24", "via", "10.1.200.0", "dev", "flannel.1", "onlink", "proto", "241");
        one.run("ip", "neighbour", "add", "10.1.200.0", "lladdr", "02:00:00:00:02:00", "dev", "flannel.1", "nud", "permanent");
        one.run("bridge", "fdb", "add", "02:00:00:00:02:00", "dev", "flannel.1", "dst", "192.168.32.99");
        assertAlsoDown("unlike the leases: too many fdb 1, neighbour 1, route 1");
        mend("unlike the leases");
        one.daemon().kill();
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
        one.run("ip", "link", "add", "rival", "type", "vxlan", "id", "1", "dstport", "8472", "dev", "eth0");
        one.run("ip", "link", "set", "rival", "up");
        assertAlsoDown("flannel.1 is not there: UDP port 8472 is taken by the VXLAN device rival");
        mend("taken by the VXLAN device");
        one.start(lab.options()).awaitReady();
        one.daemon().awaitLog("Following the leases of 1 other");
        one.run("ip", "route", "add", "10.1.128.0/17", "via", lab.gateway());
        assertWarned("the route 10.1.128.0/17 via 192.168.32.1 dev eth0 of another program lies in the network's range 10.1.0.0/16");
        mend("of another program");
        one.run("ip", "link", "add", "br-x", "type", "bridge");
        one.run("ip", "address", "add", "10.1.240.1/20", "dev", "br-x");
        one.run("ip", "link", "set", "br-x", "up");
        assertWarned("br-x has an address in 10.1.240.0/20, a part of the network's range 10.1.0.0/16");
        one.run("ip", "link", "delete", "br-x");
        one.daemon().kill();
        one.run("ip", "route", "replace", two.subnet(), "via", lab.gateway(), "proto", "static");
        assertAlsoDown("someone else's route " + two.subnet() + " via 192.168.32.1 dev eth0 is there");
        mend("someone else's route");
        assertTrue(one.run("ip", "route", "show", two.subnet()).isEmpty());
    }

    @Test
    void whatIsWrongWithTheHost() throws Exception {
        startBoth("vxlan");
        one.run("sysctl", "-qw", "net.ipv4.ip_forward=0");
        assertMended("net.ipv4.ip_forward is 0");
        one.run("sysctl", "-qw", "net/ipv4/conf/flannel.1/forwarding=0");
        one.run("ip", "rule", "add", "to", "10.1.0.0/16", "lookup", "100");
        one.run("ip", "route", "add", "default", "via", lab.gateway(), "table", "100");
        one.run("iptables", "-w", "-I", "FORWARD", "-s", "10.1.0.0/16", "-j", "DROP");
        one.run("ip", "link", "set", "docker0", "down");
        List<String> several = List.of("what comes in at flannel.1 ends here", "leave by eth0 and not by flannel.1",
                "a rule drops what containers and other hosts' send each other: -A FORWARD -s 10.1.0.0/16 -j DROP", "docker0 is down");
        assertNamed(several);
        for (String each : several) {
            mend(each);
        }
        assertTrue(one.run("ip", "route", "get", two.containerAddress()).contains("dev flannel.1"), "by the exception");
        assertCablesAndTablesAreNamed();
        one.run("ip", "rule", "delete", "to", "10.1.0.0/16", "lookup", "100");
        one.run("ip", "rule", "delete", "priority", "1");
        assertTrue(findingsAfter("mount -t tmpfs -o size=64k none /var/lib/flannel && ! dd if=/dev/zero of=/var/lib/flannel/zeros bs=4k 2> /dev/null")
                .contains("FAIL disk: the file system of /var/lib/flannel is full"));
        assertTrue(findingsAfter("mount -t tmpfs -o ro none /var/lib/flannel").contains("FAIL disk: the file system of /var/lib/flannel is read-only"));
        assertEquals(List.of("mount -o remount,rw /var/lib/flannel"), List.copyOf(remedies.values()));
        Files.delete(one.file("/run/flannel/subnet.env"));
        assertMended("there is no /run/flannel/subnet.env");

        Files.writeString(one.file("/run/flannel/other.env"), "FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.99.1/24\nFLANNEL_MTU=1450\n");
        List<String> stale = findings("-subnet-file=/run/flannel/other.env");
        assertTrue(stale.contains("FAIL subnet file: /run/flannel/other.env says 10.1.99.0/24, the lease is " + one.subnet()), String.join("\n", stale));

        String bridge = one.subnetEnv().get("FLANNEL_SUBNET");
        one.run("ip", "address", "add", "172.17.0.1/16", "dev", "docker0");
        one.run("ip", "address", "del", bridge, "dev", "docker0");
        one.run("ip", "link", "set", "veth2", "mtu", "1500");
        one.run("ip", "link", "set", "docker0", "mtu", "1500");
        assertNamed(List.of("docker0 has 172.17.0.1/16, this host's subnet wants " + bridge,
                "a container at docker0 has an MTU of 1500, the network takes packets of 1450 bytes at most"));
        one.run("ip", "address", "add", bridge, "dev", "docker0");
        one.run("ip", "link", "set", "veth2", "mtu", "1450");
        one.run("ip", "link", "set", "docker0", "mtu", "1450");
        one.daemon().terminate();
        one.run("iptables", "-P", "FORWARD", "DROP");
        one.run("iptables", "-F", "FORWARD");
        one.start(lab.options("-iptables-forward-rules=false")).awaitReady();
        assertMended("FORWARD's policy is DROP and no rule accepts the overlay's packets", "-iptables-forward-rules=false");
        assertHealthy("-iptables-forward-rules=false");
    }

    /** What neither the leases nor FORWARD tell of. */
    private static void assertCablesAndTablesAreNamed() throws Exception {
        one.run("iptables", "-w", "-t", "raw", "-A", "PREROUTING", "-d", one.containerAddress(), "!", "-i", "docker0", "-j", "DROP"); // as Docker 28 does
        one.run("iptables", "-w", "-t", "nat", "-I", "PREROUTING", "-d", two.subnet(), "-j", "DNAT", "--to-destination", lab.gateway());
        one.run("ip", "link", "set", "veth2", "nomaster");
        List<String> several = List.of("a rule drops what containers and other hosts' send each other: -A PREROUTING -d " + one.containerAddress() + "/32 ! -i docker0 -j DROP",
                "are given another destination: -A PREROUTING -d " + two.subnet() + " -j DNAT", "veth2 leads to a container and is in no bridge");
        assertNamed(several);
        for (String each : several) {
            mend(each);
        }
        one.run("ip", "link", "set", "veth2", "down");
        assertMended("veth2, a port of docker0, is down");
        one.run("ip", "xfrm", "policy", "add", "src", two.subnet(), "dst", one.subnet(), "dir", "fwd", "action", "block");
        assertMended("a policy of IPsec blocks what goes to other hosts or comes from them: src " + two.subnet() + " dst " + one.subnet() + " dir fwd");
        one.run("ip", "route", "add", "blackhole", two.containerAddress());
        assertMended("takes what is for containers of " + two.address());
        one.run("iptables", "-w", "-t", "nat", "-I", "POSTROUTING", "-s", "10.1.0.0/16", "-j", "MASQUERADE");
        assertWarned("containers' packets to other hosts' leave with another address than their own: -A POSTROUTING -s 10.1.0.0/16 -j MASQUERADE");
        mend("leave with another address");
        assertTrue(one.container().run("ping", "-c", "1", "-W", "5", two.containerAddress()).contains("1 received"), "all is mended");
        assertHealthy();
        one.run("iptables", "-w", "-t", "nat", "-F", "POSTROUTING");
    }

    /** At which end the tunnel's port is blocked, and in which direction: told by packets, and only then by rules. */
    @ParameterizedTest
    @CsvSource({"vxlan, 8472", "udp, 8285"})
    void whereTheWayIsBlocked(String backend, String port) throws Exception {
        startBoth(backend);
        assertBlocked(two, "INPUT -p udp --dport " + port + " -j DROP", "what comes from there arrives, what this host sends to UDP port " + port + " does not arrive there");
        assertBlocked(two, "OUTPUT -p udp --dport " + port + " -j DROP", "what this host sends arrives there, what comes from there to UDP port " + port + " does not arrive here");
        two.run("sysctl", "-qw", "net.ipv4.ip_forward=0");
        assertNamed(two.address() + " answers over the overlay, and nothing is sent on there: not to containers either");
        two.run("sysctl", "-qw", "net.ipv4.ip_forward=1");
        if (backend.equals("udp")) {
            two.daemon().kill();
            assertNamed(two.address() + " says: port unreachable: nobody there takes it");
            return;
        }
        String shutOut = "what " + two.address() + " answers comes in at eth0, and this host drops it: UDP port " + port;
        one.run("iptables", "-w", "-A", "INPUT", "-p", "udp", "--dport", "8000:9000", "-j", "DROP");
        assertMended(shutOut);
        one.run("iptables", "-w", "-A", "INPUT", "-p", "udp", "!", "--sport", "53", "-j", "DROP"); // no rule that names the port, as with a policy
        assertMended(shutOut);
        one.run("iptables", "-w", "-F", "INPUT");
        one.run("iptables", "-w", "-A", "OUTPUT", "-p", "udp", "--dport", port, "-j", "DROP");
        assertMended("what is sent to " + two.address() + " does not come out of eth0");
        assertBlocked(two, "INPUT -p udp --dport " + port + " -j REJECT --reject-with icmp-host-prohibited", two.address() + " says: prohibited by a packet filter");
        one.run("iptables", "-w", "-A", "INPUT", "-p", "icmp", "-j", "DROP"); // containers' packets are not for this host
        assertWarned(two.address() + " answers over the overlay, and this host's packet filter drops ICMP that comes in");
        mend("drops ICMP that comes in");
        two.daemon().kill();
        two.run("iptables", "-w", "-A", "INPUT", "-p", "icmp", "-j", "DROP"); // its data path is fine, though neither echoes nor a daemon tell
        assertWarned("packets over the overlay, and sends some, but no echo is answered");
        two.run("iptables", "-w", "-F", "INPUT");
    }

    private static void assertBlocked(Host where, String rule, String evidence) throws Exception {
        where.run(("iptables -w -I " + rule).split(" "));
        assertNamed(evidence);
        where.run(("iptables -w -D " + rule).split(" "));
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
        for (Host host : List.of(one, two)) {
            String other = host == one ? two.address() : one.address();
            host.run("ip", "neigh", "replace", other, "lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "permanent");
            assertNamed(host == one ? "somebody wrote 02:00:00:00:00:99 into the neighbour table of eth0"
                    : two.address() + " sends what is for this host to another machine's hardware address");
            host.run("sh", "-ec", remedies.values().stream().findFirst().orElseThrow().split(";")[0]);
            assertHealthy();
        }
        lab.outside().run("ip", "address", "add", one.address() + "/24", "dev", "br0");
        try {
            assertNamed("another machine has this host's address " + one.address() + " too");
        } finally {
            lab.outside().run("ip", "address", "del", one.address() + "/24", "dev", "br0");
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
            assertMended("rp_filter of eth0 is strict");
            assertEquals("2", one.run("sysctl", "-n", "net.ipv4.conf.eth0.rp_filter").strip());
        } finally {
            one.run("sysctl", "-qw", "net.ipv4.conf.eth0.rp_filter=0");
            one.run("ip", "link", "delete", "eth1");
        }
    }

    @Test
    void severalNetworks() throws Exception {
        lab.store().put("blue/config", "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"host-gw\"}}");
        lab.store().put("green/config", "{\"Network\": \"10.2.0.0/16\", \"Backend\": {\"Type\": \"udp\"}}");
        try {
            for (Host host : List.of(one, two)) {
                host.start(lab.options("-networks=blue,green"));
            }
            for (Host host : List.of(one, two)) {
                host.daemon().awaitReady();
                host.daemon().awaitLog("blue: (Following the leases of 1 other|Subnet added)");
                host.daemon().awaitLog("green: (Following the leases of 1 other|Subnet added)");
            }
            assertHealthy("-networks=blue,green");
            lab.store().put("pink/config", "{\"Network\": \"10.3.0.0/16\", \"Backend\": {\"Type\": \"udp\"}}");
            List<String> findings = findings("-watch-networks");
            assertTrue(findings.contains("FAIL networks: green and pink can't be had on one host: both want UDP port 8285; change \"Port\""), String.join("\n", findings));
            assertEquals(2, findings.stream().filter(finding -> finding.startsWith("ok peers: 1 peer answers")).count(), String.join("\n", findings));
        } finally {
            lab.store().deleteAll();
        }
    }

    /** It fails for this, and because the daemon does not run. */
    private static void assertAlsoDown(String evidence) throws Exception {
        List<String> findings = findings();
        List<String> failures = findings.stream().filter(finding -> finding.startsWith("FAIL") && !finding.startsWith("FAIL daemon: no flanneld runs here")).toList();
        assertTrue(failures.size() == 1 && failures.getFirst().contains(evidence), evidence + " is not in, or not alone:\n" + String.join("\n", findings));
    }
}
