package flannel.daemon;

import flannel.backend.Backend;
import flannel.kernel.DesiredState;
import flannel.kernel.Link;
import flannel.kernel.PacketFilter;
import flannel.kernel.Reconciler;
import flannel.kernel.Underlay;
import flannel.lease.NetworkConfig;
import flannel.linux.SystemCallException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Takes a network's data path off this host. */
record Withdrawal(String network, Reconciler reconciler, PacketFilter filter) {

    /**
     * Takes everything out of the kernel and out of the packet filter, and what the backend has elsewhere; ends the backend.
     *
     * @param config  of what is in the kernel; null for nothing
     * @param link    the network's own device; null for none
     * @param backend null when none is open
     * @return what stays, in sentences
     */
    List<String> run(NetworkConfig config, Link link, Underlay underlay, Backend backend) throws InterruptedException {
        List<String> left = ofKernel(config, link, underlay);
        try {
            if (backend != null) {
                backend.withdraw();
            }
        } catch (IOException e) {
            left.add(e.getMessage());
        }
        return left;
    }

    /** The same for the kernel and the packet filter alone. */
    List<String> ofKernel(NetworkConfig config, Link link, Underlay underlay) {
        List<String> left = new ArrayList<>();
        try {
            if (config != null) {
                reconciler.withdraw(new DesiredState(config.network(), config.subnetLength(), underlay.name(), link, List.of(), Set.of()))
                        .forEach(failure -> left.add(failure.what() + ": " + failure.why().getMessage()));
            }
        } catch (SystemCallException e) {
            left.add(e.getMessage());
        }
        filter.remove(network).join();
        return left;
    }
}
