package flannel.daemon;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.kernel.Inspection;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.NetworkContents;
import flannel.lease.ServedStore;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Gives back the leases that this host has had, where no daemon runs. A lease is this host's for sure when it bears the mark that the state
 * directory keeps; or, written by a Go flanneld, which knows no marks, when it is that of the subnet file and tells an address of this host.
 */
public final class Release {

    private static final int LIMIT_BYTES = 1 << 16;

    private final Settings settings;
    private final String mark;
    private final Set<Ipv4> addresses = new HashSet<>();

    private Release(Settings settings) throws IOException {
        this.settings = settings;
        mark = StateDirectory.mark(settings.stateDirectory()).orElse("");
        try {
            Inspection.addresses().forEach(found -> addresses.add(found.address()));
        } catch (SystemCallException e) {
            throw new IOException(e.getMessage(), e);
        }
        if (settings.publicIp() != null) {
            addresses.add(settings.publicIp());
        }
    }

    /** The networks that this host is or was in, by the options and by what it remembers; the one without a name has the empty one. */
    public static List<String> networks(Settings settings) throws IOException {
        if (settings.networks().isSingle()) {
            return List.of("");
        }
        List<String> names = new ArrayList<>(settings.networks().names());
        StateDirectory.networks(settings.stateDirectory()).stream().filter(name -> !names.contains(name)).forEach(names::add);
        return names;
    }

    /**
     * Gives this host's leases in one network back.
     *
     * @return what became of each, in sentences; empty when there was none
     * @throws IOException with a sentence, when the store can't be asked or refuses, or this host's files can't be read
     */
    public static List<String> run(Settings settings, String network, ServedStore store) throws IOException, InterruptedException {
        Release release = new Release(settings);
        Optional<Ipv4Subnet> subnet = release.previousSubnet(network);
        List<String> outcomes = new ArrayList<>();
        for (Entry entry : NetworkContents.of(store).entries()) {
            if (entry instanceof Lease lease && release.isOurs(lease.attributes(), subnet.filter(lease.subnet()::equals).isPresent())) {
                outcomes.add(new GivingBack(store, lease.attributes().node()).run(lease));
            }
        }
        if (!outcomes.isEmpty()) { // no start without the store is to go by what it was
            SmallFiles.remove(settings.stateDirectory().resolve(StateDirectory.folderOf(network) + NetworkMemory.CONTENTS));
        }
        return outcomes;
    }

    private Optional<Ipv4Subnet> previousSubnet(String network) throws FileException {
        Path file = network.isEmpty() ? settings.subnetFile() : settings.networks().directory().resolve(network + ".env");
        return SmallFiles.find(file, LIMIT_BYTES, new LinkOption[0]).flatMap(SubnetFile::subnetOf);
    }

    private boolean isOurs(LeaseAttributes attributes, boolean ofSubnetFile) {
        return attributes.node().isEmpty() ? ofSubnetFile && addresses.contains(attributes.publicIp()) : attributes.node().equals(mark);
    }
}
