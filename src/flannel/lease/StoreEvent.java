package flannel.lease;

import java.util.List;

/** What a {@link SubnetStore} tells those who follow it. */
public sealed interface StoreEvent {

    /**
     * Everything that is in the store now: at first, and whenever single changes can't be told any more.
     *
     * @param config    the network's configuration (JSON text); null when there is none
     * @param entries   all leases, and what stands in a lease's place
     * @param continued whether the store is known to be the one last heard of, with its history whole: only then does what is missing prove
     *                  that it is gone. False the first time, and after a store was emptied, restored, or replaced by another
     * @param at        when that was, by the store's own count
     */
    record Listed(String config, List<Entry> entries, boolean continued, Moment at) implements StoreEvent {
    }

    /** @param config the new configuration; null when it was deleted */
    record ConfigChanged(String config) implements StoreEvent {
    }

    /** An entry is new, or its value or time-to-live was written. */
    record Put(Entry entry) implements StoreEvent {
    }

    /** An entry was deleted or has expired. */
    record Gone(LeaseKey key) implements StoreEvent {
    }

    /** The store can't be reached or asked; it is tried again without end. */
    record Away(String reason) implements StoreEvent {
    }
}
