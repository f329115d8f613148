package flannel.daemon;

import flannel.backend.Backend;
import flannel.lease.NetworkConfig;

/** Where a network stands. */
sealed interface Phase {

    /** No config, or none that can be used. */
    record Unconfigured() implements Phase {
    }

    /** A config and its backend. */
    sealed interface Configured extends Phase {

        NetworkConfig config();

        Backend backend();
    }

    /** No subnet yet, or one that another host may still claim. */
    record Opened(NetworkConfig config, Backend backend) implements Configured {
    }

    /** The kernel has it, and so it stays. */
    record Active(NetworkConfig config, Backend backend) implements Configured {
    }
}
