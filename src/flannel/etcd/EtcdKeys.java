package flannel.etcd;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseKey;

/** Keys below a folder of etcd, and what they stand for. Everything else in there is somebody else's. */
interface EtcdKeys {

    /** The folder of all, as {@link EtcdOptions#folder()} gives it. */
    String prefix();

    /** The same with a slash behind it. */
    default String folder() {
        return prefix() + "/";
    }

    /** The key of the configuration. */
    String config();

    /** The folder of the entries, for a user who may read that and the configuration only. */
    String subnets();

    /** Where an entry is. */
    String pathOf(LeaseKey key);

    /** The name of the entry that a path stands for; null for none. */
    LeaseKey keyOf(String path);

    /**
     * What a path and its value make: a lease, or something that only is in the way; null when the path stands for no entry.
     *
     * @param value null for one that was too large to be read
     */
    Entry entry(String path, String value, Lease.Expiry expiry, long revision);

    /** False when the keys alone say everything. */
    default boolean valuesMatter() {
        return true;
    }
}
