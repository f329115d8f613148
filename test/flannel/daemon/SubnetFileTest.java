package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SubnetFileTest {

    private final SubnetFile file = new SubnetFile(Ipv4Subnet.parse("10.1.0.0/16"), Ipv4Subnet.parse("10.1.83.0/24"), 1450, false);

    @Test
    void hasTheOriginalsFourLines() {
        assertEquals("FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.83.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=false\n", file.text());
    }

    @Test
    void tellsDockerInTheScriptsForm() {
        assertEquals("""
                DOCKER_OPT_BIP="--bip=10.1.83.1/24"
                DOCKER_OPT_IPMASQ="--ip-masq=true"
                DOCKER_OPT_MTU="--mtu=1450"
                DOCKER_NETWORK_OPTIONS=" --bip=10.1.83.1/24 --ip-masq=true --mtu=1450"
                """, file.dockerOptions(""));
    }

    /** systemd runs the script after the daemon has written the same file itself: nothing may change by that. */
    @ParameterizedTest
    @CsvSource({"true, ''", "false, ''", "false, --debug", "true, --debug --label a=b"})
    void tellsDockerWhatTheScriptTells(boolean masquerade, String earlier, @TempDir Path folder) throws IOException, InterruptedException {
        SubnetFile subnet = new SubnetFile(file.network(), file.subnet(), 1472, masquerade);
        Path env = Files.writeString(folder.resolve("subnet.env"), subnet.text());
        Path written = folder.resolve("docker");
        ProcessBuilder script = new ProcessBuilder("sh", "etc/mk-docker-opts.sh", "-k", "DOCKER_NETWORK_OPTIONS", "-f", env.toString(),
                "-d", written.toString()).inheritIO();
        if (!earlier.isEmpty()) {
            script.environment().put("DOCKER_NETWORK_OPTIONS", earlier);
        }
        assertEquals(0, script.start().waitFor());
        assertEquals(Files.readString(written), subnet.dockerOptions(earlier));
    }

    @Test
    void namesTheSubnetToWhoReadsIt() {
        assertEquals(Optional.of(file.subnet()), SubnetFile.subnetOf(file.text()));
        assertEquals(Optional.of(file.subnet()), SubnetFile.subnetOf("FLANNEL_MTU=1450\nFLANNEL_SUBNET=\"10.1.83.1/24\"\n"));
        assertEquals(Optional.empty(), SubnetFile.subnetOf("FLANNEL_SUBNET=x\n"));
        assertEquals(Optional.empty(), SubnetFile.subnetOf(""));
    }

    @Test
    void aPipeInItsPlaceIsNotWaitedFor(@TempDir Path folder) throws Exception {
        Path fifo = folder.resolve("fifo");
        assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).inheritIO().start().waitFor());
        assertTimeoutPreemptively(Duration.ofMinutes(1),
                () -> assertEquals(Optional.empty(), SubnetPlaces.file(fifo).read(), "nobody waits for a writer"));
    }
}
