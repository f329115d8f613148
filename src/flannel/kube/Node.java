package flannel.kube;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.net.Ipv4Subnet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A node of the cluster, as far as it matters here.
 *
 * @param uid         another when it was deleted and made again
 * @param version     its resourceVersion: counts the changes of the API server's etcd
 * @param subnet      the first IPv4 range of {@code spec.podCIDRs}, or {@code spec.podCIDR}; null when it was given none yet
 * @param annotations those that were read
 */
record Node(String name, String uid, long version, Ipv4Subnet subnet, Map<String, String> annotations) {

    /** Names of the members that {@link #parse} reads, beside the annotations'. */
    static final Set<String> MEMBERS = Set.of("metadata", "name", "uid", "resourceVersion", "annotations", "spec", "podCIDR", "podCIDRs");

    /** @throws JsonException when it is no node */
    static Node parse(JsonValue json) throws JsonException {
        JsonValue metadata = member(json, "metadata");
        String name = metadata.text("name");
        long version = metadata.integer("resourceVersion");
        if (name.isEmpty() || version <= 0) {
            throw new JsonException("a node without a name or a resourceVersion that counts");
        }
        Map<String, String> annotations = new HashMap<>();
        if (metadata.get("annotations") instanceof JsonValue.Obj(Map<String, JsonValue> members)) {
            members.forEach((key, value) -> {
                if (value instanceof JsonValue.Str(String text)) {
                    annotations.put(key, text);
                }
            });
        }
        return new Node(name, metadata.text("uid"), version, subnet(member(json, "spec")), Map.copyOf(annotations));
    }

    private static JsonValue member(JsonValue json, String name) {
        JsonValue member = json.get(name);
        return member == null ? JsonValue.object() : member;
    }

    private static Ipv4Subnet subnet(JsonValue spec) {
        List<JsonValue> ranges = spec.list("podCIDRs");
        return (ranges.isEmpty() ? Stream.of(spec.text("podCIDR")) : ranges.stream().map(range -> range instanceof JsonValue.Str(String text) ? text : ""))
                .flatMap(Node::ipv4).findFirst().orElse(null);
    }

    private static Stream<Ipv4Subnet> ipv4(String range) {
        try {
            return Stream.of(Ipv4Subnet.parse(range));
        } catch (IllegalArgumentException e) {
            return Stream.empty();  // IPv6, or nothing
        }
    }

    /** An annotation; empty when it has none of that name. */
    String annotation(String name) {
        return annotations.getOrDefault(name, "");
    }
}
