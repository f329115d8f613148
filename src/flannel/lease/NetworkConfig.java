package flannel.lease;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A network's configuration, as stored under {@code <prefix>/config}. Names of members count whatever their case, as in Go's decoder;
 * unknown ones are passed over with a warning.
 *
 * @param network      the overlay's whole range
 * @param subnetLength prefix length of each host's subnet
 * @param subnetMin    first subnet to hand out; the very first of the network is left out unless it is named here
 * @param subnetMax    last subnet to hand out
 * @param backendType  in lower case; "udp" when the configuration has no Backend
 * @param backend      the member Backend; its Type alone when there is none
 * @param warnings     what is no mistake but probably not what was meant, a sentence each
 */
public record NetworkConfig(Ipv4Subnet network, int subnetLength, Ipv4 subnetMin, Ipv4 subnetMax, String backendType,
        JsonValue.Obj backend, List<String> warnings) {

    /** A subnet needs a gateway's address and a container's beside its own and its broadcast address. */
    private static final int LONGEST_SUBNET = 30;

    private record Unusable(Ipv4Subnet range, String what) {
    }

    /** What no container can have for its address; RFC 6890 and the registry it made. */
    private static final List<Unusable> UNUSABLE = List.of(
            new Unusable(Ipv4Subnet.parse("0.0.0.0/8"), "\"this network\", which is never a destination"),
            new Unusable(Ipv4Subnet.parse("127.0.0.0/8"), "loopback, which never leaves a host"),
            new Unusable(Ipv4Subnet.parse("169.254.0.0/16"), "link-local, which no router passes on"),
            new Unusable(Ipv4Subnet.parse("224.0.0.0/4"), "multicast"),
            new Unusable(Ipv4Subnet.parse("240.0.0.0/4"), "reserved, and broadcast"));

    /** How {@link JsonException} tells where. */
    private static final Pattern OFFSET = Pattern.compile("at byte (\\d{1,9})$");

    /**
     * Reads and validates a configuration.
     *
     * @throws IllegalArgumentException with one sentence that says which member is wrong and why
     */
    public static NetworkConfig parse(String json) {
        JsonValue value;
        try {
            value = JsonValue.parse(json);
        } catch (JsonException e) {
            throw new IllegalArgumentException("it is not JSON: " + inLines(e.getMessage(), json));
        }
        if (!(value instanceof JsonValue.Obj config)) {
            throw new IllegalArgumentException("it is not a JSON object");
        }
        Ipv4Subnet network = network(config);
        int length = subnetLength(config, network);
        int size = 1 << 32 - length;
        Ipv4 min = bound(config, "SubnetMin", network.base().plus(size), network, length);
        Ipv4 max = bound(config, "SubnetMax", network.last().plus(1 - size), network, length);
        if (min.compareTo(max) > 0) {
            throw new IllegalArgumentException("SubnetMin " + min + " is above SubnetMax " + max);
        }
        JsonValue.Obj backend = switch (member(config, "Backend")) {
            case null -> JsonValue.object("Type", "udp");
            case JsonValue.Obj object -> object;
            case JsonValue other -> throw new IllegalArgumentException("Backend must be an object, as in {\"Type\":\"vxlan\"}, not " + other);
        };
        String type = text(backend, "Type").toLowerCase(Locale.ROOT);
        return new NetworkConfig(network, length, min, max, type, backend, ConfigMembers.warnings(config, type, backend));
    }

    /** The parser counts bytes, the writer of a configuration has lines and columns. */
    private static String inLines(String message, String json) {
        Matcher offset = OFFSET.matcher(message);
        if (!offset.find()) {
            return message;
        }
        byte[] bytes = json.getBytes(StandardCharsets.UTF_8);
        String read = new String(bytes, 0, Math.min(bytes.length, Integer.parseInt(offset.group(1))), StandardCharsets.UTF_8);
        int line = 1 + (int) read.chars().filter(c -> c == '\n').count();
        return offset.replaceFirst("in line " + line + ", column " + (read.length() - read.lastIndexOf('\n')));
    }

    /** Whether {@link #parse} would take it. */
    public static boolean isUsable(String json) {
        try {
            parse(json);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static Ipv4Subnet network(JsonValue.Obj config) {
        String text = text(config, "Network");
        if (text.isEmpty()) {
            throw new IllegalArgumentException("it has no Network, as in {\"Network\":\"10.1.0.0/16\"}");
        }
        if (text.indexOf(':') >= 0) {
            throw new IllegalArgumentException("Network " + text + " is IPv6; this daemon's networks are IPv4");
        }
        Ipv4Subnet network;
        try {
            network = Ipv4Subnet.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("Network: " + e.getMessage());
        }
        if (network.prefixLength() == 0) {
            throw new IllegalArgumentException("Network " + network + " is the whole Internet");
        }
        for (Unusable unusable : UNUSABLE) {
            if (unusable.range().overlaps(network)) {
                throw new IllegalArgumentException("Network " + network + (unusable.range().contains(network) ? " is in " : " holds ")
                        + unusable.range() + ", " + unusable.what() + "; choose a private range, as 10.1.0.0/16");
            }
        }
        if (network.prefixLength() >= LONGEST_SUBNET) {
            throw new IllegalArgumentException("Network " + network + " is too small to be divided into subnets");
        }
        return network;
    }

    private static int subnetLength(JsonValue.Obj config, Ipv4Subnet network) {
        int byDefault = network.prefixLength() < 24 ? 24 : network.prefixLength() + 1;
        long length = integer(config, "SubnetLen", byDefault);
        if (length == 0) {
            length = byDefault; // Go's zero value: as if it were not there
        }
        if (length <= network.prefixLength()) {
            throw new IllegalArgumentException("SubnetLen " + length + " must be longer than Network's prefix " + network);
        }
        if (length > LONGEST_SUBNET) {
            throw new IllegalArgumentException("SubnetLen " + length + " must be less than /31: a subnet needs room for containers");
        }
        return (int) length;
    }

    private static Ipv4 bound(JsonValue.Obj config, String name, Ipv4 byDefault, Ipv4Subnet network, int subnetLength) {
        String text = text(config, name);
        if (text.isEmpty()) {
            return byDefault;
        }
        Ipv4 bound;
        try {
            bound = Ipv4.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(name + ": " + e.getMessage());
        }
        if (!network.contains(bound)) {
            throw new IllegalArgumentException(name + " " + bound + " is not in the range of the Network " + network);
        }
        if (!new Ipv4Subnet(bound, subnetLength).base().equals(bound)) {
            throw new IllegalArgumentException(name + " " + bound + " is not on a boundary of SubnetLen " + subnetLength);
        }
        return bound;
    }

    /** True for a subnet that this configuration could have handed out. */
    public boolean allows(Ipv4Subnet subnet) {
        return subnet.prefixLength() == subnetLength && subnet.base().compareTo(subnetMin) >= 0
                && subnet.base().compareTo(subnetMax) <= 0;
    }

    /**
     * A whole number of the member Backend.
     *
     * @throws IllegalArgumentException when it is anything else, or not within the bounds
     */
    public int backendInteger(String name, int byDefault, int min, int max) {
        long value = integer(backend, name, byDefault);
        if (value < min || value > max) {
            throw new IllegalArgumentException("Backend's " + name + " " + value + " is not between " + min + " and " + max);
        }
        return (int) value;
    }

    /** A boolean of the member Backend; {@link IllegalArgumentException} when it is anything else. */
    public boolean backendFlag(String name, boolean byDefault) {
        return switch (member(backend, name)) {
            case null -> byDefault;
            case JsonValue.Bool flag -> flag.value();
            case JsonValue other -> throw new IllegalArgumentException("Backend's " + name + " must be true or false, not " + other);
        };
    }

    /** A string of the member Backend; {@link IllegalArgumentException} when it is anything else. */
    public String backendText(String name, String byDefault) {
        String value = text(backend, name);
        return value.isEmpty() ? byDefault : value;
    }

    /** One string or an array of strings of the member Backend, without empty ones; {@link IllegalArgumentException} when it is anything else. */
    public List<String> backendTexts(String name) {
        List<JsonValue> values = switch (member(backend, name)) {
            case null -> List.of();
            case JsonValue.Arr(List<JsonValue> elements) -> elements;
            case JsonValue one -> List.of(one);
        };
        List<String> texts = new ArrayList<>();
        for (JsonValue value : values) {
            if (!(value instanceof JsonValue.Str(String text))) {
                throw new IllegalArgumentException("Backend's " + name + " must be a string or an array of strings, not " + member(backend, name));
            }
            if (!text.isEmpty()) {
                texts.add(text);
            }
        }
        return texts;
    }

    private static String text(JsonValue.Obj object, String name) {
        return switch (member(object, name)) {
            case null -> "";
            case JsonValue.Str text -> text.value();
            case JsonValue other -> throw new IllegalArgumentException(name + " must be a string, not " + other);
        };
    }

    private static long integer(JsonValue.Obj object, String name, long byDefault) {
        return switch (member(object, name)) {
            case null -> byDefault;
            case JsonValue.Num number when number.literal().matches("-?\\d{1,18}") -> Long.parseLong(number.literal());
            case JsonValue other -> throw new IllegalArgumentException(name + " must be a whole number, not " + other);
        };
    }

    /** The member of that name in any case; null when it is absent or null. */
    static JsonValue member(JsonValue.Obj object, String name) {
        JsonValue found = null;
        String wanted = name.toLowerCase(Locale.ROOT);
        for (var member : object.members().entrySet()) {
            if (member.getKey().toLowerCase(Locale.ROOT).equals(wanted) && !(member.getValue() instanceof JsonValue.Null)) {
                found = member.getValue();
            }
        }
        return found;
    }
}
