package flannel.check;

import flannel.kernel.Found;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Has Docker the subnet and the MTU of the lease? */
final class DockerQuestions {

    private static final String RESTART = "systemctl restart docker; if that changes nothing, its unit does not pass $DOCKER_NETWORK_OPTIONS to dockerd,"
            + " see DOCKER in flanneld(8)";

    private DockerQuestions() {
    }

    static List<Finding> ask(Scene scene) {
        Ipv4Subnet subnet = Scene.subnetOf(scene.subnetFile());
        Optional<Found.Link> bridge = scene.link("docker0");
        if (subnet == null || bridge.isEmpty()) {
            return List.of();
        }
        List<String> addresses = scene.addresses().stream().filter(address -> address.index() == bridge.get().index())
                .map(address -> address.address() + "/" + address.prefixLength()).toList();
        return ask(subnet, Scene.value(scene.subnetFile(), "FLANNEL_MTU"), addresses, bridge.get().up() ? bridge.get().mtu() : 0, dockerd(Path.of("/proc")));
    }

    /**
     * Of what there is.
     *
     * @param mtu       of the network, as the subnet file has it
     * @param addresses of docker0, with their prefix lengths
     * @param bridgeMtu 0 as long as it has no container, when it tells nothing
     * @param dockerd   its command line; empty when it does not run here
     */
    static List<Finding> ask(Ipv4Subnet subnet, String mtu, List<String> addresses, int bridgeMtu, String dockerd) {
        String wanted = subnet.base().plus(1) + "/" + subnet.prefixLength();
        List<Finding> findings = new ArrayList<>();
        if (!addresses.isEmpty() && !addresses.contains(wanted)) {
            findings.add(Finding.fail("docker", "docker0 has " + String.join(", ", addresses) + ", this host's subnet wants " + wanted, RESTART));
        }
        if (mtu != null && mtu.matches("\\d{1,5}") && bridgeMtu > Integer.parseInt(mtu)) {
            findings.add(Finding.fail("docker", "docker0's containers have an MTU of " + bridgeMtu + ", the network takes packets of " + mtu + " bytes at most", RESTART));
        }
        if (!dockerd.isEmpty() && !dockerd.contains("--bip=") && !dockerd.contains("--bip ") && findings.isEmpty() && !addresses.contains(wanted)) {
            findings.add(Finding.fail("docker", "dockerd was started without --bip: " + dockerd, RESTART));
        }
        return findings.isEmpty() ? List.of(Finding.ok("docker", "docker0 has " + wanted)) : findings;
    }

    /** The command line of the Docker daemon that runs here; empty for none. */
    static String dockerd(Path proc) {
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(proc, "[0-9]*")) {
            for (Path process : processes) {
                String line = commandLine(process);
                String program = line.split(" ", 2)[0];
                if (program.equals("dockerd") || program.endsWith("/dockerd")) {
                    return line;
                }
            }
        } catch (IOException e) {
            // then it is not known
        }
        return "";
    }

    private static String commandLine(Path process) {
        try {
            return new String(Files.readAllBytes(process.resolve("cmdline")), StandardCharsets.UTF_8).replace('\0', ' ').strip();
        } catch (IOException e) {
            return ""; // it has ended meanwhile
        }
    }
}
