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

    private static final int NAMED = 3;
    /** Of a bridge's port, linux/if_bridge.h. */
    private static final int DISABLED = 0;
    private static final int BLOCKING = 4;

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
        List<Finding> findings = new ArrayList<>(ports(Path.of("/sys/class/net"), scene));
        ask(subnet, Scene.value(scene.subnetFile(), "FLANNEL_MTU"), addresses, largest(scene), dockerd(Path.of("/proc"))).stream()
                .filter(finding -> findings.isEmpty() || finding.level() != Finding.Level.OK).forEach(findings::add);
        return findings;
    }

    /** Containers' cables that do not lead to docker0: a port that is off, or a cable in no bridge at all. */
    private static List<Finding> ports(Path sysfs, Scene scene) {
        List<Finding> findings = new ArrayList<>();
        for (Found.Link link : scene.links()) {
            if (KernelQuestions.number(sysfs.resolve(link.name()).resolve("ifindex")) != link.index()) {
                continue; // /sys is of other namespaces, as in some containers, and knows nothing of this one's cables
            }
            Path port = sysfs.resolve("docker0/brif").resolve(link.name());
            if (Files.exists(port)) {
                boolean off = link.up() && List.of(DISABLED, BLOCKING).contains(KernelQuestions.number(port.resolve("state")))
                        && KernelQuestions.number(sysfs.resolve(link.name()).resolve("carrier")) == 1;
                if (!link.up() || off) {
                    findings.add(Finding.fail("docker", link.name() + ", a port of docker0, " + (off ? "does not forward" : "is down")
                            + ": the container there reaches nobody", off ? "bridge link set dev " + link.name() + " state 3"
                            : "ip link set " + link.name() + " up"));
                }
            } else if (link.kind().equals("veth") && link.name().matches("veth[0-9a-f]+") && !Files.exists(sysfs.resolve(link.name()).resolve("master"))
                    && scene.addresses().stream().noneMatch(address -> address.index() == link.index())
                    && scene.routes().stream().noneMatch(route -> route.index() == link.index())
                    && !isHere(KernelQuestions.number(sysfs.resolve(link.name()).resolve("iflink")), link, scene)) {
                findings.add(Finding.fail("docker", link.name() + " leads to a container and is in no bridge: the container reaches nobody",
                        "ip link set " + link.name() + " master docker0 up; or into the bridge of its network, where it is of another one"));
            }
        }
        return findings.stream().limit(NAMED).toList();
    }

    /** Whether the other end of a cable is on this host itself. */
    private static boolean isHere(int index, Found.Link link, Scene scene) {
        return scene.links().stream().anyMatch(other -> other.index() == index && other.kind().equals("veth")
                && KernelQuestions.number(Path.of("/sys/class/net", other.name(), "iflink")) == link.index());
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
        boolean withoutOptions = !dockerd.isEmpty() && !dockerd.contains("--bip=") && !dockerd.contains("--bip ");
        List<Finding> findings = new ArrayList<>();
        if (!addresses.isEmpty() && !addresses.contains(wanted)) {
            findings.add(Finding.fail("docker", "docker0 has " + String.join(", ", addresses) + ", this host's subnet wants " + wanted
                    + (withoutOptions ? ": dockerd was started without --bip" : ""), RESTART));
        }
        if (mtu != null && mtu.matches("\\d{1,5}") && mtuThere > Integer.parseInt(mtu)) {
            findings.add(Finding.fail("docker", "a container at docker0 has an MTU of " + mtuThere + ", the network takes packets of "
                    + mtu + " bytes at most", RESTART));
        }
        if (withoutOptions && findings.isEmpty() && addresses.isEmpty()) {
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
