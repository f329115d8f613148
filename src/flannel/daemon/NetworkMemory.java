package flannel.daemon;

import flannel.net.Ipv4Subnet;
import java.util.List;
import java.util.Optional;

/** What a host remembers of one network across restarts and reboots. */
final class NetworkMemory {

    private static final String SUBNET = "subnet.env";
    private static final String TAKEN_OVER = "taken-over";

    /** What there may be of a network. */
    static final List<String> FILES = List.of(SUBNET, TAKEN_OVER);

    private final StateDirectory directory;
    private final String folder;

    /** @param folder within the directory; empty, or with a slash at its end */
    NetworkMemory(StateDirectory directory, String folder) {
        this.directory = directory;
        this.folder = folder;
    }

    /** The subnet this host had when the daemon last ran; empty when that is not known. */
    Optional<Ipv4Subnet> previousSubnet() {
        return directory.read(folder + SUBNET).flatMap(SubnetFile::subnetOf);
    }

    void remember(SubnetFile subnet) {
        if (!directory.read(folder + SUBNET).equals(Optional.of(subnet.text()))) {
            directory.write(folder + SUBNET, subnet.text());
        }
    }

    /** Forgets the network, which leaves this host. */
    void forget() {
        FILES.forEach(name -> directory.remove(folder + name));
        if (!folder.isEmpty()) {
            directory.remove(folder);
        }
    }

    /** Whether routes that a Go flanneld had left were taken over on this host: that happens once. */
    boolean takenOver() {
        return directory.read(folder + TAKEN_OVER).isPresent();
    }

    void rememberTakenOver() {
        directory.write(folder + TAKEN_OVER, "The routes of an earlier flanneld were taken over. Without this file that is done again.\n");
    }
}
