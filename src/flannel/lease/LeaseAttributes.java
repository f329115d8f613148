package flannel.lease;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.net.Ipv4;

/**
 * What a lease's value says: the JSON that Go flannels write and read, plus one member of our own that they pass over.
 *
 * <pre>{"PublicIP":"192.168.32.211","BackendType":"vxlan","BackendData":{"VtepMAC":"6a:c2:56:ce:ab:ac"},"Node":"5d1e0c2b9a7f4e63"}</pre>
 *
 * @param publicIp    where the other hosts reach this one
 * @param backendType "vxlan" or "host-gw"; empty for udp and alloc, as in the original
 * @param backendData what the backend tells its peers; null when there is nothing to tell
 * @param node        mark of the host that wrote the lease; empty when a Go flannel did
 */
public record LeaseAttributes(Ipv4 publicIp, String backendType, JsonValue backendData, String node) {

    /**
     * Reads a lease's value. Members it does not know are passed over.
     *
     * @throws JsonException when it is not a JSON object or has no PublicIP
     */
    public static LeaseAttributes parse(String json) throws JsonException {
        JsonValue value = JsonValue.parse(json);
        if (!(value instanceof JsonValue.Obj)) {
            throw new JsonException("a lease's value must be a JSON object");
        }
        JsonValue data = value.get("BackendData");
        try {
            return new LeaseAttributes(Ipv4.parse(value.text("PublicIP")), value.text("BackendType"),
                    data instanceof JsonValue.Null ? null : data, value.text("Node"));
        } catch (IllegalArgumentException e) {
            throw new JsonException("PublicIP: " + e.getMessage());
        }
    }

    /** The value to store, in the member order of the Go daemon, which leaves empty members out. */
    public String toJson() {
        return JsonValue.object(
                "PublicIP", publicIp.toString(),
                "BackendType", backendType.isEmpty() ? null : backendType,
                "BackendData", backendData,
                "Node", node.isEmpty() ? null : node).toString();
    }
}
