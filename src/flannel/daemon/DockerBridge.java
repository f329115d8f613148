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

/** Docker's side of the subnet: its options file, and whether its bridge has the address it should have. */
final class DockerBridge {

    /** Where the package's unit has mk-docker-opts.sh write; only there is the file ours to write. */
    private static final Path PACKAGED_FOLDER = Path.of("/run/flannel");

    private DockerBridge() {
    }

    /** Writes {@code /run/flannel/docker}, so that Docker's start need not wait for the script that the unit runs afterwards. */
    static void writeOptions(Settings settings, SubnetFile subnet) throws FileException {
        if (PACKAGED_FOLDER.equals(settings.subnetFile().getParent())) {
            SmallFiles.replace(PACKAGED_FOLDER.resolve("docker"), subnet.dockerOptions(settings.dockerOptions()), Readers.ALL);
        }
    }

    /** Says so when docker0 has an address that is not of the lease: its containers are cut off until Docker starts again. */
    static void compare(SubnetFile subnet, Log log) {
        try {
            NetworkInterface bridge = NetworkInterface.getByName("docker0");
            List<String> addresses = bridge == null ? List.of() : bridge.getInterfaceAddresses().stream()
                    .filter(address -> address.getAddress().getAddress().length == 4)
                    .map(DockerBridge::text).toList();
            if (!addresses.isEmpty() && !addresses.contains(subnet.bridgeAddress())) {
                log.warning("docker0 has " + String.join(", ", addresses) + ", but this host's subnet wants " + subnet.bridgeAddress()
                        + ": Docker must start again with the new options: systemctl restart docker");
            }
        } catch (SocketException e) {
            log.warning("cannot see the address of docker0: " + e.getMessage());
        }
    }

    private static String text(InterfaceAddress address) {
        return address.getAddress().getHostAddress() + "/" + address.getNetworkPrefixLength();
    }
}
