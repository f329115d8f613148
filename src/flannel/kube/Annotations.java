package flannel.kube;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseKey;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The annotations of a node in which a flannel says what a lease says elsewhere; their names begin with {@code -kube-annotation-prefix}
 * (flannel 0.7.1, subnet/kube/kube.go, and later pkg/subnet/kube/annotations.go).
 *
 * @param managed     "true" where a flannel runs that goes by the others
 * @param backendData JSON; "null" when the backend has nothing to tell
 * @param overwrite   an address that an operator wants to be told in place of the node's own
 */
record Annotations(String managed, String backendData, String backendType, String publicIp, String overwrite) {

    private static final Pattern PREFIX = Pattern.compile("(?:[a-z0-9_-]+\\.)+[a-z0-9_-]+/(?:[a-z0-9_-]+-)?");

    /** @throws IllegalArgumentException with a sentence when no annotation's name can begin so */
    static Annotations of(String prefix) {
        String slashed = prefix.contains("/") ? prefix : prefix + "/";
        String whole = slashed.endsWith("/") || slashed.endsWith("-") ? slashed : slashed + "-";
        if (whole.length() > 200 || !PREFIX.matcher(whole).matches()) {
            throw new IllegalArgumentException("-kube-annotation-prefix \"" + prefix + "\" is not of the form fqdn/[0-9a-z-_]*, as in"
                    + " flannel.alpha.coreos.com");
        }
        return new Annotations(whole + "kube-subnet-manager", whole + "backend-data", whole + "backend-type", whole + "public-ip",
                whole + "public-ip-overwrite");
    }

    /** Those that are read. */
    Set<String> names() {
        return Set.of(managed, backendData, backendType, publicIp, overwrite);
    }

    /** Those that a flannel writes. */
    Set<String> written() {
        return Set.of(managed, backendData, backendType, publicIp);
    }

    /** What the node has in the list of leases; null for nothing: no flannel runs there, or it was given no range yet. */
    Entry entry(Node node) {
        if (!node.annotation(managed).equals("true") || node.subnet() == null) {
            return null;
        }
        try {
            String data = node.annotation(backendData);
            JsonValue.Obj value = JsonValue.object("PublicIP", node.annotation(publicIp), "BackendType", node.annotation(backendType),
                    "BackendData", data.isEmpty() ? null : JsonValue.parse(data));
            return new Lease(node.subnet(), LeaseAttributes.parse(value.toString()), new Lease.Never(), node.version());
        } catch (JsonException e) {
            return new Entry.Occupied(LeaseKey.of(node.subnet()), "the annotations of node " + node.name() + " are no lease: " + e.getMessage(),
                    node.version());
        }
    }

    /** What the node's annotations have to be for a lease that says this. */
    Map<String, String> wanted(Node node, LeaseAttributes attributes) {
        Map<String, String> wanted = new LinkedHashMap<>();
        wanted.put(backendData, attributes.backendData() == null ? "null" : attributes.backendData());
        wanted.put(backendType, attributes.backendType());
        wanted.put(publicIp, node.annotation(overwrite).isEmpty() ? attributes.publicIp().toString() : node.annotation(overwrite));
        wanted.put(managed, "true");
        return wanted;
    }

    /** Whether the node says all that already. */
    boolean says(Node node, LeaseAttributes attributes) {
        return node.annotations().entrySet().containsAll(wanted(node, attributes).entrySet());
    }
}
