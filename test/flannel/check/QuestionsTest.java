package flannel.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.check.Finding.Level;
import flannel.etcd.EtcdOptions;
import flannel.etcd.EtcdSurvey;
import flannel.etcd.EtcdSurvey.Member;
import flannel.etcd.EtcdSurvey.Store;
import flannel.kernel.ChecksumOffload;
import flannel.kernel.Underlay;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import flannel.probe.Passage.Sight;
import flannel.probe.Refusal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Answers to what can't be planted on a host of the lab, from what the host's programs and etcd would tell. */
class QuestionsTest {

    private static final Ipv4Subnet SUBNET = Ipv4Subnet.parse("10.1.83.0/24");

    private static Scene scene(List<Member> members, List<Store> stores) {
        EtcdOptions options = new EtcdOptions(List.of("http://127.0.0.1:2379"), "/atomic.io/network", "auto", "", "", "", "", "");
        return new Scene(new Setup("", options, null, null, true, false, ChecksumOffload.LEAVE, Duration.ofHours(1), Path.of("/x"), Path.of("/y"), Path.of("/z")), null, "", new EtcdSurvey("", members, stores), null,
                null, "", null, "", null, null, List.of(), List.of(), List.of(), null);
    }

    private static Member member(String trouble, String health, Duration ahead) {
        return new Member("http://127.0.0.1:2379", trouble, health, ahead);
    }

    private static void assertOne(Level level, String evidence, List<Finding> findings) {
        assertEquals(1, findings.size(), findings.toString());
        assertEquals(level, findings.getFirst().level(), findings.toString());
        assertTrue(findings.getFirst().evidence().contains(evidence), findings.toString());
    }

    @Test
    void etcdSaysThatItIsIll() {
        assertOne(Level.FAIL, "NOSPACE", StoreQuestions.members(scene(List.of(member("", "{\"health\":\"false\"}{\"alarms\":[{\"alarm\":\"NOSPACE\"}]}", null)), List.of())));
        assertOne(Level.FAIL, "no leader", StoreQuestions.members(scene(List.of(member("", "{\"health\":\"false\",\"reason\":\"RAFT NO LEADER\"}", null)), List.of())));
        assertOne(Level.WARN, "the others answer", StoreQuestions.members(scene(List.of(member("connection refused", "", null),
                member("", "{\"health\":\"true\"}", null)), List.of())));
        assertOne(Level.OK, "1 endpoint answers", StoreQuestions.members(scene(List.of(member("", "{\"health\":\"true\"}", null)), List.of())));
    }

    @Test
    void clocksThatAreApart() {
        assertOne(Level.WARN, "3600 s behind", StoreQuestions.clock(scene(List.of(member("", "", Duration.ofHours(1))), List.of())));
        assertOne(Level.WARN, "3600 s ahead", StoreQuestions.clock(scene(List.of(member("", "", Duration.ofHours(-1))), List.of())));
        assertEquals(List.of(), StoreQuestions.clock(scene(List.of(member("", "", Duration.ofMillis(700))), List.of())));
    }

    @Test
    void aUserWithoutRights() {
        Store refused = new Store("v3", true, null, List.of(), "etcd at http://127.0.0.1:2379 refused /kv/range of /atomic.io/network (v3 API): etcdserver: permission denied", "");
        List<Finding> findings = StoreQuestions.config(scene(List.of(member("", "", null)), List.of(refused)));
        assertOne(Level.FAIL, "permission denied", findings);
        assertTrue(findings.getFirst().remedy().contains("rights"), findings.toString());
    }

    @Test
    void systemdsUnits() {
        Map<String, String> first = ServiceQuestions.parse("LoadState=loaded\nUnitFileState=enabled\nActiveState=active\nActiveEnterTimestampMonotonic=100\n");
        Map<String, String> second = ServiceQuestions.parse("LoadState=loaded\nUnitFileState=enabled\nActiveState=active\nActiveEnterTimestampMonotonic=200\n");
        Map<String, String> disabled = ServiceQuestions.parse("LoadState=loaded\nUnitFileState=disabled\nActiveState=active\nActiveEnterTimestampMonotonic=50\n");
        assertOne(Level.OK, "enabled", ServiceQuestions.unit(first, second, false));
        assertOne(Level.WARN, "Docker was started before flanneld", ServiceQuestions.unit(second, first, false));
        assertOne(Level.OK, "enabled", ServiceQuestions.unit(second, first, true)); // a restart of flanneld
        assertOne(Level.WARN, "disabled", ServiceQuestions.unit(disabled, second, true));
        assertEquals(List.of(), ServiceQuestions.unit(ServiceQuestions.parse("LoadState=not-found\n"), second, true));
    }

    @Test
    void dockerWithoutItsOptions(@TempDir Path proc) throws Exception {
        Files.createDirectories(proc.resolve("4711"));
        Files.writeString(proc.resolve("4711/cmdline"), "/usr/bin/dockerd\0-H\0fd://\0");
        String dockerd = DockerQuestions.dockerd(proc);
        assertEquals("/usr/bin/dockerd -H fd://", dockerd);
        assertOne(Level.FAIL, "dockerd was started without --bip", DockerQuestions.ask(SUBNET, "1450", List.of(), 0, dockerd));
        assertOne(Level.FAIL, "wants 10.1.83.1/24: dockerd was started without --bip", DockerQuestions.ask(SUBNET, "1450", List.of("172.17.0.1/16"), 0, dockerd));
        assertOne(Level.OK, "10.1.83.1/24", DockerQuestions.ask(SUBNET, "1450", List.of("10.1.83.1/24"), 1450, dockerd)); // by daemon.json
    }

    private static List<Finding> forward(String dropped, String nft, boolean forward, boolean running) {
        List<ForwardRules.End> ends = dropped.isEmpty() ? List.of() : List.of(new ForwardRules.End("filter", dropped, "DROP"));
        return FilterQuestions.ask(new FilterRules("*filter", nft, 8472), ends, forward, running, "10.1.0.0/16", "flannel.1");
    }

    @Test
    void forwardedPacketsThatRulesDrop() {
        assertOne(Level.OK, "no rule here", forward("", "", true, true));
        assertOne(Level.FAIL, "a rule drops", forward("-A FORWARD -s 10.1.0.0/16 -j DROP", "", true, true));
        assertEquals("iptables -D FORWARD -s 10.1.0.0/16 -j DROP", forward("-A FORWARD -s 10.1.0.0/16 -j DROP", "", true, true).getFirst().remedy());
        assertOne(Level.FAIL, "policy is DROP", forward("policy DROP", "", true, false));
        assertTrue(forward("policy DROP", "", true, false).getFirst().remedy().startsWith("systemctl start flanneld;"));
        assertTrue(forward("policy DROP", "", true, true).getFirst().remedy().startsWith("systemctl restart flanneld;"));
        assertTrue(forward("policy DROP", "", false, true).getFirst().remedy().startsWith("iptables -I FORWARD -s 10.1.0.0/16"));

        String nft = "table ip filter {\n chain FORWARD {\n  type filter hook forward priority filter; policy drop;\n }\n}\n"
                + "table inet firewalld {\n chain filter_FORWARD {\n  type filter hook forward priority filter + 10; policy accept;\n%s"
                + "  reject with icmpx admin-prohibited\n }\n}\n";
        assertOne(Level.WARN, "chain inet firewalld filter_FORWARD drops forwarded packets", forward("", String.format(nft, ""), true, true));
        assertOne(Level.OK, "", forward("", String.format(nft, "  ip saddr 10.1.0.0/16 goto filter_FWD_trusted\n"), true, true));
    }

    private static String in(String policy, String... rules) {
        return end("*filter\n:FORWARD " + policy + " [0:0]\n" + String.join("\n", rules));
    }

    private static String end(String saved) {
        ForwardRules.End end = ForwardRules.parse(saved).end(new ForwardRules.Packet("flannel.1", "docker0", Ipv4.parse("10.1.12.2"), Ipv4.parse("10.1.83.2")));
        return end == null ? "" : end.rule();
    }

    /** The chains are those of Docker 20.10 and 28, and of CentOS 7's firewalld. */
    @Test
    void onePacketsWayThroughIptables() {
        String own = "-A FLANNEL-FWD -s 10.1.0.0/16 -m comment --comment \"flanneld, a -j DROP\" -j ACCEPT";
        assertEquals("", in("ACCEPT"));
        assertEquals("policy DROP", in("DROP"));
        assertEquals("", in("DROP", "-A FORWARD -j FLANNEL-FWD", own));
        assertEquals("", in("DROP", "-A FORWARD -d 10.1.0.0/16 -j ACCEPT"));
        String docker = "-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
        assertEquals("", in("DROP", "-A FORWARD -j DOCKER-USER", docker, "-A FORWARD -o docker0 -j DOCKER", "-A FORWARD -j FLANNEL-FWD", "-A DOCKER-USER -j RETURN", own));
        String strict = "-A DOCKER ! -i docker0 -o docker0 -j DROP";
        assertEquals(strict, in("DROP", docker, "-A FORWARD -o docker0 -j DOCKER", "-A FORWARD -j FLANNEL-FWD", own, strict));
        assertEquals("", in("DROP", "-A FORWARD -j FLANNEL-FWD", docker, "-A FORWARD -o docker0 -j DOCKER", own, strict));
        String reject = "-A FORWARD -j REJECT --reject-with icmp-host-prohibited";
        assertEquals(reject, in("ACCEPT", "-A FORWARD -j ZONES", "-A FORWARD -m conntrack --ctstate INVALID -j DROP", reject, "-A ZONES -i eth+ -g PUBLIC", "-A ZONES -g PUBLIC",
                "-A PUBLIC -p icmp -j ACCEPT"));
        assertEquals("", in("ACCEPT", "-A FORWARD -j ZONES", reject, "-A ZONES -s 10.1.0.0/16 -g TRUSTED", "-A TRUSTED -j ACCEPT"));
        assertEquals("", in("ACCEPT", "-A FORWARD -s 10.2.0.0/16 -j DROP", "-A FORWARD -i docker+ -j DROP", "-A FORWARD -p tcp -m tcp --dport 25 -j DROP",
                "-A FORWARD ! -d 10.1.83.0/24 -j DROP"));
    }

    @Test
    void otherTablesHaveASayToo() {
        String docker28 = "-A PREROUTING -d 10.1.83.2/32 ! -i docker0 -j DROP";
        assertEquals(docker28, end("*raw\n:PREROUTING ACCEPT [0:0]\n" + docker28 + "\nCOMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j ACCEPT\nCOMMIT\n"));
        assertEquals("", end("*raw\n-A PREROUTING -d 10.1.83.3/32 ! -i docker0 -j DROP\nCOMMIT\n"));
        assertEquals(List.of(Ipv4.parse("10.1.83.3")), ForwardRules.parse("*raw\n-A PREROUTING -d 10.1.83.3/32 ! -i docker0 -j DROP\n").destinations(SUBNET));
        assertEquals("policy DROP", end("*mangle\n:FORWARD DROP [0:0]\nCOMMIT\n"));
        assertEquals("-A PREROUTING -d 10.1.83.0/24 -j DNAT --to-destination 192.168.32.1", end("*nat\n-A PREROUTING -d 10.1.83.0/24 -j DNAT --to-destination 192.168.32.1\n"));
        assertEquals("", end("*nat\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n-A DOCKER ! -i docker0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.1.83.2:80\n"
                + "-A POSTROUTING -s 10.1.83.0/24 ! -o docker0 -j MASQUERADE\n"));
        assertEquals("-A POSTROUTING -s 10.1.0.0/16 -j MASQUERADE", end("*nat\n-A POSTROUTING -s 10.1.0.0/16 -j MASQUERADE\n"));

        ForwardRules.End own = new ForwardRules.End("raw", docker28, "DROP");
        Finding found = FilterQuestions.ask(new FilterRules("", "", 8472), List.of(own), true, true, "10.1.0.0/16", "flannel.1").getFirst();
        assertEquals(Level.FAIL, found.level());
        assertTrue(found.remedy().startsWith("iptables -t raw -D PREROUTING -d 10.1.83.2/32 ! -i docker0 -j DROP; Docker 28"), found.remedy());
    }

    @Test
    void policiesOfIpsec() {
        List<IpsecQuestions.Policy> policies = IpsecQuestions.parse("""
                src 10.1.0.0/16 dst 10.1.83.0/24 proto icmp\s
                \tdir fwd action block priority 0\s
                src 10.1.0.0/16 dst 10.1.83.0/24\s
                \tdir fwd action block priority 7\s
                src 10.0.0.0/8 dst 10.0.0.0/8\s
                \tdir fwd priority 5 ptype main\s
                \ttmpl src 192.0.2.1 dst 192.0.2.2
                \t\tproto esp reqid 1 mode tunnel
                src 192.168.32.211 dst 192.168.32.212 proto udp sport 500\s
                \tdir out action block priority 0\s
                """);
        assertEquals(3, policies.size(), policies.toString());
        Ipv4 far = Ipv4.parse("10.1.12.2");
        Ipv4 near = Ipv4.parse("10.1.83.2");
        assertEquals(5, IpsecQuestions.counting(policies, "fwd", far, near, "").orElseThrow().priority());
        assertTrue(IpsecQuestions.counting(policies, "out", far, near, "").isEmpty());
        assertEquals("ip xfrm policy delete src 10.1.0.0/16 dst 10.1.83.0/24 dir fwd",
                IpsecQuestions.judge(List.of(policies.get(1))).getFirst().remedy().split(";")[0]);
    }

    @Test
    void checksumsOfKernelsThatGetThemWrong() {
        assertOne(Level.FAIL, "Linux 3.10.0-1160.el7.x86_64, as all before 5.7", KernelQuestions.checksums(ChecksumOffload.OFF, "3.10.0-1160.el7.x86_64", true, "flannel.1"));
        assertOne(Level.WARN, "-vxlan-checksum-offload=on has it so", KernelQuestions.checksums(ChecksumOffload.ON, "5.4.0-26", true, "flannel.1"));
        assertOne(Level.WARN, "unlike -vxlan-checksum-offload=off", KernelQuestions.checksums(ChecksumOffload.OFF, "6.1.0", true, "flannel.1"));
        assertEquals(List.of(), KernelQuestions.checksums(ChecksumOffload.OFF, "3.10.0-1160.el7.x86_64", false, "flannel.1"));
        assertEquals(List.of(), KernelQuestions.checksums(ChecksumOffload.LEAVE, "5.14.0-427.el9", true, "flannel.1"));
    }

    @Test
    void connectionsThatFillTheirTable() {
        assertOne(Level.WARN, "65000 connections, and can follow 65536", HostQuestions.connections(65_000, 65_536));
        assertEquals(List.of(), HostQuestions.connections(100, 65_536));
        assertEquals(List.of(), HostQuestions.connections(0, 0));
    }

    @Test
    void rulesThatNameThePort() {
        for (String rule : List.of("-A INPUT -p udp -m udp --dport 8472 -j DROP", "-A INPUT -p udp -m udp --dport 8000:9000 -j REJECT --reject-with icmp-port-unreachable",
                "-A INPUT -p udp -m multiport --dports 53,8400:8500 -j DROP")) {
            assertEquals("iptables -D " + rule.substring(3), new FilterRules("*filter\n" + rule, "", 8472).drop(true).orElseThrow().remedy());
            assertTrue(new FilterRules("*filter\n" + rule, "", 8472).drop(false).isEmpty());
            assertTrue(new FilterRules("*filter\n" + rule, "", 9999).drop(true).isEmpty());
        }
        assertEquals("iptables -t raw -D PREROUTING -p udp -m udp --dport 8472 -j DROP",
                new FilterRules("*raw\n-A PREROUTING -p udp -m udp --dport 8472 -j DROP", "", 8472).drop(true).orElseThrow().remedy());
        for (String rule : List.of("-A INPUT -p udp -m udp ! --dport 8472 -j DROP", "-A INPUT -p tcp -m tcp --dport 8472 -j DROP", "-A INPUT -p udp -m udp --dport 8472 -j ACCEPT",
                "-A INPUT -p udp -m set --match-set ports dst -j DROP")) {
            assertTrue(new FilterRules("*filter\n" + rule, "", 8472).drop(true).isEmpty(), rule);
        }
        String nft = "table inet f {\n chain in {\n  type filter hook input priority filter; policy drop;\n  %s\n }\n}\n";
        for (String rule : List.of("udp dport 8472 drop", "udp dport { 53, 8000-9000 } counter packets 0 bytes 0 drop", "udp dport 8000-9000 reject with icmpx port-unreachable")) {
            FilterRules.Drop drop = new FilterRules("", String.format(nft, rule), 8472).drop(true).orElseThrow();
            assertEquals("table inet f: " + rule, drop.rule());
            assertEquals("nft insert rule inet f in udp dport 8472 accept", drop.remedy());
        }
        assertTrue(new FilterRules("", String.format(nft, "udp dport 84720 drop"), 8472).drop(true).isEmpty());
        assertTrue(new FilterRules("", String.format(nft, "udp dport @ports drop"), 8472).drop(true).isEmpty());
    }

    @Test
    void whoHasAPort(@TempDir Path proc) throws Exception {
        Files.createDirectories(proc.resolve("net"));
        Files.createDirectories(proc.resolve("4711/fd"));
        Files.writeString(proc.resolve("4711/cmdline"), "hog\0-p\0");
        Files.createSymbolicLink(proc.resolve("4711/fd/3"), Path.of("socket:[77]"));
        Files.writeString(proc.resolve("net/udp"), "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
                + "  210: 00000000:2118 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 77 2 0000000000000000 0\n");
        assertEquals(new UdpPorts.Owner("4711", "hog -p"), UdpPorts.owner(proc, 8472).orElseThrow());
        assertTrue(UdpPorts.owner(proc, 8285).isEmpty());
    }

    @Test
    void rulesOfBridges() {
        FilterRules none = new FilterRules("", "", 8472);
        assertEquals("-A FORWARD -p IPv4 --ip-dst 10.1.0.0/16 -j DROP", none.bridgeDrop("*filter\n:FORWARD ACCEPT\n-A FORWARD -p ARP -j ACCEPT\n"
                + "-A FORWARD -p IPv4 --ip-dst 10.1.0.0/16 -j DROP\n").orElseThrow());
        assertTrue(none.bridgeDrop("*nat\n:PREROUTING ACCEPT\n").isEmpty());
        String nft = "table bridge x {\n chain c {\n  type filter hook input priority 0; policy accept;\n  %s\n }\n}\n";
        assertEquals("table bridge x: ip daddr 10.1.0.0/16 drop", new FilterRules("", String.format(nft, "ip daddr 10.1.0.0/16 drop"), 8472).bridgeDrop("").orElseThrow());
        assertTrue(new FilterRules("", String.format(nft, "ether type arp counter packets 0 bytes 0"), 8472).bridgeDrop("").isEmpty());
    }

    @Test
    void whatOpensThePort() {
        assertEquals("iptables -I INPUT -p udp --dport 8472 -j ACCEPT", new FilterRules(":INPUT DROP [0:0]", "", 8472).opening(true));
        assertEquals("firewall-cmd --permanent --add-port=8472/udp && firewall-cmd --reload", new FilterRules("-A INPUT -j INPUT_ZONES", "", 8472).opening(true));
        assertEquals("ufw allow out 8472/udp", new FilterRules("-A OUTPUT -j ufw-before-output", "", 8472).opening(false));
    }

    @Test
    void whereAWayIsCut() {
        Ipv4 peer = Ipv4.parse("192.168.32.212");
        FilterRules rules = new FilterRules("", "", 8472);
        for (Object[] seen : new Object[][] {
            {new Sight(false, false, false, false, false, false, false, false, null), Level.FAIL, "does not come out of eth0"},
            {new Sight(true, true, false, false, true, true, false, false, null), Level.FAIL, "comes in at eth0, and this host drops it"},
            {new Sight(true, false, false, false, false, false, false, false, new Refusal.Reported(peer, 3, 3, 0)), Level.FAIL, "port unreachable"},
            {new Sight(true, false, false, false, false, true, false, false, null), Level.FAIL, "does not arrive there"},
            {new Sight(true, false, false, false, true, false, false, false, null), Level.FAIL, "does not arrive here"},
            {new Sight(true, false, false, false, false, false, false, false, null), Level.FAIL, "in either direction"},
            {new Sight(true, false, false, false, true, false, true, false, null), Level.FAIL, "another machine's hardware address"},
            {new Sight(true, false, false, false, true, true, false, false, null), Level.WARN, "no echo is answered"},
            {new Sight(true, true, true, false, true, true, false, false, null), Level.WARN, "drops ICMP that comes in"},
            {new Sight(true, true, true, true, true, true, false, false, null), Level.WARN, "did not answer at first"}}) {
            assertOne((Level) seen[1], (String) seen[2], CutQuestions.judge(Map.of(peer, (Sight) seen[0]), rules,
                    new Underlay("eth0", 2, Ipv4.parse("192.168.32.211"), Ipv4Subnet.parse("192.168.32.0/24"), 1500, new MacAddress(2))));
        }
    }
}
