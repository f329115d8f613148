package flannel.daemon;

import flannel.kernel.KernelEvent;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.SubnetStore.Taken;
import flannel.status.NetworkStatus;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** What a {@link NetworkSession} is told: by the store, by the kernel's monitor, and by its own writes to the store. */
sealed interface Message {

    /** @param heardNanos when it was heard, by the system's nanoTime */
    record Store(StoreEvent event, long heardNanos) implements Message {

        Store(StoreEvent event) {
            this(event, System.nanoTime());
        }
    }

    /** All that was told before has been dealt with. */
    record Reached(Runnable then) implements Message {
    }

    record Kernel(KernelEvent event) implements Message {
    }

    /** The interface to the other hosts, or its address, is another one now. */
    record UnderlayChanged(Underlay underlay) implements Message {
    }

    /** There is no such interface, or it has no address, for the time being. */
    record UnderlayGone(String reason) implements Message {
    }

    record LeaseTaken(Taken taken) implements Message {
    }

    record LeaseRenewed(Lease lease) implements Message {
    }

    /**
     * The network is to leave this host: nothing else is handled after that.
     *
     * @param lease whether its lease is given back then
     */
    record Withdraw(boolean lease) implements Message {
    }

    /** Somebody asks how the network is. */
    record Report(CompletableFuture<NetworkStatus.Known> answer) implements Message {

        /** Whoever only looks must not end what he looks at, whatever is wrong with the view. */
        void answer(Supplier<NetworkStatus.Known> view) {
            try {
                answer.complete(view.get());
            } catch (RuntimeException e) {
                answer.completeExceptionally(e);
            }
        }
    }

    /** @param renewing whether a lease was to be renewed; else one was to be taken */
    record LeaseFailed(StoreException reason, boolean renewing) implements Message {
    }
}
