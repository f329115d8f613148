package flannel.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.check.Finding.Level;
import flannel.etcd.EtcdOptions;
import flannel.etcd.EtcdSurvey;
import flannel.etcd.EtcdSurvey.Member;
import flannel.etcd.EtcdSurvey.Store;
import flannel.net.Ipv4Subnet;
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
        return new Scene(new Setup(options, null, null, true, Path.of("/x"), Path.of("/y"), Path.of("/z")), null, "", new EtcdSurvey("", members, stores), null,
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
        assertOne(Level.FAIL, "docker0 has 172.17.0.1/16", DockerQuestions.ask(SUBNET, "1450", List.of("172.17.0.1/16"), 0, dockerd));
        assertOne(Level.OK, "10.1.83.1/24", DockerQuestions.ask(SUBNET, "1450", List.of("10.1.83.1/24"), 1450, dockerd)); // by daemon.json
    }

    @Test
    void rulesOfThePacketFilter() {
        String save = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD %s [0:0]\n%s\nCOMMIT\n";
        String jump = "-A FORWARD -j FLANNEL-FWD";
        assertOne(Level.OK, "FLANNEL-FWD", FilterQuestions.ask(String.format(save, "DROP", jump), "", 8472, true));
        assertOne(Level.FAIL, "policy is DROP", FilterQuestions.ask(String.format(save, "DROP", ""), "", 8472, true));
        assertOne(Level.FAIL, "goes out", FilterQuestions.ask(String.format(save, "ACCEPT", "-A OUTPUT -p udp -m udp --dport 8472 -j DROP"), "", 8472, true));
        assertOne(Level.FAIL, "comes in", FilterQuestions.ask(String.format(save, "ACCEPT", "-A INPUT -p udp -m multiport --dports 53,8472 -j REJECT --reject-with x"), "", 8472, true));
        assertOne(Level.OK, "", FilterQuestions.ask(String.format(save, "ACCEPT", "-A INPUT -p udp -m udp --dport 8473 -j DROP"), "", 8472, true));
        assertOne(Level.FAIL, "nftables drops UDP port 8472", FilterQuestions.ask("", "table inet f {\n chain in {\n  udp dport { 53, 8472 } counter drop\n }\n}\n", 8472, true));
        assertOne(Level.OK, "", FilterQuestions.ask("", "udp dport 84720 drop\nudp dport 8472 accept\n", 8472, true));
    }
}
