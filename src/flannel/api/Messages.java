package flannel.api;

import flannel.json.JsonException;
import flannel.json.JsonLimits;
import flannel.json.JsonValue;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.NetworkConfig;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;

/**
 * What a flannel server and its clients say to each other: the JSON of 0.7.1's {@code /v1} (its remote/server.go, subnet/subnet.go), with
 * members of our own that Go's decoder passes over. Pure.
 *
 * <pre>
 *   config        {"Network":"10.1.0.0/16","SubnetMin":"10.1.1.0","SubnetMax":"10.1.255.0","SubnetLen":24,"Backend":{"Type":"vxlan"}}
 *   lease         {"Subnet":"10.1.4.0/24","Attrs":{"PublicIP":"192.168.32.212",...},"Expiration":"2026-11-23T10:23:44.4727Z","AsOf":124}
 *   reservation   {"Subnet":"10.1.9.0/24","PublicIP":"192.168.32.88"}
 *   changes       see {@link Changes}
 * </pre>
 *
 * <p>{@code Expiration} is Go's zero time for a reservation; the member is left out where the end is not known, which Go reads as zero too.
 */
public final class Messages {

    /** For one message of a client: attributes, and the subnets that it would not like to be given. */
    public static final JsonLimits REQUEST = new JsonLimits(8, 50_000, 4_096, 1 << 20, 0, 0, 1 << 20);

    /** The longest list of leases: 12,000 of them, and what a heap of 64 MB can read whatever is in it. */
    public static final int LIST_BYTES = 4 << 20;

    static final JsonLimits LIST = new JsonLimits(8, 200_000, 4_096, LIST_BYTES, 0, 0, LIST_BYTES);

    /** Go's zero time: no expiration. */
    private static final String ZERO_TIME = "0001-01-01T00:00:00Z";

    private static final Duration LONGEST = Duration.ofDays(3_650);

    private Messages() {
    }

    /** A subnet kept for a host. */
    public record Reservation(Ipv4Subnet subnet, Ipv4 publicIp) {

        public JsonValue.Obj toJson() {
            return JsonValue.object("Subnet", subnet.toString(), "PublicIP", publicIp.toString());
        }

        public static Reservation parse(String json) throws JsonException {
            JsonValue value = object(json, REQUEST);
            try {
                return new Reservation(Messages.subnet(value), Ipv4.parse(value.text("PublicIP")));
            } catch (IllegalArgumentException e) {
                throw new JsonException("PublicIP: " + e.getMessage());
            }
        }
    }

    /** A network's configuration with all that follows from it, as 0.7.1 tells it. */
    public static String config(NetworkConfig config) {
        return JsonValue.object("Network", config.network().toString(), "SubnetMin", config.subnetMin().toString(),
                "SubnetMax", config.subnetMax().toString(), "SubnetLen", config.subnetLength(), "Backend", config.backend()).toString();
    }

    public static JsonValue.Obj lease(Lease lease) {
        return lease(lease, lease.expiry());
    }

    /** The same, with another end told. */
    public static JsonValue.Obj lease(Lease lease, Lease.Expiry told) {
        String expiration = switch (told) {
            case Lease.Never never -> ZERO_TIME;
            case Lease.At(Instant end) -> end.toString();
            case Lease.Unknown unknown -> null;
        };
        return JsonValue.object("Subnet", lease.subnet().toString(), "Attrs", lease.attributes().toJsonObject(), "Expiration", expiration,
                "AsOf", lease.asOf());
    }

    /**
     * Reads a lease.
     *
     * @param asOf  for a Go server's, which does not tell
     * @param ahead how far this host's clock is ahead of the server's
     */
    public static Lease lease(JsonValue value, long asOf, Duration ahead) throws JsonException {
        JsonValue attributes = value.get("Attrs");
        if (attributes == null) {
            throw new JsonException("a lease without Attrs");
        }
        return new Lease(subnet(value), LeaseAttributes.parse(attributes.toString()), expiry(value.text("Expiration"), ahead),
                value.get("AsOf") == null ? asOf : value.integer("AsOf"));
    }

    /** Reads a lease that a client holds. */
    public static Lease lease(String json) throws JsonException {
        return lease(object(json, REQUEST), 0, Duration.ZERO);
    }

    private static Lease.Expiry expiry(String text, Duration ahead) throws JsonException {
        if (text.isEmpty()) {
            return new Lease.Unknown();
        }
        try {
            Instant end = OffsetDateTime.parse(text).toInstant();
            Instant latest = Instant.now().plus(LONGEST);
            return text.equals(ZERO_TIME) ? new Lease.Never() : new Lease.At(end.isAfter(latest) ? latest : end.plus(ahead));
        } catch (DateTimeException e) {
            throw new JsonException("Expiration \"" + text + "\" is not a time");
        }
    }

    static Ipv4Subnet subnet(JsonValue value) throws JsonException {
        try {
            return Ipv4Subnet.parse(value.text("Subnet"));
        } catch (IllegalArgumentException e) {
            throw new JsonException("Subnet: " + e.getMessage());
        }
    }

    static JsonValue object(String json, JsonLimits limits) throws JsonException {
        if (JsonValue.parse(json, limits) instanceof JsonValue.Obj object) {
            return object;
        }
        throw new JsonException("not a JSON object");
    }

    /** The reservations among leases. */
    public static JsonValue.Arr reservations(List<Lease> leases) {
        return new JsonValue.Arr(leases.stream().filter(Lease::isReservation)
                .map(lease -> (JsonValue) new Reservation(lease.subnet(), lease.attributes().publicIp()).toJson()).toList());
    }
}
