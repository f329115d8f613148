package flannel.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * {@code mk-docker-opts.sh} in every shell that is here: it is run by hand as often as by systemd. Options and outputs are those of
 * flannel 0.7.1's script, to the byte.
 */
class DockerOptionsTest {

    private static final String SINGLE = """
            DOCKER_OPT_BIP="--bip=10.1.10.1/24"
            DOCKER_OPT_IPMASQ="--ip-masq=true"
            DOCKER_OPT_MTU="--mtu=1450"
            """;
    private static final String COMBINED = """
            DOCKER_OPTS=" --bip=10.1.10.1/24 --ip-masq=true --mtu=1450"
            """;

    @TempDir
    Path folder;

    static Stream<List<String>> shells() {
        return Stream.of(List.of("sh"), List.of("dash"), List.of("bash"), List.of("bash", "--posix"), List.of("busybox", "sh"),
                List.of("ksh"), List.of("mksh"), List.of("zsh", "--emulate", "sh")).filter(shell -> Shell.has(shell.getFirst()));
    }

    @BeforeEach
    void subnetFile() throws IOException {
        subnetFile("false");
    }

    private void subnetFile(String masquerade) throws IOException {
        Files.writeString(folder.resolve("subnet.env"), """
                FLANNEL_NETWORK=10.1.0.0/16
                FLANNEL_SUBNET=10.1.10.1/24
                FLANNEL_MTU=1450
                FLANNEL_IPMASQ=%s
                """.formatted(masquerade));
    }

    private Shell.Result run(List<String> shell, Map<String, String> variables, String... options) {
        List<String> command = new ArrayList<>(shell);
        command.add(Path.of("etc/mk-docker-opts.sh").toAbsolutePath().toString());
        command.addAll(List.of(options));
        Map<String, String> environment = new HashMap<>(variables);
        environment.put("PATH", System.getenv("PATH"));
        return Shell.run(folder, environment, command);
    }

    private String written(List<String> shell, Map<String, String> variables, String... options) throws IOException {
        List<String> all = new ArrayList<>(List.of("-f", folder.resolve("subnet.env").toString(), "-d", "out"));
        all.addAll(List.of(options));
        Shell.Result result = run(shell, variables, all.toArray(String[]::new));
        assertEquals("", result.succeeded() + result.errors());
        return Files.readString(folder.resolve("out"));
    }

    @ParameterizedTest
    @MethodSource("shells")
    void writesSingleAndCombinedOptions(List<String> shell) throws IOException {
        assertEquals(SINGLE + COMBINED, written(shell, Map.of()));
        assertEquals(SINGLE + COMBINED, written(shell, Map.of(), "-i", "-c"));
        assertEquals(SINGLE, written(shell, Map.of(), "-i"));
        assertEquals(COMBINED, written(shell, Map.of(), "-c"));
    }

    @ParameterizedTest
    @MethodSource("shells")
    void masqueradesWhereFlannelDoesNot(List<String> shell) throws IOException {
        subnetFile("true");
        assertEquals("DOCKER_NETWORK_OPTIONS=\" --bip=10.1.10.1/24 --ip-masq=false --mtu=1450\"\n",
                written(shell, Map.of(), "-c", "-k", "DOCKER_NETWORK_OPTIONS"));
        assertEquals("DOCKER_OPTS=\" --bip=10.1.10.1/24 --mtu=1450\"\n", written(shell, Map.of(), "-cm"));
    }

    @ParameterizedTest
    @MethodSource("shells")
    void keepsTheCallersOptionsInFront(List<String> shell) throws IOException {
        assertEquals("DOCKER_OPTS=\"--debug  --bip=10.1.10.1/24 --ip-masq=true --mtu=1450\"\n",
                written(shell, Map.of("DOCKER_OPTS", "--debug"), "-c"));
        assertEquals("DOCKER_OPTS=\" --bip=10.1.10.1/24 --foo --ip-masq=true --mtu=1450\"\n",
                written(shell, Map.of("DOCKER_OPT_FOO", "--foo"), "-c"));
        // The original breaks on a blank in a value, and takes a line inside another variable's value for a variable.
        assertEquals("DOCKER_OPTS=\" --bip=10.1.10.1/24 --label a=b --ip-masq=true --mtu=1450\"\n",
                written(shell, Map.of("DOCKER_OPT_FOO", "--label a=b", "NOTE", "one\nDOCKER_OPT_X=--x"), "-c"));
    }

    @ParameterizedTest
    @MethodSource("shells")
    void missingSubnetFileIsNoError(List<String> shell) throws IOException {
        Files.delete(folder.resolve("subnet.env"));
        assertEquals("DOCKER_OPTS=\"\"\n", written(shell, Map.of()));
    }

    @ParameterizedTest
    @MethodSource("shells")
    void takesAFileNameWithoutAFolder(List<String> shell) throws IOException {
        run(shell, Map.of(), "-f", "subnet.env", "-d", "out", "-c").succeeded();
        assertEquals(COMBINED, Files.readString(folder.resolve("out")));
    }

    @ParameterizedTest
    @MethodSource("shells")
    void refusesAnotherMasqueradeValueAndLeavesTheFile(List<String> shell) throws IOException {
        subnetFile("maybe");
        Shell.Result result = run(shell, Map.of(), "-f", "./subnet.env", "-d", "out");
        assertEquals("Invalid value of FLANNEL_IPMASQ: maybe\n", result.errors());
        assertEquals(1, result.status());
        assertFalse(Files.exists(folder.resolve("out")));
        assertEquals("DOCKER_OPTS=\" --bip=10.1.10.1/24 --mtu=1450\"\n", written(shell, Map.of(), "-c", "-m"));
    }

    @ParameterizedTest
    @MethodSource("shells")
    void tellsUsageOnStandardError(List<String> shell) {
        for (String option : List.of("-h", "-?", "-x")) {
            Shell.Result result = run(shell, Map.of(), option);
            assertEquals(1, result.status());
            assertEquals("", result.output());
            assertTrue(result.errors().contains("-d DOCKER-ENV-FILE"), result.errors());
        }
    }

    @ParameterizedTest
    @MethodSource("shells")
    void saysWhereItCannotWrite(List<String> shell) throws IOException {
        Shell.Result result = run(shell, Map.of(), "-f", "./subnet.env", "-d", "nowhere/out");
        assertTrue(result.errors().endsWith("cannot write nowhere/out\n"), result.errors());
        assertTrue(result.errors().lines().count() > 1, "and the shell's own words say why: " + result.errors());
        assertEquals(2, result.status());
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(1, files.count());
        }
    }

    @ParameterizedTest
    @MethodSource("shells")
    void writesToWhatIsNoPlainFile(List<String> shell) {
        assertEquals(COMBINED, run(shell, Map.of(), "-f", "./subnet.env", "-d", "/dev/stdout", "-c").succeeded());
    }
}
