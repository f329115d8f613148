package flannel.api;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.lease.LeaseAttributes;
import flannel.lease.NetworkConfig;
import flannel.lease.SubnetStore.Holder;
import flannel.lease.SubnetStore.Wish;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A host's wish for a subnet: its attributes, as a Go daemon tells them, and beside them what else our daemons know.
 *
 * <pre>{"PublicIP":"192.168.32.211",...,"Previous":"10.1.5.0/24","Avoid":["10.1.6.0/24"],"Strangers":[{"PublicIP":"…","Node":"…"}]}</pre>
 */
public final class LeaseRequest {

    private LeaseRequest() {
    }

    public static String toJson(Wish wish) {
        Map<String, JsonValue> members = new LinkedHashMap<>(wish.attributes().toJsonObject().members());
        members.putAll(JsonValue.object("Previous", wish.previous() == null ? null : wish.previous().toString(),
                "Avoid", wish.avoid().isEmpty() ? null : wish.avoid().stream().map(Ipv4Subnet::toString).sorted().toList(),
                "Strangers", wish.strangers().isEmpty() ? null : wish.strangers().stream().map(stranger -> JsonValue.object("PublicIP",
                        stranger.publicIp().toString(), "Node", stranger.mark())).toList()).members());
        return new JsonValue.Obj(members).toString();
    }

    /** @param config of the network that the subnet is asked of */
    public static Wish parse(String json, NetworkConfig config) throws JsonException {
        JsonValue.Obj value = (JsonValue.Obj) Messages.object(json, Messages.REQUEST);
        Map<String, JsonValue> attributes = new LinkedHashMap<>(value.members());
        attributes.keySet().removeAll(List.of("Previous", "Avoid", "Strangers"));
        try {
            String previous = value.text("Previous");
            Set<Ipv4Subnet> avoid = new HashSet<>();
            for (JsonValue subnet : value.list("Avoid")) {
                avoid.add(subnet instanceof JsonValue.Str(String text) ? Ipv4Subnet.parse(text) : Ipv4Subnet.parse(subnet.toString()));
            }
            Set<Holder> strangers = new HashSet<>();
            for (JsonValue stranger : value.list("Strangers")) {
                strangers.add(new Holder(Ipv4.parse(stranger.text("PublicIP")), stranger.text("Node")));
            }
            return new Wish(config, LeaseAttributes.parse(new JsonValue.Obj(attributes).toString()),
                    previous.isEmpty() ? null : Ipv4Subnet.parse(previous), strangers, avoid);
        } catch (IllegalArgumentException e) {
            throw new JsonException(e.getMessage());
        }
    }
}
