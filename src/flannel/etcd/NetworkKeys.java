package flannel.etcd;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseKey;

/** The keys {@code PREFIX/NAME/config}, one for each network: an entry for each name. Pure. */
record NetworkKeys(String prefix) implements EtcdKeys {

    private static final String CONFIG = "/config";

    /** There is none for all of them together; the folder can be asked for in its place. */
    @Override
    public String config() {
        return folder();
    }

    @Override
    public String subnets() {
        return prefix;
    }

    @Override
    public String pathOf(LeaseKey key) {
        return folder() + key + CONFIG;
    }

    @Override
    public LeaseKey keyOf(String path) {
        int start = folder().length();
        int end = path.length() - CONFIG.length();
        if (end <= start || !path.startsWith(folder()) || !path.endsWith(CONFIG) || path.substring(start, end).contains("/")) {
            return null;
        }
        return new LeaseKey(path.substring(start, end));
    }

    @Override
    public Entry entry(String path, String value, Lease.Expiry expiry, long revision) {
        LeaseKey key = keyOf(path);
        return key == null ? null : new Entry.Occupied(key, "a network", revision);
    }

    @Override
    public boolean valuesMatter() {
        return false;
    }
}
