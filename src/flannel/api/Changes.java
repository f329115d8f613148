package flannel.api;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.lease.Lease;
import flannel.lease.LeaseKey;
import flannel.lease.Moment;
import flannel.lease.StoreEvent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * What a look at the leases tells: all of them, or what has happened since an earlier look.
 *
 * <pre>
 *   {"events":null,"snapshot":[LEASE,...],"cursor":"124"}
 *   {"events":[{"type":"added","lease":LEASE},{"type":"removed","lease":{"Subnet":"10.1.4.0/24",...}}],"snapshot":null,"cursor":"125"}
 * </pre>
 *
 * Without an event it is the whole list, were it empty: so a Go daemon reads it. Our servers tell in {@code store} and {@code revision}
 * when that was by the store's own count; a Go server's cursor is etcd's index.
 *
 * @param snapshot all leases; null when there are events
 * @param events   {@link StoreEvent.Put} and {@link StoreEvent.Gone}; empty when there is a snapshot
 * @param cursor   to ask with for what comes next; letters, digits and dashes
 * @param at       when that was
 */
public record Changes(List<Lease> snapshot, List<StoreEvent> events, String cursor, Moment at) {

    /** The text of the whole list. */
    public static String snapshot(List<Lease> leases, String cursor, Moment at) {
        StringBuilder json = new StringBuilder("{\"events\":null,\"snapshot\":[");
        for (int i = 0; i < leases.size(); i++) {
            json.append(i == 0 ? "" : ",").append(Messages.lease(leases.get(i)));
        }
        return end(json.append(']'), cursor, at);
    }

    /** The text of changes, each as {@link #added} or {@link #removed} gives it. */
    public static String events(List<String> events, String cursor, Moment at) {
        return end(new StringBuilder("{\"events\":[").append(String.join(",", events)).append("],\"snapshot\":null"), cursor, at);
    }

    static String end(StringBuilder json, String cursor, Moment at) {
        return json.append(",\"cursor\":\"").append(cursor).append("\",\"store\":\"").append(at.store()).append("\",\"revision\":")
                .append(at.revision()).append('}').toString();
    }

    public static String added(JsonValue lease) {
        return JsonValue.object("type", "added", "lease", lease).toString();
    }

    public static String removed(Lease lease) {
        return JsonValue.object("type", "removed", "lease", JsonValue.object("Subnet", lease.subnet().toString(),
                "Attrs", JsonValue.object("PublicIP", "0.0.0.0"), "Expiration", "0001-01-01T00:00:00Z")).toString();
    }

    /**
     * Reads an answer.
     *
     * @param ahead how far this host's clock is ahead of the server's
     */
    public static Changes parse(String json, Duration ahead) throws JsonException {
        JsonValue value = Messages.object(json, Messages.LIST);
        String cursor = cursor(value);
        Moment at = moment(value, cursor);
        List<StoreEvent> events = new ArrayList<>();
        for (JsonValue event : value.list("events")) {
            events.add(event(event, at.revision(), ahead));
        }
        List<Lease> snapshot = new ArrayList<>();
        for (JsonValue lease : value.list("snapshot")) {
            snapshot.add(Messages.lease(lease, at.revision(), ahead));
        }
        return new Changes(events.isEmpty() ? snapshot : null, events, cursor, at);
    }

    static String cursor(JsonValue answer) throws JsonException {
        String cursor = answer.text("cursor");
        if (!cursor.matches("[A-Za-z0-9-]{1,100}")) {
            throw new JsonException("no cursor");
        }
        return cursor;
    }

    /** When an answer was, by the store's own count. */
    static Moment moment(JsonValue answer, String cursor) throws JsonException {
        boolean ours = answer.get("revision") != null;
        if (!ours && !cursor.matches("\\d{1,18}")) {
            throw new JsonException("cursor \"" + cursor + "\" is no etcd index, and there is no revision beside it");
        }
        return ours ? new Moment(answer.text("store"), answer.integer("revision")) : new Moment("", Long.parseLong(cursor));
    }

    private static StoreEvent event(JsonValue event, long asOf, Duration ahead) throws JsonException {
        JsonValue lease = event.get("lease");
        if (lease == null) {
            throw new JsonException("an event without a lease");
        }
        return switch (event.text("type")) {
            case "added" -> new StoreEvent.Put(Messages.lease(lease, asOf, ahead));
            case "removed" -> new StoreEvent.Gone(LeaseKey.of(Messages.subnet(lease)));
            default -> throw new JsonException("an event of type \"" + event.text("type") + "\"");
        };
    }
}
