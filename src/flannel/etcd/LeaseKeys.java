package flannel.etcd;

import flannel.json.JsonException;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.util.HashMap;
import java.util.Map;

/**
 * The network's keys and what they mean: {@code PREFIX/config} and {@code PREFIX/subnets/10.1.83.0-24}. Everything else under the prefix is
 * somebody else's. A key or value below {@code subnets/} that makes no sense is warned of once for each time it is written.
 */
final class LeaseKeys {

    private static final int MAX_WARNED = 1000;

    private final String prefix;
    private final Log log;
    private final Map<String, Long> warned = new HashMap<>();

    /** @param prefix as {@link EtcdOptions#folder()} gives it */
    LeaseKeys(String prefix, Log log) {
        this.prefix = prefix;
        this.log = log;
    }

    /** The folder of both, with a slash behind it. */
    String folder() {
        return prefix + "/";
    }

    String config() {
        return prefix + "/config";
    }

    String subnets() {
        return prefix + "/subnets";
    }

    String keyOf(Ipv4Subnet subnet) {
        return subnets() + "/" + subnet.toKey();
    }

    /** The subnet that a key stands for; null when it is no lease's key. */
    Ipv4Subnet subnetOf(String key, long revision) {
        if (!key.startsWith(prefix) || !key.startsWith("/subnets/", prefix.length())) {
            return null;
        }
        String name = key.substring(prefix.length() + "/subnets/".length());
        // newer Go flannels name dual-stack leases a.b.c.d-24&v6-64
        String ipv4 = name.indexOf('&') < 0 ? name : name.substring(0, name.indexOf('&'));
        try {
            Ipv4Subnet subnet = Ipv4Subnet.parseKey(ipv4);
            if (subnet.toKey().equals(ipv4)) {
                return subnet;
            }
        } catch (IllegalArgumentException e) {
            // said below
        }
        warn(key, revision, "the name is not a subnet of the form a.b.c.d-len");
        return null;
    }

    /** The lease that a key and value make; null when they make none. */
    Lease lease(String key, String value, Lease.Expiry expiry, long revision, long storeLease) {
        Ipv4Subnet subnet = subnetOf(key, revision);
        if (subnet == null) {
            return null;
        }
        try {
            return new Lease(subnet, LeaseAttributes.parse(value), expiry, revision, storeLease);
        } catch (JsonException e) {
            warn(key, revision, "the value is not a lease: " + e.getMessage());
            return null;
        }
    }

    private synchronized void warn(String key, long revision, String why) {
        if (warned.size() >= MAX_WARNED && !warned.containsKey(key)) {
            warned.clear();
        }
        Long before = warned.put(key, revision);
        if (before == null || before != revision) {
            log.warning("ignoring " + key + " in etcd: " + why);
        }
    }
}
