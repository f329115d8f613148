package flannel.json;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A JSON value (RFC 8259). {@link #toString} writes it compactly, members in the order they were read or put.
 *
 * <p>The lenient getters ({@link #get}, {@link #text(String)}, {@link #integer}) answer an absent member with null, "" or 0:
 * protobuf's JSON mapping leaves zero values out and writes 64-bit integers as strings.
 */
public sealed interface JsonValue {

    /** An object; when a name came twice, the last one counts. */
    record Obj(Map<String, JsonValue> members) implements JsonValue {
        @Override
        public String toString() {
            return write(this);
        }
    }

    record Arr(List<JsonValue> elements) implements JsonValue {
        @Override
        public String toString() {
            return write(this);
        }
    }

    record Str(String value) implements JsonValue {
        @Override
        public String toString() {
            return write(this);
        }
    }

    /** A number, kept as it was written so that no digit is lost. */
    record Num(String literal) implements JsonValue {
        @Override
        public String toString() {
            return literal;
        }
    }

    record Bool(boolean value) implements JsonValue {
        @Override
        public String toString() {
            return Boolean.toString(value);
        }
    }

    record Null() implements JsonValue {
        @Override
        public String toString() {
            return "null";
        }
    }

    /** What {@link JsonParser} has read over because it is too large, and how many bytes that was. Written as {@code null}. */
    record Omitted(long bytes) implements JsonValue {
        @Override
        public String toString() {
            return "null";
        }
    }

    /** Reads exactly one value; anything but white space behind it is an error. */
    static JsonValue parse(String text) throws JsonException {
        return parse(text, JsonLimits.TEXT);
    }

    /** Reads exactly one value that is no larger than the limits. */
    static JsonValue parse(String text, JsonLimits limits) throws JsonException {
        if (text.length() > limits.bytes()) {
            throw new JsonException("more than " + limits.bytes() + " bytes in one value");
        }
        JsonParser parser = new JsonParser(text.getBytes(StandardCharsets.UTF_8), limits);
        try {
            JsonValue value = parser.next();
            if (value == null) {
                throw new JsonException("empty text is not JSON");
            }
            if (!parser.atEnd()) {
                throw new JsonException("more text behind the JSON value");
            }
            return value;
        } catch (JsonException e) {
            throw e;
        } catch (IOException e) {
            throw new UncheckedIOException("reading from memory", e);
        }
    }

    /** An object of the given members: name, value, name, value; a value is a JsonValue, String, Number, Boolean or null (left out). */
    static Obj object(Object... namesAndValues) {
        Map<String, JsonValue> members = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            if (namesAndValues[i + 1] != null) {
                members.put((String) namesAndValues[i], of(namesAndValues[i + 1]));
            }
        }
        return new Obj(members);
    }

    private static JsonValue of(Object value) {
        return switch (value) {
            case JsonValue json -> json;
            case String text -> new Str(text);
            case Boolean bool -> new Bool(bool);
            case Number number -> new Num(number.toString());
            case List<?> list -> new Arr(list.stream().map(JsonValue::of).toList());
            default -> throw new IllegalArgumentException("no JSON form of " + value.getClass());
        };
    }

    /** The member of that name, or null when this is no object or has none. */
    default JsonValue get(String name) {
        return this instanceof Obj(Map<String, JsonValue> members) ? members.get(name) : null;
    }

    /** The elements of the member of that name; empty when it is absent or no array. */
    default List<JsonValue> list(String name) {
        return get(name) instanceof Arr(List<JsonValue> elements) ? elements : List.of();
    }

    /** The string member of that name; "" when it is absent or no string. */
    default String text(String name) {
        return get(name) instanceof Str(String value) ? value : "";
    }

    /** The integer member of that name, written as a number or as a string; 0 when it is absent or not a 64-bit integer. */
    default long integer(String name) {
        String literal = switch (get(name)) {
            case Num number -> number.literal();
            case Str string -> string.value();
            case null, default -> "0";
        };
        try {
            return Long.parseLong(literal);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    /** True when the member of that name is {@code true}. */
    default boolean isTrue(String name) {
        return get(name) instanceof Bool(boolean value) && value;
    }

    private static String write(JsonValue value) {
        StringBuilder out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    private static void write(JsonValue value, StringBuilder out) {
        switch (value) {
            case Obj(Map<String, JsonValue> members) -> {
                out.append('{');
                for (Iterator<Map.Entry<String, JsonValue>> it = members.entrySet().iterator(); it.hasNext();) {
                    Map.Entry<String, JsonValue> member = it.next();
                    quote(member.getKey(), out);
                    out.append(':');
                    write(member.getValue(), out);
                    if (it.hasNext()) {
                        out.append(',');
                    }
                }
                out.append('}');
            }
            case Arr(List<JsonValue> elements) -> {
                out.append('[');
                for (int i = 0; i < elements.size(); i++) {
                    if (i > 0) {
                        out.append(',');
                    }
                    write(elements.get(i), out);
                }
                out.append(']');
            }
            case Str(String text) -> quote(text, out);
            case Num number -> out.append(number.literal());
            case Bool bool -> out.append(bool.value());
            case Null ignored -> out.append("null");
            case Omitted ignored -> out.append("null");
        }
    }

    private static void quote(String text, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"', '\\' -> out.append('\\').append(c);
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                default -> {
                    if (c < 0x20 || Character.isSurrogate(c) && !isPaired(text, i)) {
                        out.append("\\u").append(Character.forDigit(c >> 12, 16)).append(Character.forDigit(c >> 8 & 15, 16))
                                .append(Character.forDigit(c >> 4 & 15, 16)).append(Character.forDigit(c & 15, 16));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }

    private static boolean isPaired(String text, int i) {
        char c = text.charAt(i);
        return Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))
                || Character.isLowSurrogate(c) && i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
    }
}
