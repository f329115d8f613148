package flannel.daemon;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.files.SmallFiles.Readers;
import flannel.log.Log;
import java.io.IOException;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Docker's side of the subnet: its options file, and whether its bridge has the address and its containers the MTU that they should have. */
final class DockerBridge {

    /** Where the package's unit has mk-docker-opts.sh write; only there is the file ours to write. */
    private static final Path PACKAGED_FOLDER = Path.of("/run/flannel");

    private static final String NAME = "docker0";

    /** The bridge's ports, the host's ends of the containers' devices; sysfs-class-net in the kernel's ABI documentation. */
    private static final Path PORTS = Path.of("/sys/class/net", NAME, "brif");

    private static final String REMEDY = ": Docker must start again with the new options (systemctl restart docker); if that changes nothing, "
            + "its unit does not pass $DOCKER_NETWORK_OPTIONS to dockerd, see DOCKER in flanneld(8)";

    private DockerBridge() {
    }

    /** Writes {@code /run/flannel/docker}, so that Docker's start need not wait for the script that the unit runs afterwards. */
    static void writeOptions(Settings settings, SubnetFile subnet) throws FileException {
        if (PACKAGED_FOLDER.equals(settings.subnetFile().getParent())) {
            SmallFiles.replace(PACKAGED_FOLDER.resolve("docker"), subnet.dockerOptions(settings.dockerOptions()), Readers.ALL);
        }
    }

    /**
     * What there is of Docker's network.
     *
     * @param addresses the bridge's IPv4 addresses with their prefix lengths
     * @param mtu       the largest of its ports' MTUs, in bytes; 0 without a port. Its own says nothing: without ports it is 1500, with some
     *                  the least of theirs
     */
    record Found(List<String> addresses, int mtu) {
    }

    /** Says so when docker0 has an address that is not of the lease, or a container sends packets that are too large. */
    static void compare(SubnetFile subnet, Log log) {
        try {
            NetworkInterface bridge = NetworkInterface.getByName(NAME);
            if (bridge != null) {
                trouble(subnet, new Found(addresses(bridge), portMtu())).ifPresent(log::warning);
            }
        } catch (IOException e) {
            log.warning("cannot see the address and the ports of " + NAME + ": " + e.getMessage());
        }
    }

    /** What does not fit, and the remedy, in one sentence. */
    static Optional<String> trouble(SubnetFile subnet, Found found) {
        if (!found.addresses().isEmpty() && !found.addresses().contains(subnet.bridgeAddress())) {
            return Optional.of(NAME + " has " + String.join(", ", found.addresses()) + ", but this host's subnet wants "
                    + subnet.bridgeAddress() + REMEDY);
        }
        if (found.mtu() > subnet.mtu()) {
            return Optional.of("a container at " + NAME + " has an MTU of " + found.mtu() + ", but the network takes packets of "
                    + subnet.mtu() + " bytes at most" + REMEDY);
        }
        return Optional.empty();
    }

    private static List<String> addresses(NetworkInterface bridge) {
        return bridge.getInterfaceAddresses().stream().filter(address -> address.getAddress().getAddress().length == 4)
                .map(DockerBridge::text).toList();
    }

    private static String text(InterfaceAddress address) {
        return address.getAddress().getHostAddress() + "/" + address.getNetworkPrefixLength();
    }

    private static int portMtu() throws IOException {
        int largest = 0;
        if (Files.isDirectory(PORTS)) {
            try (DirectoryStream<Path> ports = Files.newDirectoryStream(PORTS)) {
                for (Path port : ports) {
                    NetworkInterface device = NetworkInterface.getByName(port.getFileName().toString());
                    largest = Math.max(largest, device == null ? 0 : device.getMTU()); // null: its container has ended just now
                }
            }
        }
        return largest;
    }
}
