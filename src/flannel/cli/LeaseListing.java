package flannel.cli;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.NetworkContents;
import flannel.log.Printable;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** A network's leases, for people and for programs. What was written by others can steer no terminal. */
record LeaseListing(NetworkContents contents) {

    private static final int LONGEST = 100;

    String table() {
        List<String[]> rows = new ArrayList<>();
        rows.add(new String[] {"SUBNET", "PUBLIC IP", "BACKEND", "ENDS IN"});
        for (Entry entry : contents.entries()) {
            rows.add(switch (entry) {
                case Lease lease -> new String[] {shown(lease.key().name()), lease.attributes().publicIp().toString(),
                        lease.attributes().backendType().isEmpty() ? "-" : shown(lease.attributes().backendType()), end(lease)};
                case Entry.Occupied occupied -> new String[] {shown(occupied.key().name()), "-", "-", "occupied: " + shown(occupied.why())};
            });
        }
        StringBuilder table = new StringBuilder();
        int[] widths = new int[3];
        rows.forEach(row -> {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row[i].length());
            }
        });
        for (String[] row : rows) {
            for (int i = 0; i < widths.length; i++) {
                table.append(row[i]).append(" ".repeat(widths[i] - row[i].length() + 2));
            }
            table.append(row[3]).append('\n');
        }
        return table.toString();
    }

    private static String shown(String text) {
        return Printable.line(text.matches("[\\d.]+-\\d+") ? text.replace('-', '/') : text, LONGEST);
    }

    private static String end(Lease lease) {
        return switch (lease.expiry()) {
            case Lease.Never never -> "reserved";
            case Lease.Unknown unknown -> "unknown";
            case Lease.At(Instant end) -> {
                long minutes = Math.max(0, Duration.between(Instant.now(), end).toMinutes());
                yield minutes < 60 ? minutes + " min" : minutes / 60 + " h " + minutes % 60 + " min";
            }
        };
    }

    /** {@code {"config":{...},"leases":[{"subnet":...,"publicIp":...,"backend":...,"node":...,"reserved":false,"remainingSeconds":86000}],"occupied":[...]}}. */
    String json() throws JsonException {
        List<JsonValue> leases = new ArrayList<>();
        List<JsonValue> occupied = new ArrayList<>();
        for (Entry entry : contents.entries()) {
            switch (entry) {
                case Lease lease -> leases.add(JsonValue.object("key", lease.key().name(), "subnet", lease.subnet().toString(), "publicIp",
                        lease.attributes().publicIp().toString(), "backend", lease.attributes().backendType(), "node", lease.attributes().node(),
                        "reserved", lease.isReservation(), "remainingSeconds", lease.expiry() instanceof Lease.At(Instant end)
                                ? Math.max(0, Duration.between(Instant.now(), end).toSeconds()) : null));
                case Entry.Occupied other -> occupied.add(JsonValue.object("key", other.key().name(), "why", other.why()));
            }
        }
        return JsonValue.object("config", contents.config() == null ? null : JsonValue.parse(contents.config()), "leases", leases,
                "occupied", occupied) + "\n";
    }
}
