package flannel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OptionsTest {

    private static Options parse(String... arguments) throws UsageException {
        return Options.parse(arguments, Map.of());
    }

    private record Outcome(int status, String stderr) {
    }

    private static Outcome run(String... arguments) throws InterruptedException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int status = new Command(new PrintStream(bytes, true)).run(arguments, Map.of());
        return new Outcome(status, bytes.toString(StandardCharsets.UTF_8));
    }

    @Test
    void readsEveryFormOfGosFlags() throws UsageException {
        assertEquals("/a", parse("-etcd-prefix=/a").text("etcd-prefix"));
        assertEquals("/a", parse("-etcd-prefix", "/a").text("etcd-prefix"));
        assertEquals("/a", parse("--etcd-prefix", "/a").text("etcd-prefix"));
        assertEquals("/b", parse("-etcd-prefix=/a", "--etcd-prefix=/b").text("etcd-prefix"));
        assertEquals("", parse("-etcd-prefix=").text("etcd-prefix"));
        assertEquals("a=b", parse("-etcd-prefix=a=b").text("etcd-prefix"));
        assertEquals("-x", parse("-etcd-prefix", "-x").text("etcd-prefix"));
    }

    @Test
    void aFlagNeverTakesTheNextWord() throws UsageException {
        assertTrue(parse("-ip-masq").flag("ip-masq"));
        assertTrue(parse("-ip-masq=T").flag("ip-masq"));
        assertFalse(parse("-ip-masq=false").flag("ip-masq"));
        Options options = parse("-ip-masq", "false");
        assertTrue(options.flag("ip-masq") && options.hasPositional());
    }

    @Test
    void theEnvironmentFillsInWhatTheCommandLineLeavesOut() throws UsageException {
        Map<String, String> environment = Map.of("FLANNELD_IP_MASQ", "true", "FLANNELD_ETCD_PREFIX", "/env", "FLANNELD_NOSUCH", "x",
                "FLANNELD_IFACE", "eth1,eth2");
        Options options = Options.parse(new String[] {"-etcd-prefix=/cli"}, environment);
        assertTrue(options.flag("ip-masq"));
        assertEquals("/cli", options.text("etcd-prefix"));
        assertEquals(List.of("eth1", "eth2"), options.list("iface"));
    }

    @Test
    void aWrongValueInTheEnvironmentIsPassedOverAloud() throws UsageException {
        Options options = Options.parse(new String[0], Map.of("FLANNELD_IP_MASQ", "maybe"));
        assertFalse(options.flag("ip-masq"));
        assertEquals(1, options.warnings().size());
    }

    @Test
    void keepsAllInterfaces() throws UsageException {
        assertEquals(List.of("eth1", "10.0.0.5"), parse("-iface=eth1", "-iface", "10.0.0.5").list("iface"));
        assertEquals(List.of("^eth[0,1]$"), parse("-iface-regex=^eth[0,1]$").list("iface-regex"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "-nosuch | flag provided but not defined: -nosuch",
        "-ip-masq=maybe | invalid boolean value \"maybe\" for -ip-masq: parse error",
        "-v | flag needs an argument: -v",
        "-=x | bad flag syntax: -=x",
        "---v | bad flag syntax: ---v",
        "-subnet-lease-renew-margin=x | invalid value \"x\" for flag -subnet-lease-renew-margin: parse error",
    })
    void refusesAWrongCommandLine(String argument, String message) throws InterruptedException {
        assertEquals(message, assertThrows(UsageException.class, () -> parse(argument)).getMessage());
        Outcome outcome = run(argument);
        assertEquals(2, outcome.status());
        assertTrue(outcome.stderr().startsWith(message + "\nUsage: /usr/bin/flanneld [OPTION]...\n"), outcome.stderr());
    }

    @ParameterizedTest
    @ValueSource(strings = {"-help", "--help", "-h", "extra"})
    void printsTheUsageAndEndsWell(String argument) throws InterruptedException {
        Outcome outcome = run(argument);
        assertEquals(0, outcome.status());
        for (Option option : Options.TABLE) {
            assertTrue(outcome.stderr().contains("  -" + option.name()), option.name());
        }
        assertTrue(outcome.stderr().contains("  -subnet-lease-renew-margin int\n    \tSubnet lease renewal margin, in minutes. (default 60)\n"));
        assertTrue(outcome.stderr().contains("  -iface value\n"));
        assertTrue(outcome.stderr().contains("(default \"/coreos.com/network\")\n"));
    }

    @Test
    void printsItsVersion() throws InterruptedException {
        assertEquals(new Outcome(0, "v" + Command.VERSION + "\n"), run("-version"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "-networks=blue | -networks: this flanneld does not have multi-network mode yet",
        "-watch-networks | -watch-networks: this flanneld does not have multi-network mode yet",
        "-listen=:8080 | -listen: this flanneld does not have the server mode yet",
        "-remote=10.1.2.3:8080 | -remote: this flanneld does not have the client mode yet",
        "-kube-subnet-mgr | -kube-subnet-mgr: this flanneld does not have the Kubernetes subnet manager yet",
        "-subnet-lease-renew-margin=1440 | Invalid subnet-lease-renew-margin option, out of acceptable range: 1440",
        "-subnet-lease-renew-margin=0 | Invalid subnet-lease-renew-margin option, out of acceptable range: 0",
        "-public-ip=bad | invalid public IP address: \"bad\" is not an IPv4 address",
        "-stderrthreshold=LOUD | -stderrthreshold \"LOUD\" is none of",
        "-vmodule=x | \"x\" of -vmodule is not of the form pattern=N",
    })
    void refusesWhatItCannotDoWithOneSentence(String argument, String sentence) throws InterruptedException {
        PrintStream stderr = System.err;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        System.setErr(new PrintStream(bytes, true));
        try {
            Outcome outcome = run(argument);
            assertEquals(1, outcome.status());
            String said = outcome.stderr() + bytes.toString(StandardCharsets.UTF_8);
            assertTrue(said.contains(sentence), said);
            assertEquals(1, said.lines().count(), said);
        } finally {
            System.setErr(stderr);
        }
    }

    @Test
    void theTableIsSortedAsItIsPrinted() {
        List<String> names = Options.TABLE.stream().map(Option::name).toList();
        assertEquals(names.stream().sorted().toList(), names);
    }
}
