package flannel.daemon;

import flannel.backend.Backend;
import flannel.kernel.Underlay;
import flannel.lease.NetworkConfig;
import flannel.net.Ipv4;
import java.io.IOException;

/** Makes a config's backend for this host; see {@link Backends}. */
interface BackendMaker {

    /** @param former what is open, and goes on if this fails; null for none */
    Backend open(NetworkConfig config, Underlay underlay, Ipv4 publicIp, Backend former) throws IOException;

    /** Told when the kernel has what the one opened last wants, and nothing that was there before. */
    default void settled() {
    }
}
