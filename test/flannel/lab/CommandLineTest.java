package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command line as an operator's scripts see it: texts and exit codes of flannel 0.7.1, but that 2 stands for all that no restart mends. */
class CommandLineTest {

    private static Lab lab;
    private static Host one;

    @BeforeAll
    static void build() throws Exception {
        lab = Needs.lab(Store.Api.V2);
        one = lab.host(1);
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"alloc\"}}");
    }

    @AfterAll
    static void takeDown() {
        if (lab != null) {
            lab.close();
        }
    }

    @ParameterizedTest(name = "flanneld {0} ends with {1}")
    @CsvSource({
        "-help,                  0, Usage:",
        "--help,                 0, -etcd-endpoints",
        "-version,               0, v",
        "--version,              0, v",
        "iface=eth0,             2, did you mean -iface=eth0?",
        "–iface=eth0,            2, write -iface=eth0",
        "-nosuch,                2, flag provided but not defined: -nosuch",
        "-ip-masq=maybe,         2, invalid boolean value \"maybe\" for -ip-masq",
        "-v,                     2, flag needs an argument: -v",
        "-networks=a/b,          2, a/b can't be a network's name",
        "-listen=8888,           2, listen",
        "-listen=fd://,          1, systemd has passed no socket",
        "-remote=10.1.2.3,       2, remote",
        "-kube-subnet-mgr,       2, KUBERNETES_SERVICE_HOST",
        "-subnet-lease-renew-margin=1440, 2, subnet-lease-renew-margin",
        "-etcd-cafile=/nope,     1, /nope",
        "-etcd-api=v4,           2, etcd-api"
    })
    void endsWith(String option, int exitCode, String said) {
        NetworkNamespace.Result result = one.flanneld(option);
        assertEquals(exitCode, result.exitCode(), result.output());
        assertTrue(result.output().contains(said), result.output());
    }

    @Test
    void theEnvironmentCountsForWhatTheCommandLineLeavesOut() throws Exception {
        Map<String, String> environment = Map.of("FLANNELD_ETCD_ENDPOINTS", lab.etcd().endpoint(), "FLANNELD_ETCD_PREFIX", "/nowhere",
                "FLANNELD_SUBNET_FILE", "/run/elsewhere/net.env", "FLANNELD_IP_MASQ", "maybe", "FLANNELD_NOSUCH", "x");
        Daemon daemon = one.start(List.of("--etcd-prefix", "/other", "-etcd-prefix", Lab.PREFIX), environment);
        daemon.awaitReady();
        Path file = one.file("/run/elsewhere/net.env");
        assertTrue(Files.readString(file).endsWith("FLANNEL_MTU=1500\nFLANNEL_IPMASQ=false\n"));
        assertEquals(0, daemon.terminate());
    }

    @Test
    void sigintEndsItAsSigtermDoes() throws Exception {
        Daemon daemon = one.start(lab.options());
        daemon.awaitReady();
        daemon.signal("INT");
        assertEquals(0, daemon.awaitExit());
        assertTrue(daemon.log().stream().allMatch(line -> line.matches("[IWE]\\d{4} \\d\\d:\\d\\d:\\d\\d\\.\\d{6} +" + daemon.pid() + " \\S+:\\d+\\] .*")),
                String.join("\n", daemon.log()));
    }
}
