package flannel.check;

import flannel.kernel.Found;
import flannel.net.Ipv4Subnet;
import flannel.programs.Processes;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Has Docker the subnet and the MTU of the lease? */
final class DockerQuestions {

    private static final String RESTART = "systemctl restart docker; if that changes nothing, its unit does not pass $DOCKER_NETWORK_OPTIONS to dockerd,"
            + " see DOCKER in flanneld(8)";

    private DockerQuestions() {
    }

    static List<Finding> ask(Scene scene) {
        if (!scene.setup().network().isEmpty()) {
            return List.of(); // of several networks Docker's bridge can have one at most, and nobody says which
        }
        Ipv4Subnet subnet = Scene.subnetOf(scene.subnetFile());
        Optional<Found.Link> bridge = scene.link("docker0");
        if (subnet == null || bridge.isEmpty()) {
            return List.of();
        }
        List<String> addresses = scene.addresses().stream().filter(address -> address.index() == bridge.get().index())
                .map(address -> address.address() + "/" + address.prefixLength()).toList();
        if (!bridge.get().up()) {
            return List.of(Finding.fail("docker", "docker0 is down", "ip link set docker0 up"));
        }
        return ask(subnet, Scene.value(scene.subnetFile(), "FLANNEL_MTU"), addresses, largest(scene), dockerd(Path.of("/proc")));
    }

    /**
     * Of what there is.
     *
     * @param mtu       of the network, as the subnet file has it
     * @param addresses of docker0, with their prefix lengths
     * @param mtuThere  the largest of a container, in bytes; 0 for none
     * @param dockerd   its command line; empty when it does not run here
     */
    static List<Finding> ask(Ipv4Subnet subnet, String mtu, List<String> addresses, int mtuThere, String dockerd) {
        String wanted = subnet.base().plus(1) + "/" + subnet.prefixLength();
        List<Finding> findings = new ArrayList<>();
        if (!addresses.isEmpty() && !addresses.contains(wanted)) {
            findings.add(Finding.fail("docker", "docker0 has " + String.join(", ", addresses) + ", this host's subnet wants " + wanted, RESTART));
        }
        if (mtu != null && mtu.matches("\\d{1,5}") && mtuThere > Integer.parseInt(mtu)) {
            findings.add(Finding.fail("docker", "a container at docker0 has an MTU of " + mtuThere + ", the network takes packets of "
                    + mtu + " bytes at most", RESTART));
        }
        if (!dockerd.isEmpty() && !dockerd.contains("--bip=") && !dockerd.contains("--bip ") && findings.isEmpty() && !addresses.contains(wanted)) {
            findings.add(Finding.fail("docker", "dockerd was started without --bip: " + dockerd, RESTART));
        }
        return findings.isEmpty() ? List.of(Finding.ok("docker", "docker0 has " + wanted)) : findings;
    }

    /** The bridge's own MTU is the least of its ports', and says nothing while it has none. */
    private static int largest(Scene scene) {
        try (Stream<Path> ports = Files.list(Path.of("/sys/class/net/docker0/brif"))) {
            return ports.map(port -> scene.link(port.getFileName().toString())).flatMap(Optional::stream).mapToInt(Found.Link::mtu).max().orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }

    /** The command line of the Docker daemon that runs here; empty for none. */
    static String dockerd(Path proc) {
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(proc, "[0-9]*")) {
            for (Path process : processes) {
                List<String> words = Processes.commandLine(process);
                if (words.getFirst().matches("(.*/)?dockerd")) {
                    return String.join(" ", words);
                }
            }
        } catch (IOException e) {
            // then it is not known
        }
        return "";
    }
}
