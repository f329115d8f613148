package flannel.daemon;

import flannel.kernel.Underlay;
import flannel.log.Log;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** A network leaves this host. */
record Departure(SubnetFiles files, DataPath dataPath, NetworkMemory memory, Leases leases, Log log) {

    /**
     * Takes everything of it off this host, and in the end its lease, so that no two hosts ever have the subnet.
     *
     * @param phase how far the session has come
     * @param lease whether to give the lease back; else others may know this host by it, and it is wanted again if the network comes back
     */
    void run(Phase phase, Underlay underlay, boolean lease) throws InterruptedException {
        List<String> left = new ArrayList<>();
        try {
            files.withdraw();
        } catch (IOException e) {
            left.add(e.getMessage());
        }
        left.addAll(dataPath.withdraw(phase instanceof Phase.Configured opened ? opened : null, underlay));
        if (lease) {
            memory.leave();
            leases.giveBack();
        } else {
            memory.forget();
        }
        left.forEach(what -> log.error("not all of the network could be taken off this host: " + what));
    }
}
