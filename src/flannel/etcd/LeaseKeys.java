package flannel.etcd;

import flannel.json.JsonException;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseKey;
import flannel.log.Printable;
import flannel.net.Ipv4Subnet;
import java.util.Optional;

/**
 * The network's keys and what they mean: {@code PREFIX/config} and {@code PREFIX/subnets/10.1.83.0-24}. Everything else under the prefix is
 * somebody else's. Pure.
 */
record LeaseKeys(String prefix) implements EtcdKeys {

    /** A lease's name has 18 characters, one for two address families at most 60; what is longer is shown by its start. */
    private static final int LONGEST_NAME = 100;

    /** What is wrong with a value may quote it, and is kept as long as the key is there. */
    private static final int LONGEST_REASON = 100;

    @Override
    public String config() {
        return prefix + "/config";
    }

    @Override
    public String subnets() {
        return prefix + "/subnets";
    }

    @Override
    public String pathOf(LeaseKey key) {
        return subnets() + "/" + key;
    }

    @Override
    public LeaseKey keyOf(String path) {
        if (!path.startsWith(prefix) || !path.startsWith("/subnets/", prefix.length())) {
            return null;
        }
        String name = path.substring(prefix.length() + "/subnets/".length());
        return new LeaseKey(name.length() > LONGEST_NAME ? name.substring(0, LONGEST_NAME) + "…" : name);
    }

    @Override
    public Entry entry(String path, String value, Lease.Expiry expiry, long revision) {
        LeaseKey key = keyOf(path);
        if (key == null) {
            return null;
        }
        Optional<Ipv4Subnet> subnet = key.subnet();
        if (subnet.isEmpty() || !key.name().startsWith(subnet.get().toKey())) {
            return new Entry.Occupied(key, "the name is not a subnet of the form a.b.c.d-len", revision);
        }
        if (value == null) {
            return new Entry.Occupied(key, "the value is larger than any lease's", revision);
        }
        try {
            return new Lease(key, subnet.get(), LeaseAttributes.parse(value), expiry, revision);
        } catch (JsonException e) {
            return new Entry.Occupied(key, "the value is not a lease: " + Printable.line(e.getMessage(), LONGEST_REASON), revision);
        }
    }
}
