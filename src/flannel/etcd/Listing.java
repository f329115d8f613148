package flannel.etcd;

import flannel.json.JsonValue;
import flannel.lease.Lease;
import flannel.lease.LeaseRegistry.Cursor;
import flannel.lease.LeaseRegistry.Snapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** Gathers the config and the leases while the answer that lists them arrives. */
final class Listing implements EtcdHttp.LongList {

    private final String member;
    private final String configKey;
    private final UnaryOperator<String> decodeValue;
    private final Function<JsonValue, Lease> readLease;
    private String config;
    private List<Lease> leases = new ArrayList<>();

    /**
     * @param member      name of the members that are arrays of entries
     * @param configKey   the config's key, as it stands in an entry
     * @param decodeValue makes text of a value as it stands in an entry
     * @param readLease   makes a lease of an entry, or null
     */
    Listing(String member, String configKey, UnaryOperator<String> decodeValue, Function<JsonValue, Lease> readLease) {
        this.member = member;
        this.configKey = configKey;
        this.decodeValue = decodeValue;
        this.readLease = readLease;
    }

    @Override
    public String member() {
        return member;
    }

    @Override
    public void restart() {
        config = null;
        leases = new ArrayList<>();
    }

    @Override
    public void element(JsonValue entry) {
        if (entry.isTrue("dir")) {
            return; // v2: what is inside has been told
        }
        if (entry.text("key").equals(configKey)) {
            config = decodeValue.apply(entry.text("value"));
            return;
        }
        Lease lease = readLease.apply(entry);
        if (lease != null) {
            leases.add(lease);
        }
    }

    Snapshot snapshot(Cursor cursor) {
        return new Snapshot(config, leases, cursor);
    }
}
