package flannel.lease;

/** What is in a store's list of subnets under one key. */
public sealed interface Entry permits Lease, Entry.Occupied {

    /** Its name there. */
    LeaseKey key();

    /** Counts the store's changes, as they stood when this was written: of two values of one key the higher is the newer. */
    long asOf();

    /**
     * Something that is there and can't be read as a lease: the subnet that its name claims is not free, and what it says is not ours to change.
     *
     * @param why one clause for the log, as "the value is not JSON"
     */
    record Occupied(LeaseKey key, String why, long asOf) implements Entry {
    }
}
