package flannel.api;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.lease.Moment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * What a look at the networks of a server tells: all of them, or what has happened since an earlier look.
 *
 * <pre>
 *   {"events":null,"snapshot":["blue","green"],"cursor":"124"}
 *   {"events":[{"type":"added","network":"pink"}],"snapshot":null,"cursor":"125"}
 * </pre>
 *
 * Ours always tells all of them; beside an event's network a Go server writes an empty lease. For the rest see {@link Changes}.
 *
 * @param snapshot the names of all networks; null when there are events
 * @param cursor   to ask with for what comes next; letters, digits and dashes
 * @param at       when that was
 */
public record NetworkChanges(List<String> snapshot, List<Event> events, String cursor, Moment at) {

    /** @param added else removed */
    public record Event(String network, boolean added) {
    }

    public static String snapshot(Collection<String> networks, String cursor, Moment at) {
        JsonValue names = new JsonValue.Arr(networks.stream().map(name -> (JsonValue) new JsonValue.Str(name)).toList());
        return Changes.end(new StringBuilder("{\"events\":null,\"snapshot\":").append(names), cursor, at);
    }

    public static NetworkChanges parse(String json) throws JsonException {
        JsonValue value = Messages.object(json, Messages.LIST);
        String cursor = Changes.cursor(value);
        List<Event> events = new ArrayList<>();
        for (JsonValue event : value.list("events")) {
            String type = event.text("type");
            if (event.text("network").isEmpty() || !List.of("added", "removed").contains(type)) {
                throw new JsonException("an event of type \"" + type + "\" of network \"" + event.text("network") + "\"");
            }
            events.add(new Event(event.text("network"), type.equals("added")));
        }
        List<String> snapshot = value.list("snapshot").stream().map(name -> name instanceof JsonValue.Str(String text) ? text : name.toString())
                .toList();
        return new NetworkChanges(events.isEmpty() ? snapshot : null, events, cursor, Changes.moment(value, cursor));
    }
}
