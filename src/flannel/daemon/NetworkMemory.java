package flannel.daemon;

import flannel.net.Ipv4Subnet;
import java.util.List;
import java.util.Optional;

/** What a host remembers of one network across restarts and reboots. */
final class NetworkMemory {

    private static final String SUBNET = "subnet.env";
    private static final String TAKEN_OVER = "taken-over";
    static final String CONTENTS = "network";

    /** Of the contents: the largest network that is followed, with the largest leases. */
    private static final int LIMIT_BYTES = 16 << 20;

    /** What there may be of a network. */
    static final List<String> FILES = List.of(SUBNET, TAKEN_OVER, CONTENTS);

    private final StateDirectory directory;
    private final String folder;
    private boolean left;

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

    /** What the network's store had when this host last heard of it; empty when nothing is remembered that can be relied on, which is said. */
    Optional<Remembered> recall() {
        Optional<String> text = directory.read(folder + CONTENTS, LIMIT_BYTES);
        Optional<Remembered> contents = text.flatMap(Remembered::parse);
        if (text.isPresent() && contents.isEmpty()) {
            directory.complain(folder + CONTENTS + " is not as this host wrote it: it is not used");
        }
        return contents;
    }

    /** For whatever thread, as it takes its time. */
    synchronized void remember(Remembered contents) {
        if (!left) {
            directory.write(folder + CONTENTS, contents.parts());
        }
    }

    /** The subnet is given back: it is no longer this host's to start with, only to wish for. */
    synchronized void leave() {
        left = true;
        directory.remove(folder + CONTENTS);
    }

    /** Forgets the network, which leaves this host. */
    void forget() {
        leave();
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
