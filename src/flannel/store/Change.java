package flannel.store;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.lease.LeaseAttributes;
import flannel.net.Ipv4Subnet;

/** One change of a store. Changes are numbered, from the store's first one on, without a gap. */
sealed interface Change {

    /** Of a lease without an end. */
    long NEVER = Long.MAX_VALUE;

    /** "" is the network without a name. */
    String network();

    long asOf();

    /** A lease is new, or was written again. @param endMillis on the {@link StoreClock}, or {@link #NEVER} */
    record Put(String network, Ipv4Subnet subnet, LeaseAttributes attributes, long endMillis, long asOf) implements Change {
    }

    /** A lease is gone. */
    record Gone(String network, Ipv4Subnet subnet, long asOf) implements Change {
    }

    /** A network has another config. @param text JSON, as it was given */
    record Config(String network, String text, long asOf) implements Change {
    }

    /** {@code {"as":124,"net":"blue","subnet":"10.1.5.0/24","end":86400000,"lease":{"PublicIP":...}}}; without end a reservation. */
    default JsonValue toJson() {
        String net = network().isEmpty() ? null : network();
        return switch (this) {
            case Put put -> JsonValue.object("as", asOf(), "net", net, "subnet", put.subnet().toString(),
                    "end", put.endMillis() == NEVER ? null : put.endMillis(), "lease", put.attributes().toJsonObject());
            case Gone gone -> JsonValue.object("as", asOf(), "net", net, "subnet", gone.subnet().toString());
            case Config config -> JsonValue.object("as", asOf(), "net", net, "config", config.text());
        };
    }

    static Change parse(JsonValue json) throws JsonException {
        long asOf = json.integer("as");
        String network = json.text("net");
        if (json.get("config") != null) {
            return new Config(network, json.text("config"), asOf);
        }
        try {
            Ipv4Subnet subnet = Ipv4Subnet.parse(json.text("subnet"));
            JsonValue lease = json.get("lease");
            return lease == null ? new Gone(network, subnet, asOf) : new Put(network, subnet, LeaseAttributes.parse(lease.toString()),
                    json.get("end") == null ? NEVER : json.integer("end"), asOf);
        } catch (IllegalArgumentException e) {
            throw new JsonException(e.getMessage());
        }
    }
}
