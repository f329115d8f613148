package flannel.daemon;

import flannel.kernel.KernelEvent;
import flannel.lease.Lease;
import flannel.lease.LeaseKeeper.Acquired;
import flannel.lease.LeaseRegistry;
import flannel.lease.RegistryException;

/** What a {@link NetworkSession} is told: by the store's follower, by the kernel's monitor, and by its own writes to the store. */
sealed interface Message {

    /** All that is in the store: at first, and whenever the watch cannot be continued. */
    record Listed(LeaseRegistry.Snapshot snapshot) implements Message {
    }

    record Changed(LeaseRegistry.Event event) implements Message {
    }

    /** The store can't be reached; the follower tries again by itself. */
    record StoreAway(String reason) implements Message {
    }

    record Kernel(KernelEvent event) implements Message {
    }

    record LeaseAcquired(Acquired acquired) implements Message {
    }

    record LeaseRenewed(Lease lease) implements Message {
    }

    /** @param renewing whether a lease was to be renewed; else one was to be acquired */
    record LeaseFailed(RegistryException reason, boolean renewing) implements Message {
    }
}
