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

    /** A command line that is refused today may be one that starts a daemon, on this machine, tomorrow. */
    static final Command.DaemonMaker NO_DAEMON = (settings, lookouts, manager, log) -> {
        throw new AssertionError("this would start a daemon");
    };

    private static Options parse(String... arguments) throws UsageException {
        return Options.parse(arguments, Map.of());
    }

    private record Outcome(int status, String stderr) {
    }

    private static Outcome run(String... arguments) throws InterruptedException {
        return run(Map.of(), arguments);
    }

    /** What a command line that starts no daemon says on standard error, whether in the log's form or not. */
    private static Outcome run(Map<String, String> environment, String... arguments) throws InterruptedException {
        PrintStream before = System.err;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream stderr = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        System.setErr(stderr);
        try {
            int status = new Command(stderr, stderr, ServiceSettings.FILE, NO_DAEMON).run(arguments, environment);
            return new Outcome(status, bytes.toString(StandardCharsets.UTF_8));
        } finally {
            System.setErr(before);
        }
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
        assertTrue(options.flag("ip-masq") && options.strayWord().isPresent());
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
        "-ifcae=eth0 | flag provided but not defined: -ifcae; did you mean -iface?",
        "-etcd_endpoint=x | flag provided but not defined: -etcd_endpoint; did you mean -etcd-endpoints?",
        "-ip-masq=maybe | invalid boolean value \"maybe\" for -ip-masq: parse error",
        "-v | flag needs an argument: -v",
        "-=x | bad flag syntax: -=x",
        "---v | bad flag syntax: ---v",
        "-json | -json is an option of flanneld status, not of the daemon",
        "-subnet-lease-renew-margin=x | invalid value \"x\" for flag -subnet-lease-renew-margin: parse error",
    })
    void refusesAWrongCommandLine(String argument, String message) throws InterruptedException {
        assertEquals(message, assertThrows(UsageException.class, () -> parse(argument)).getMessage());
        assertEquals(new Outcome(2, message + " (flanneld -help lists the options)\n"), run(argument));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "iface=eth0 | stray word \"iface=eth0\": options have the form -name=value; did you mean -iface=eth0?",
        "ifcae | stray word \"ifcae\": options have the form -name=value; did you mean -iface?",
        "-ip-masq,true | stray word \"true\": a flag takes its value behind an equals sign only; write -ip-masq=true",
        "--ip-masq,0 | stray word \"0\": a flag takes its value behind an equals sign only; write -ip-masq=0",
        "-v=1,–iface=eth0 | stray word \"–iface=eth0\": what it begins with is not the plain dash; write -iface=eth0",
        "—iface,eth0 | stray word \"—iface\": what it begins with is not the plain dash; write -iface",
        "???iface=eth0 | stray word \"???iface=eth0\": what it begins with is not the plain dash; write -iface=eth0",
        "-iface,eth0,extra | stray word \"extra\": options have the form -name=value",
        "--,-v=1 | stray word \"-v=1\": what it begins with is not the plain dash; write -v=1",
        "-etcd-password=,hush | stray word \"…\" behind -etcd-password: options have the form -name=value",
        "statsu | unknown command \"statsu\"; did you mean flanneld status?",
        "-v=1,status | stray word \"status\": a command comes first; write flanneld status",
        "status,now | stray word \"now\": options have the form -name=value",
        "help,statsu | there is no command \"statsu\"; did you mean status?",
        "'' | stray word \"\": options have the form -name=value",
    })
    void namesAStrayWordAndWhatWasProbablyMeant(String words, String message) throws InterruptedException {
        assertEquals(new Outcome(2, message + " (flanneld -help lists the options)\n"), run(words.split(",", -1)));
    }

    @Test
    void aServicesMistakeIsToldWithTheFileItIsIn() throws InterruptedException {
        Map<String, String> environment = Map.of("FLANNEL_ETCD_ENDPOINTS", "http://127.0.0.1:2379", "FLANNEL_OPTIONS", "-public-ip=bad");
        Outcome stray = run(environment, "iface=eth0");
        assertEquals(2, stray.status());
        assertTrue(stray.stderr().endsWith("? (the service's options are FLANNEL_OPTIONS in /etc/sysconfig/flanneld)\n"), stray.stderr());
        Outcome value = run(environment, "-public-ip=bad");
        assertEquals(2, value.status());
        assertTrue(value.stderr().endsWith("address (the service's settings are in /etc/sysconfig/flanneld)\n"), value.stderr());
    }

    @ParameterizedTest
    @ValueSource(strings = {"-help", "--help", "-h", "-help extra"})
    void printsTheUsageAndEndsWell(String argument) throws InterruptedException {
        Outcome outcome = run(argument.split(" "));
        assertEquals(0, outcome.status());
        for (Option option : Options.TABLE) {
            assertTrue(outcome.stderr().contains("  -" + option.name()), option.name());
        }
        assertTrue(outcome.stderr().contains("  -subnet-lease-renew-margin int\n    \tSubnet lease renewal margin, in minutes. (default 60)\n"));
        assertTrue(outcome.stderr().contains("  -iface value\n"));
        assertTrue(outcome.stderr().contains("(default \"/coreos.com/network\")\n"));
    }

    @Test
    void aCommandHasItsOwnOptionsAndHelp() throws InterruptedException {
        Outcome help = run("help", "status");
        assertEquals(0, help.status());
        assertTrue(help.stderr().startsWith("Usage: /usr/bin/flanneld status [OPTION]...\n"), help.stderr());
        assertTrue(help.stderr().contains("\n  -json\n") && !help.stderr().contains("-etcd-prefix"), help.stderr());
        assertEquals(help, run("status", "-help"));
        assertEquals(run("-help"), run("help"));
        assertEquals("-etcd-prefix is an option of the daemon, not of flanneld status (flanneld -help lists the options)\n",
                run("status", "-etcd-prefix=/a").stderr());
        assertEquals("flag provided but not defined: -jsno; did you mean -json? (flanneld -help lists the options)\n",
                run("status", "-jsno").stderr());
    }

    @Test
    void everyCommandHasItsHelpAndSuggestsItsOwnOptionsAndVerbs() throws InterruptedException {
        for (Commands.Entry command : Commands.TABLE) {
            String name = command.name();
            Outcome help = run("help", name);
            assertTrue(help.status() == 0 && help.stderr().startsWith("Usage: /usr/bin/flanneld " + command.synopsis() + "\n"), help.stderr());
            assertEquals(List.of(), command.verbs().stream().filter(verb -> !help.stderr().contains(verb)).toList());
            String swapped = "" + name.charAt(1) + name.charAt(0) + name.substring(2);
            assertTrue(run(swapped).stderr().startsWith("unknown command \"" + swapped + "\"; did you mean flanneld " + name + "?"), name);
            for (String verb : command.verbs()) {
                Outcome wrong = run(name, verb.charAt(0) + verb, "-etcd-endpoints=http://127.0.0.1:1");
                assertEquals(new Outcome(2, "there is no flanneld " + name + " " + verb.charAt(0) + verb + "; did you mean " + verb + "? usage: flanneld "
                        + command.synopsis() + "\n"), wrong);
            }
            for (Option option : Options.TABLE.stream().filter(each -> Commands.has(name, each) && each.name().length() > 2).toList()) {
                String mistyped = option.name() + "x";
                assertEquals("flag provided but not defined: -" + mistyped + "; did you mean -" + option.name() + "?",
                        assertThrows(UsageException.class, () -> parse(name, "-" + mistyped)).getMessage());
            }
        }
    }

    @Test
    void statusWithoutADaemonEndsWithTwo() throws InterruptedException {
        Outcome none = run("status", "-socket=/nowhere/flanneld.sock");
        assertEquals(2, none.status());
        assertTrue(none.stderr().startsWith("no flanneld runs here: there is no /nowhere/flanneld.sock"), none.stderr());
        assertEquals(none, run(Map.of("FLANNELD_SOCKET", "/nowhere/flanneld.sock", "FLANNELD_ETCD_API", "v4"), "status"));
        assertEquals(2, run("status", "-peer=node2").status());
        assertEquals("-json prints everything: leave -peer and -problems out\n", run("status", "-json", "-problems").stderr());
    }

    @Test
    void printsItsVersion() throws InterruptedException {
        assertEquals(new Outcome(0, "v" + Command.VERSION + "\n"), run("-version"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "-networks=blue,.. | -networks: .. can't be a network's name",
        "-networks=blue,_ | -networks: _ can't be a network's name",
        "-listen=8080 | -listen=8080 is not an address of the form host:port, :port or fd://",
        "-listen=fd://2 | -listen=fd://2: the number of a socket of systemd's is 3 or more",
        "-remote=10.1.2.3 | Failed to create SubnetManager: -remote: \"10.1.2.3\" is not a server of the form host:port",
        "-remote-keyfile=k | Failed to create SubnetManager: -remote-certfile and -remote-keyfile are needed both",
        "-kube-subnet-mgr | Failed to create SubnetManager: unable to initialize inclusterconfig: this is no pod",
        "-subnet-lease-renew-margin=1440 | Invalid subnet-lease-renew-margin option, out of acceptable range: 1440",
        "-udp-queues=0 | -udp-queues 0 is not between 1 and 64",
        "-udp-queues=65 | -udp-queues 65 is not between 1 and 64",
        "-subnet-lease-renew-margin=0 | Invalid subnet-lease-renew-margin option, out of acceptable range: 0",
        "-public-ip=bad | invalid public IP address: \"bad\" is not an IPv4 address",
        "-stderrthreshold=LOUD | -stderrthreshold \"LOUD\" is none of",
        "-vmodule=x | \"x\" of -vmodule is not of the form pattern=N",
        "-iface-regex=[ | -iface-regex: \"[\" is not a regular expression",
        "-iface-can-reach=node2 | -iface-can-reach: \"node2\" is not an IPv4 address",
        "-healthz-port=65536 | -healthz-port 65536 is not a port",
        "-healthz-port=-1 | -healthz-port -1 is not a port",
        "-probe-interval=-1 | -probe-interval -1 is out of range",
        "-probe-interval=86401 | -probe-interval 86401 is out of range",
        "-healthz-ip=node2 | -healthz-ip: \"node2\" is not an IP address",
        "-etcd-api=v4 | -etcd-api=v4 is not auto, v2 or v3",
        "-etcd-endpoints= | no etcd endpoint is given",
        "-etcd-endpoints=ftp://etcd1 | \"ftp://etcd1\" is not an etcd endpoint of the form http://host:port",
        "-etcd-certfile=/etc/etcd/client.pem | -etcd-certfile and -etcd-keyfile are needed both",
    })
    void refusesWhatNoRestartCanMendWithOneSentence(String argument, String sentence) throws InterruptedException {
        Outcome outcome = run(argument);
        assertEquals(2, outcome.status());
        assertTrue(outcome.stderr().contains(sentence), outcome.stderr());
        assertEquals(1, outcome.stderr().lines().count(), outcome.stderr());
    }

    @Test
    void theTableIsSortedAsItIsPrinted() {
        List<String> names = Options.TABLE.stream().map(Option::name).toList();
        assertEquals(names.stream().sorted().toList(), names);
    }
}
