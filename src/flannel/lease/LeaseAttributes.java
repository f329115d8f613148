package flannel.lease;

import flannel.json.JsonException;
import flannel.json.JsonLimits;
import flannel.json.JsonValue;
import flannel.net.Ipv4;

/**
 * What a lease's value says: the JSON that Go flannels write and read, plus one member of our own that they pass over.
 *
 * <pre>{"PublicIP":"192.168.32.211","BackendType":"vxlan","BackendData":{"VtepMAC":"6a:c2:56:ce:ab:ac"},"Node":"5d1e0c2b9a7f4e63"}</pre>
 *
 * @param publicIp    where the other hosts reach this one
 * @param backendType "vxlan" or "host-gw"; empty for udp and alloc, as in the original
 * @param backendData what the backend tells its peers, as compact JSON: text, for a daemon keeps thousands; null when there is nothing to tell
 * @param node        mark of the host that wrote the lease; empty when a Go flannel did
 */
public record LeaseAttributes(Ipv4 publicIp, String backendType, String backendData, String node) {

    /** A lease's value has one or two hundred bytes and some ten members. What it says is kept, for thousands of leases. */
    private static final JsonLimits LIMITS = new JsonLimits(8, 64, 256, 512, 0, 0, 512);

    /**
     * Reads a lease's value. Names of members count whatever their case, as in Go's decoder; those it does not know are passed over.
     *
     * @throws JsonException when it is not a JSON object of the size of a lease, or has no PublicIP
     */
    public static LeaseAttributes parse(String json) throws JsonException {
        if (!(JsonValue.parse(json, LIMITS) instanceof JsonValue.Obj value)) {
            throw new JsonException("a lease's value must be a JSON object");
        }
        JsonValue data = NetworkConfig.member(value, "BackendData");
        String type = text(value, "BackendType");
        String backendData = data == null ? "" : data.toString();
        String node = text(value, "Node");
        if (!isAscii(type) || !isAscii(backendData) || !isAscii(node)) {
            throw new JsonException("a lease's value has no other characters than ASCII's"); // they would take twice the memory
        }
        try {
            return new LeaseAttributes(Ipv4.parse(text(value, "PublicIP")), type, data == null ? null : backendData, node);
        } catch (IllegalArgumentException e) {
            throw new JsonException("PublicIP: " + e.getMessage());
        }
    }

    private static String text(JsonValue.Obj value, String name) {
        return NetworkConfig.member(value, name) instanceof JsonValue.Str(String text) ? text : "";
    }

    private static boolean isAscii(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) >= 128) {
                return false;
            }
        }
        return true;
    }

    /** A text member of {@link #backendData}; empty when there is none. */
    public String backendText(String name) {
        try {
            return backendData == null ? "" : JsonValue.parse(backendData).text(name);
        } catch (JsonException e) {
            return "";
        }
    }

    /** The value to store, in the member order of the Go daemon, which leaves empty members out. */
    public String toJson() {
        return toJsonObject().toString();
    }

    /** The same, as a part of something larger. */
    public JsonValue.Obj toJsonObject() {
        try {
            return JsonValue.object(
                    "PublicIP", publicIp.toString(),
                    "BackendType", backendType.isEmpty() ? null : backendType,
                    "BackendData", backendData == null ? null : JsonValue.parse(backendData),
                    "Node", node.isEmpty() ? null : node);
        } catch (JsonException e) {
            throw new IllegalStateException("backend data that is not JSON: " + backendData, e);
        }
    }
}
