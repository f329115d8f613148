package flannel.lease;

import flannel.fuzz.JsonMutation;
import flannel.fuzz.Mutation;
import flannel.fuzz.Target;
import flannel.json.JsonException;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.List;
import java.util.Set;

/** Spoiled network configs, values of leases, their names, and addresses. */
public final class LeaseFuzz {

    private static final int LONGEST_VALUE = 1_200;

    private LeaseFuzz() {
    }

    public static List<Target> targets() {
        return List.of(
                new Target("network config", Target.texts(
                "{\"Network\":\"10.1.0.0/16\",\"SubnetLen\":24,\"SubnetMin\":\"10.1.10.0\",\"SubnetMax\":\"10.1.99.0\","
                                + "\"Backend\":{\"Type\":\"vxlan\",\"VNI\":1,"
                                + "\"Port\":8472,\"DirectRouting\":true,\"GBP\":false,\"MTU\":1500,\"RouteTableID\":[\"rtb-1\","
                                        + "\"rtb-2\"]}}",
                        "{\"Network\":\"10.0.0.0/8\"}", "{\n  \"network\": \"172.16.0.0/12\",\n  \"Backend\": {\"Type\": \"UDP\","
                                + " \"Port\": 8285}\n}"),
                        JsonMutation::mutate, Set.of(IllegalArgumentException.class), (input, dice) -> config(Target.text(input))),
                new Target("value of a lease", Target.texts(
                        "{\"PublicIP\":\"192.168.32.211\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"6a:c2:56:ce:ab:ac\"},"
                        + "\"Node\":\"5d1e0c2b9a7f4e63\"}",
                        "{\"PublicIP\":\"192.168.32.212\"}", "{\"PublicIP\":\"10.0.0.1\",\"publicip\":\"10.0.0.2\","
                                + "\"BackendType\":\"host-gw\",\"BackendData\":null}"),
                        JsonMutation::mutate, Set.of(JsonException.class), (input, dice) -> value(Target.text(input))),
                new Target("name of a lease", Target.texts("10.1.83.0-24", "10.1.83.0-24&fd00:10:1:83::-64", "10.1.83.0/24",
                        "192.168.32.211", "6a:c2:56:ce:ab:ac"),
                        Mutation::bytes, Set.of(IllegalArgumentException.class), (input, dice) -> name(Target.text(input))));
    }

    private static void config(String text) {
        NetworkConfig config = NetworkConfig.parse(text);
        Ipv4Subnet first = new Ipv4Subnet(config.subnetMin(), config.subnetLength());
        Ipv4Subnet last = new Ipv4Subnet(config.subnetMax(), config.subnetLength());
        if (!config.network().contains(first) || !config.network().contains(last) || !config.allows(first) || !config.allows(last)
                || config.network().prefixLength() == 0 || !config.network().base().isUnicast()) {
            throw new AssertionError("gives out from " + first + " to " + last + ", not all of them in " + config.network());
        }
        config.backendInteger("VNI", 1, 0, (1 << 24) - 1);
        config.backendFlag("DirectRouting", false);
        config.backendText("Type", "udp");
        config.backendTexts("RouteTableID");
    }

    private static void value(String text) throws JsonException {
        LeaseAttributes attributes = LeaseAttributes.parse(text);
        String written = attributes.toJson();
        if (written.length() > LONGEST_VALUE) {
            throw new AssertionError("keeps " + written.length() + " characters");
        }
        Target.same(attributes, LeaseAttributes.parse(written));
        attributes.backendText("VtepMAC");
    }

    private static void name(String text) {
        LeaseKey key = new LeaseKey(text);
        key.subnet().ifPresent(subnet -> Target.same(subnet, Ipv4Subnet.parseKey(subnet.toKey())));
        if (key.isPlain() != key.subnet().isPresent() && text.indexOf('&') < 0 && key.subnet().get().toKey().equals(text)) {
            throw new AssertionError("plain or not");
        }
        switch (text.length() % 3) {
            case 0 -> Target.same(Ipv4Subnet.parse(text), Ipv4Subnet.parse(Ipv4Subnet.parse(text).toString()));
            case 1 -> Target.same(Ipv4.parse(text), Ipv4.parse(Ipv4.parse(text).toString()));
            default -> Target.same(MacAddress.parse(text), MacAddress.parse(MacAddress.parse(text).toString()));
        }
    }
}
