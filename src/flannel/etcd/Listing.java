package flannel.etcd;

import flannel.etcd.LeaseRegistry.Cursor;
import flannel.etcd.LeaseRegistry.Snapshot;
import flannel.json.JsonValue;
import flannel.lease.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** Gathers the config and the entries while the answer that lists them arrives. */
final class Listing implements EtcdHttp.LongList {

    private final String member;
    private final String configKey;
    private final UnaryOperator<String> decodeValue;
    private final Function<JsonValue, Entry> readEntry;
    private String config;
    private List<Entry> entries = new ArrayList<>();

    /**
     * @param member      name of the members that are arrays of entries
     * @param configKey   the config's key, as it stands in an entry
     * @param decodeValue makes text of a value as it stands in an entry
     * @param readEntry   reads an entry; null for one that is none of ours
     */
    Listing(String member, String configKey, UnaryOperator<String> decodeValue, Function<JsonValue, Entry> readEntry) {
        this.member = member;
        this.configKey = configKey;
        this.decodeValue = decodeValue;
        this.readEntry = readEntry;
    }

    @Override
    public String member() {
        return member;
    }

    @Override
    public void restart() {
        config = null;
        entries = new ArrayList<>();
    }

    @Override
    public void element(JsonValue element) {
        if (element.isTrue("dir")) {
            return; // v2: what is inside has been told
        }
        if (element.text("key").equals(configKey)) {
            config = decodeValue.apply(element.text("value"));
            return;
        }
        Entry entry = readEntry.apply(element);
        if (entry != null) {
            entries.add(entry);
        }
    }

    Snapshot snapshot(Cursor cursor) {
        return new Snapshot(config, entries, cursor);
    }
}
