package flannel.fuzz;

import flannel.json.JsonLimits;
import flannel.json.JsonParser;
import flannel.json.JsonValue;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * Spoils JSON by its structure: a value in place of another kind of value, members that are missing or come twice, numbers and texts at the
 * edges, deep nesting; and what is JSON within a text, in base64 too, as etcd's values are.
 */
public final class JsonMutation {

    private static final List<String> NUMBERS = List.of("0", "-0", "-1", "1", "1.5", "1e3", "1e999", "33", "65536", "2147483648",
            "4294967296",
            "9223372036854775807", "9223372036854775808", "-9223372036854775808", "123456789012345678", "1".repeat(400));

    /** Of networks and of leases: addresses and ranges that nobody may have. */
    private static final List<String> WORDS = List.of("", "0.0.0.0", "0.0.0.0/0", "127.0.0.1", "127.0.0.0/8", "224.0.0.1", "240.0.0.1",
            "255.255.255.255",
            "192.168.32.211", "192.168.32.255", "192.168.32.0/24", "10.1.5.0", "10.1.5.0/24", "10.1.0.0/16", "10.1.5.0-24", "10.1.5.0-33",
                    "10.1.5.0-",
            "10.1.255.255", "10.2.0.0/24", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "02:00:00:00:00:01", "vxlan",
                    "VXLAN", "host-gw",
            "udp", "alloc", "none", "DELETE", "PUT", "delete", "expire", "-9223372036854775808", "9223372036854775807", "\u0000",
                    "\ud800", "\u202e", "é", "{}", "[]", "null");

    private JsonMutation() {
    }

    /** For {@link Target}. */
    public static byte[] mutate(List<byte[]> samples, RandomGenerator dice) {
        byte[] sample = Mutation.any(samples, dice);
        if (dice.nextInt(5) == 0) {
            return Mutation.bytes(samples, dice);
        }
        byte[] input = spoil(sample, 4 + dice.nextInt(20), dice);
        return dice.nextInt(5) == 0 ? Mutation.change(input, samples, dice) : input;
    }

    /** A text of one or several values; one in so many values becomes another. */
    private static byte[] spoil(byte[] text, int rate, RandomGenerator dice) {
        StringBuilder out = new StringBuilder();
        try {
            JsonParser parser = new JsonParser(new ByteArrayInputStream(text), JsonLimits.ANSWER);
            for (JsonValue value = parser.next(); value != null; value = parser.next()) {
                write(value, rate, out, dice);
            }
        } catch (IOException e) {
            return Mutation.bytes(List.of(text), dice);
        }
        return out.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void write(JsonValue value, int rate, StringBuilder out, RandomGenerator dice) {
        if (dice.nextInt(rate) == 0) {
            odd(value, rate, out, dice);
            return;
        }
        switch (value) {
            case JsonValue.Obj(Map<String, JsonValue> members) -> {
                List<String> written = new ArrayList<>();
                for (Map.Entry<String, JsonValue> member : members.entrySet()) {
                    for (int times = dice.nextInt(2 * rate); times <= 2 * rate; times += 2 * rate) { // once; rarely twice or not at all
                        StringBuilder one = new StringBuilder();
                        one.append(new JsonValue.Str(dice.nextInt(3 * rate) == 0 ? word(member.getKey(), dice)
                                : member.getKey())).append(':');
                        write(member.getValue(), rate, one, dice);
                        if (dice.nextInt(2 * rate) > 0) {
                            written.add(one.toString());
                        }
                    }
                }
                out.append('{').append(String.join(dice.nextInt(3 * rate) == 0 ? Mutation.word(dice) : ",", written)).append('}');
            }
            case JsonValue.Arr(List<JsonValue> elements) -> {
                out.append('[');
                int times = dice.nextInt(2 * rate) == 0 ? dice.nextInt(40) : 1;
                for (int i = 0; i < times * elements.size(); i++) {
                    out.append(i == 0 ? "" : ",");
                    write(elements.get(i % elements.size()), rate, out, dice);
                }
                out.append(']');
            }
            case JsonValue.Str(String text) -> out.append(new JsonValue.Str(within(text, rate, dice)));
            default -> out.append(value);
        }
    }

    private static void odd(JsonValue value, int rate, StringBuilder out, RandomGenerator dice) {
        switch (dice.nextInt(9)) {
            case 0, 1 -> out.append(NUMBERS.get(dice.nextInt(NUMBERS.size())));
            case 2, 3 -> out.append(new JsonValue.Str(WORDS.get(dice.nextInt(WORDS.size()))));
            case 4 -> out.append('"').append(NUMBERS.get(dice.nextInt(NUMBERS.size()))).append('"');
            case 5 -> out.append(List.of("{}", "[]", "null", "true", "false", "\"\"", "").get(dice.nextInt(7)));
            case 6 -> {
                int depth = dice.nextInt(4) == 0 ? 5_000 : dice.nextInt(40);
                boolean object = dice.nextBoolean();
                out.append((object ? "{\"a\":" : "[").repeat(depth)).append(value).append((object ? "}" : "]").repeat(depth));
            }
            case 7 -> out.append('"').append("x".repeat(dice.nextInt(8) == 0 ? 100_000 : dice.nextInt(2_000))).append('"');
            default -> out.append(value instanceof JsonValue.Str(String text) ? new JsonValue.Str(word(text, dice)) : "[" + value + ","
                    + value + "]");
        }
    }

    /** A text that is JSON, or base64 of something, is spoiled within. */
    private static String within(String text, int rate, RandomGenerator dice) {
        if (text.startsWith("{")) {
            return new String(spoil(text.getBytes(StandardCharsets.UTF_8), rate, dice), StandardCharsets.UTF_8);
        }
        if (text.length() < 8 || dice.nextBoolean()) {
            return text;
        }
        try {
            byte[] decoded = Base64.getDecoder().decode(text);
            byte[] other = decoded[0] == '{' ? spoil(decoded, rate, dice)
                    : dice.nextInt(rate) == 0 ? Mutation.change(decoded, List.of(decoded), dice) : decoded;
            return Base64.getEncoder().encodeToString(other);
        } catch (IllegalArgumentException e) {
            return text;
        }
    }

    private static String word(String text, RandomGenerator dice) {
        return dice.nextBoolean() ? text.toUpperCase(Locale.ROOT)
                : Target.text(Mutation.change(text.getBytes(StandardCharsets.UTF_8), Target.texts(WORDS.toArray(String[]::new)), dice));
    }
}
