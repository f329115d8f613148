package flannel.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import flannel.json.JsonValue;
import flannel.lab.Etcd;
import flannel.log.Log;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a real etcd says of itself, and of the network in it. */
class EtcdSurveyTest {

    @BeforeEach
    void needsEtcd() {
        assumeTrue(Etcd.isInstalled(), "etcd is not installed");
    }

    private static EtcdSurvey survey(Etcd etcd, String username, String password) throws Exception {
        return EtcdSurvey.of(new EtcdOptions(List.of(etcd.endpoint()), "/net", "auto", "", "", "", username, password),
                new Log(new PrintStream(OutputStream.nullOutputStream()), 0));
    }

    @Test
    void aHealthyOne() throws Exception {
        try (Etcd etcd = Etcd.start("--enable-v2")) {
            etcd.putV3("/coreos.com/network/config", "{}");
            EtcdSurvey survey = survey(etcd, "", "");
            assertEquals("{\"health\":\"true\"}", survey.members().getFirst().health());
            assertTrue(survey.members().getFirst().ahead().abs().toSeconds() < 5, survey.toString());
            assertEquals(List.of("", "/coreos.com/network"), survey.stores().stream().map(EtcdSurvey.Store::elsewhere).toList());
            assertEquals(List.of("", ""), survey.stores().stream().map(EtcdSurvey.Store::trouble).toList());
            assertNull(survey.stores().getLast().config());
        }
        try (Etcd etcd = Etcd.start("--enable-v2=false")) {
            assertEquals(List.of(false, true), survey(etcd, "", "").stores().stream().map(EtcdSurvey.Store::served).toList());
        }
    }

    @Test
    void oneWithoutSpace() throws Exception {
        try (Etcd etcd = Etcd.start("--auth-token=simple")) {
            String member = JsonValue.parse(etcd.callV3("/maintenance/status", "{}")).get("header").text("member_id");
            etcd.callV3("/maintenance/alarm", "{\"action\":\"ACTIVATE\",\"alarm\":\"NOSPACE\",\"memberID\":\"" + member + "\"}");
            assertTrue(survey(etcd, "", "").members().getFirst().health().contains("NOSPACE"), survey(etcd, "", "").toString());
        }
    }

    @Test
    void oneWithoutQuorum() throws Exception {
        try (Etcd etcd = Etcd.start("--strict-reconfig-check=false")) {
            etcd.etcdctl("3", "member", "add", "absent", "--peer-urls=http://127.0.0.1:1");
            EtcdSurvey survey = survey(etcd, "", "");
            assertTrue(survey.members().getFirst().health().contains("false"), survey.toString());
            assertTrue(survey.stores().stream().anyMatch(store -> !store.trouble().isEmpty()), survey.toString());
        }
    }

    @Test
    void aUserWithoutRights() throws Exception {
        try (Etcd etcd = Etcd.start("--auth-token=simple")) {
            for (String[] command : new String[][] {{"user", "add", "root:secret"}, {"user", "grant-role", "root", "root"}, {"user", "add", "guest:secret"},
                {"auth", "enable"}}) {
                etcd.etcdctl("3", command);
            }
            EtcdSurvey.Store refused = survey(etcd, "guest", "secret").stores().getLast();
            assertTrue(refused.trouble().contains("permission denied"), refused.toString());
        }
    }
}
