package flannel.store;

import flannel.json.JsonException;
import flannel.json.JsonLimits;
import flannel.json.JsonValue;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What one write appends to a store's file: changes that happened at one moment. The first of a file tells everything that is in the store.
 *
 * <pre>{"format":1,"store":"5d1e0c2b9a7f4e63","revision":123,"clock":86400000,"wall":1795592146000,"changes":[...]}</pre>
 *
 * @param store    which store it is; "" in all but the first
 * @param revision the store's last change behind this record
 * @param clock    milliseconds on the {@link StoreClock}
 * @param wall     the wall clock's
 */
record StoreRecord(String store, long revision, long clock, long wall, List<Change> changes) {

    private static final int FORMAT = 1;

    /** A store has some ten thousand leases at most, and is written by nobody but us. */
    private static final JsonLimits LIMITS = new JsonLimits(12, 1_000_000, 256 << 10, 64 << 20, 0, 0, Records.LONGEST);

    byte[] encode() {
        StringBuilder json = new StringBuilder(64 + 200 * changes.size()).append('{');
        if (!store.isEmpty()) {
            json.append("\"format\":").append(FORMAT).append(",\"store\":\"").append(store).append("\",");
        }
        json.append("\"revision\":").append(revision).append(",\"clock\":").append(clock).append(",\"wall\":").append(wall).append(",\"changes\":[");
        for (int i = 0; i < changes.size(); i++) {
            json.append(i == 0 ? "" : ",").append(changes.get(i).toJson());
        }
        return Records.frame(json.append("]}\n").toString().getBytes(StandardCharsets.UTF_8));
    }

    static StoreRecord decode(String payload) throws JsonException {
        JsonValue json = JsonValue.parse(payload, LIMITS);
        if (json.get("format") != null && json.integer("format") != FORMAT) {
            throw new JsonException("it is of format " + json.integer("format") + ", and this flanneld knows format " + FORMAT);
        }
        List<Change> changes = new ArrayList<>();
        for (JsonValue change : json.list("changes")) {
            changes.add(Change.parse(change));
        }
        return new StoreRecord(json.text("store"), json.integer("revision"), json.integer("clock"), json.integer("wall"), changes);
    }

    boolean isFirst() {
        return !store.isEmpty();
    }
}
