package flannel.api;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.NetworkConfig;
import flannel.lease.NetworkContents;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A network in a file, for moving it: {@code {"format":1,"config":{...},"leases":[LEASE,...]}}, with leases as {@link Messages} has them. What
 * is no lease is left out.
 */
public final class NetworkDump {

    private static final int FORMAT = 1;

    private NetworkDump() {
    }

    /** One lease a line. */
    public static String toJson(NetworkContents contents) throws JsonException {
        StringBuilder json = new StringBuilder("{\"format\":" + FORMAT + ",\"config\":" + JsonValue.parse(contents.config()) + ",\"leases\":[");
        List<Lease> leases = contents.leases().stream().filter(lease -> lease.key().isPlain()).toList();
        for (int i = 0; i < leases.size(); i++) {
            json.append(i == 0 ? "\n" : ",\n").append(Messages.lease(leases.get(i)));
        }
        return json.append("\n]}\n").toString();
    }

    public static NetworkContents parse(String text) throws JsonException {
        JsonValue json = Messages.object(text, Messages.LIST);
        if (json.integer("format") != FORMAT || json.get("config") == null) {
            throw new JsonException("it has no config, or is of another format than " + FORMAT);
        }
        String config = json.get("config").toString();
        try {
            NetworkConfig.parse(config);
        } catch (IllegalArgumentException e) {
            throw new JsonException("config: " + e.getMessage());
        }
        List<Entry> leases = new ArrayList<>();
        for (JsonValue lease : json.list("leases")) {
            leases.add(Messages.lease(lease, 0, Duration.ZERO));
        }
        return new NetworkContents(config, leases);
    }
}
