package flannel.daemon;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseKey;
import flannel.lease.Moment;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a network's store had when this host last heard of it, for a start at which the store can't be asked. As text it is a line of JSON for the
 * network, one for each lease, this host's first, and a line with the SHA-256 of these:
 *
 * <pre>
 *   {"saved":"2026-11-25T10:00:00Z","store":"cdf818194e3a8c32","revision":"124","config":"{...}"}
 *   {"key":"10.1.83.0-24","asOf":"120","end":"2026-11-26T09:00:00Z","value":{"PublicIP":"192.168.32.211",...}}
 *   sha256 9f86d081884c7d65...
 * </pre>
 *
 * @param config JSON text
 * @param at     when that was, by the store's own count
 * @param saved  by this host's clock
 * @param own    this host's lease
 * @param others those of the other hosts
 */
record Remembered(String config, Moment at, Instant saved, Lease own, List<Lease> others) {

    private static final String SUM = "sha256 ";

    /** The same without the leases that have ended by then; empty when this host's own has. */
    Optional<Remembered> asOf(Instant now) {
        return isOver(own, now) ? Optional.empty()
                : Optional.of(new Remembered(config, at, saved, own, others.stream().filter(lease -> !isOver(lease, now)).toList()));
    }

    private boolean isOver(Lease lease, Instant now) {
        return switch (lease.expiry()) {
            case Lease.Never never -> false;
            case Lease.At(Instant end) -> !now.isBefore(end);
            case Lease.Unknown unknown -> !now.isBefore(saved.plus(Lease.TIME_TO_LIVE)); // it was there then, and is renewed within that time
        };
    }

    // ---- as text ----

    /** The text, line by line: of thousands of leases it need not be in memory as a whole. */
    Iterable<String> parts() {
        return () -> new Iterator<>() {

            private final MessageDigest sum = sha256();
            private final Iterator<Lease> leases = Stream.concat(Stream.of(own), others.stream()).iterator();
            private boolean begun;
            private boolean ended;

            @Override
            public boolean hasNext() {
                return !ended;
            }

            @Override
            public String next() {
                if (begun && !leases.hasNext()) {
                    ended = true;
                    return SUM + HexFormat.of().formatHex(sum.digest()) + "\n";
                }
                String line = (begun ? line(leases.next()) : JsonValue.object("saved", saved.toString(), "store", at.store(),
                        "revision", Long.toString(at.revision()), "config", config)) + "\n";
                begun = true;
                sum.update(line.getBytes(StandardCharsets.UTF_8));
                return line;
            }
        };
    }

    private static JsonValue line(Lease lease) {
        return JsonValue.object("key", lease.key().name(), "asOf", Long.toString(lease.asOf()), "end", switch (lease.expiry()) {
            case Lease.Never never -> "never";
            case Lease.At(Instant end) -> end.toString();
            case Lease.Unknown unknown -> null;
        }, "value", lease.attributes().toJsonObject());
    }

    /** Empty when it is not what {@link #parts} writes, whole and unchanged. */
    static Optional<Remembered> parse(String text) {
        int end = text.lastIndexOf(SUM);
        if (end < 0) {
            return Optional.empty();
        }
        if (!text.substring(end).equals(sumOf(text.substring(0, end)))) {
            return Optional.empty();
        }
        try {
            Iterator<String> lines = text.substring(0, end).lines().iterator();
            JsonValue network = JsonValue.parse(lines.next());
            List<Lease> leases = new ArrayList<>();
            while (lines.hasNext()) {
                leases.add(lease(JsonValue.parse(lines.next())));
            }
            return Optional.of(new Remembered(network.text("config"), new Moment(network.text("store"), Long.parseLong(network.text("revision"))),
                    Instant.parse(network.text("saved")), leases.getFirst(), List.copyOf(leases.subList(1, leases.size()))));
        } catch (JsonException | RuntimeException e) {
            return Optional.empty(); // its sum fits: another version's
        }
    }

    /** The last line, for what is before it. */
    static String sumOf(String lines) {
        return SUM + HexFormat.of().formatHex(sha256().digest(lines.getBytes(StandardCharsets.UTF_8))) + "\n";
    }

    private static Lease lease(JsonValue line) throws JsonException {
        LeaseKey key = new LeaseKey(line.text("key"));
        Lease.Expiry expiry = switch (line.text("end")) {
            case "never" -> new Lease.Never();
            case "" -> new Lease.Unknown();
            case String end -> new Lease.At(Instant.parse(end));
        };
        return new Lease(key, key.subnet().orElseThrow(), LeaseAttributes.parse(line.get("value").toString()), expiry, Long.parseLong(line.text("asOf")));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // every JDK has it
        }
    }
}
