package flannel.daemon;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.files.SmallFiles.Readers;
import flannel.log.Log;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Docker's side of the subnet: its options file, and whether its bridge has the address and its containers the MTU that they should have. */
final class DockerBridge {

    /** Where the package's unit has mk-docker-opts.sh write; only there is the file ours to write. */
    private static final Path PACKAGED_FOLDER = Path.of("/run/flannel");

    private static final String NAME = "docker0";

    private static final String REMEDY = ": Docker must start again with the new options (systemctl restart docker); if that changes nothing, "
            + "its unit does not pass $DOCKER_NETWORK_OPTIONS to dockerd, see DOCKER in flanneld(8)";

    private final Log log;
    private Found last;
    private String said = "";

    DockerBridge(Log log) {
        this.log = log;
    }

    /** Writes {@code /run/flannel/docker}, so that Docker's start need not wait for the script that the unit runs afterwards. */
    static void writeOptions(Settings settings, SubnetFile subnet) throws FileException {
        if (optionsFile(settings).isPresent()) {
            SmallFiles.replace(optionsFile(settings).get(), subnet.dockerOptions(settings.dockerOptions()), Readers.ALL);
        }
    }

    /** The file that is ours to write; empty for none. */
    static Optional<Path> optionsFile(Settings settings) {
        return PACKAGED_FOLDER.equals(settings.subnetFile().getParent()) ? Optional.of(PACKAGED_FOLDER.resolve("docker")) : Optional.empty();
    }

    /**
     * What there is of Docker's network.
     *
     * @param addresses the bridge's IPv4 addresses with their prefix lengths
     * @param mtu       the containers', in bytes; 0 while there is none: then the bridge's own, the least of its ports', says nothing
     */
    record Found(List<String> addresses, int mtu) {
    }

    /**
     * Says so, once, when docker0 has an address that is not of the lease, or a container sends packets that are too large. Docker may have
     * started before this daemon or after it.
     */
    void compare(SubnetFile subnet) {
        last = found().orElse(null);
        String trouble = last == null ? "" : trouble(subnet, last).orElse("");
        if (!trouble.isEmpty() && !trouble.equals(said)) {
            log.warning(trouble);
        }
        said = trouble;
    }

    /** What there is, as last looked at; null for no bridge. */
    Found last() {
        return last;
    }

    /** Why its containers are cut off, one sentence; empty when they are not. */
    String trouble() {
        return said;
    }

    /** Empty without a bridge. */
    private static Optional<Found> found() {
        try {
            NetworkInterface bridge = NetworkInterface.getByName(NAME);
            // up: it has a carrier, so it has a port, which is a container's
            return bridge == null ? Optional.empty() : Optional.of(new Found(addresses(bridge), bridge.isUp() ? bridge.getMTU() : 0));
        } catch (SocketException e) {
            return Optional.empty(); // it has gone just now
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
}
