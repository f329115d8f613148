package flannel.json;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads JSON values one after another from a stream of UTF-8, with or without white space between them (etcd's gateway
 * puts none between the messages of a watch before 3.3.21). Never reads ahead of a value's last byte further than the
 * stream has bytes at hand, so a value is handed out as soon as it has arrived.
 *
 * <p>Holds no more than its limits allow, whatever the stream brings. From a stream, a string that does not fit and what is nested too deep
 * are read over and stand as {@link JsonValue.Omitted} where they were; in a text they are refused, as all else that is too large always is.
 */
public final class JsonParser {

    /** Takes the elements of long arrays one by one. */
    public interface Elements {

        /**
         * An array begins. Its elements come one by one if this answers true; else they stay in the value, whose limits count them.
         *
         * @param before the object that it is a member of, as far as it has been read
         */
        default boolean begin(JsonValue before) {
            return true;
        }

        void element(JsonValue value);
    }

    private static final int END = -1;

    private final InputStream in;
    private final JsonLimits limits;
    /** Names of the members that are read; null for all. */
    private final Set<String> wanted;
    /** Whether what is too large may be left out. */
    private final boolean omits;
    private final byte[] buffer;
    private int position;
    private int limit;
    private long consumed;
    private long start;
    private byte[] text = new byte[128];
    private int textBytes;
    private int values;
    private int handedOut;
    private int handedOutTextBytes;
    /** Name of the arrays that are handed out element by element; null for none. */
    private String member;
    private Elements elements;

    public JsonParser(InputStream in, JsonLimits limits) {
        this(in, limits, null);
    }

    /** @param wanted names of the members that are read, at every depth; all others are read over and count for no limit but the length */
    public JsonParser(InputStream in, JsonLimits limits, Set<String> wanted) {
        this.in = in;
        this.limits = limits;
        this.wanted = wanted;
        this.omits = true;
        this.buffer = new byte[8192];
    }

    /** Reads from memory. */
    JsonParser(byte[] json, JsonLimits limits) {
        this.in = InputStream.nullInputStream();
        this.limits = limits;
        this.wanted = null;
        this.omits = false;
        this.buffer = json;
        this.limit = json.length;
    }

    /**
     * The next value, or null at the end of the stream.
     *
     * @throws JsonException when the text is not JSON, ends within a value, or is too large
     */
    public JsonValue next() throws IOException {
        start = offset();
        values = 0;
        textBytes = 0;
        handedOut = 0;
        handedOutTextBytes = 0;
        skipSpace();
        return peek() == END ? null : value(0);
    }

    /**
     * The next value, without the elements of the arrays that are members of the given name: these go to {@code sink}, innermost first, as
     * soon as each has been read, so that a long list need not fit into memory.
     */
    public JsonValue next(String member, Elements sink) throws IOException {
        this.member = member;
        this.elements = sink;
        try {
            return next();
        } finally {
            this.member = null;
            this.elements = null;
        }
    }

    /** True when nothing but white space is left. */
    boolean atEnd() throws IOException {
        skipSpace();
        return peek() == END;
    }

    private JsonValue value(int depth) throws IOException {
        if (++values > limits.values()) {
            throw tooLarge("more than " + limits.values() + " values in one");
        }
        int c = peek();
        return switch (c) {
            case '{', '[' -> {
                if (depth < limits.depth()) {
                    yield c == '{' ? object(depth) : array(depth, false);
                }
                if (!omits) {
                    throw tooLarge("nested deeper than " + limits.depth());
                }
                yield passOver();
            }
            case '"' -> string();
            case 't' -> literal("true", new JsonValue.Bool(true));
            case 'f' -> literal("false", new JsonValue.Bool(false));
            case 'n' -> literal("null", new JsonValue.Null());
            default -> {
                if (c == '-' || c >= '0' && c <= '9') {
                    yield number();
                }
                throw unexpected("a value");
            }
        };
    }

    private JsonValue object(int depth) throws IOException {
        read();
        Map<String, JsonValue> members = new LinkedHashMap<>();
        skipSpace();
        if (peek() == '}') {
            read();
            return new JsonValue.Obj(members);
        }
        while (true) {
            skipSpace();
            if (peek() != '"') {
                throw unexpected("a member's name");
            }
            int textBytesBefore = textBytes;
            if (!(string() instanceof JsonValue.Str(String name))) {
                throw tooLarge("a name of more than " + limits.stringBytes() + " bytes");
            }
            skipSpace();
            expect(':');
            skipSpace();
            if (wanted != null && !wanted.contains(name)) {
                textBytes = textBytesBefore;
                pass();
            } else {
                boolean handOut = name.equals(member) && peek() == '[' && depth + 1 < limits.depth()
                        && elements.begin(new JsonValue.Obj(members));
                members.put(name, handOut ? array(depth + 1, true) : value(depth + 1));
            }
            skipSpace();
            if (peek() == '}') {
                read();
                return new JsonValue.Obj(members);
            }
            expect(',');
        }
    }

    private JsonValue array(int depth, boolean handOut) throws IOException {
        read();
        List<JsonValue> kept = new ArrayList<>();
        skipSpace();
        if (peek() == ']') {
            read();
            return new JsonValue.Arr(kept);
        }
        while (true) {
            skipSpace();
            if (handOut) {
                handOut(depth + 1);
            } else {
                kept.add(value(depth + 1));
            }
            skipSpace();
            if (peek() == ']') {
                read();
                return new JsonValue.Arr(kept);
            }
            expect(',');
        }
    }

    /** Reads an element, which has limits of its own, and hands it out. */
    private void handOut(int depth) throws IOException {
        if (++handedOut > limits.elements()) {
            throw tooLarge("more than " + limits.elements() + " elements of \"" + member + "\"");
        }
        int valuesOutside = values;
        int textBytesOutside = textBytes;
        values = 0;
        textBytes = 0;
        JsonValue element = value(depth);
        handedOutTextBytes += textBytes;
        if (handedOutTextBytes > limits.elementsTextBytes()) {
            throw tooLarge("more than " + limits.elementsTextBytes() + " bytes of text in the elements of \"" + member + "\"");
        }
        elements.element(element);
        values = valuesOutside;
        textBytes = textBytesOutside;
    }

    /** Reads over a value of any kind. */
    private void pass() throws IOException {
        if (peek() == '{' || peek() == '[') {
            passOver();
            return;
        }
        int valuesBefore = values;
        int textBytesBefore = textBytes;
        values = 0;
        textBytes = 0;
        value(0);
        values = valuesBefore;
        textBytes = textBytesBefore;
    }

    /** Reads over an array or object without recursion, heeding nothing but its brackets and strings. */
    private JsonValue.Omitted passOver() throws IOException {
        long from = offset();
        long open = 0;
        boolean quoted = false;
        do {
            int c = read();
            if (c == END) {
                throw unexpected("the end of an array or object");
            } else if (c == '\\' && quoted) {
                read();
            } else if (c == '"') {
                quoted = !quoted;
            } else if (!quoted && (c == '{' || c == '[')) {
                open++;
            } else if (!quoted && (c == '}' || c == ']')) {
                open--;
            }
        } while (open > 0);
        return new JsonValue.Omitted(offset() - from);
    }

    private JsonValue literal(String word, JsonValue value) throws IOException {
        for (int i = 0; i < word.length(); i++) {
            expect(word.charAt(i));
        }
        return value;
    }

    private JsonValue number() throws IOException {
        StringBuilder literal = new StringBuilder();
        if (peek() == '-') {
            literal.append((char) read());
        }
        boolean leadingZero = peek() == '0';
        if (digits(literal) > 1 && leadingZero) {
            throw new JsonException("a number with a leading zero at byte " + offset());
        }
        if (peek() == '.') {
            literal.append((char) read());
            digits(literal);
        }
        if (peek() == 'e' || peek() == 'E') {
            literal.append((char) read());
            if (peek() == '+' || peek() == '-') {
                literal.append((char) read());
            }
            digits(literal);
        }
        count(literal.length());
        return new JsonValue.Num(literal.toString());
    }

    private int digits(StringBuilder literal) throws IOException {
        int count = 0;
        while (peek() >= '0' && peek() <= '9') {
            if (literal.length() == limits.stringBytes()) {
                throw tooLarge("a number of more than " + limits.stringBytes() + " digits");
            }
            literal.append((char) read());
            count++;
        }
        if (count == 0) {
            throw unexpected("a digit");
        }
        return count;
    }

    /** A {@code Str}, or {@code Omitted} when it does not fit. */
    private JsonValue string() throws IOException {
        read();
        long dropped = 0;
        int length = 0;
        while (true) {
            int c = read();
            if (c == '"' && dropped > 0) {
                return new JsonValue.Omitted(dropped + length);
            }
            if (c == '"') {
                count(length);
                return new JsonValue.Str(new String(text, 0, length, StandardCharsets.UTF_8));
            }
            if (c == END || c < 0x20) {
                throw new JsonException("a string that does not end at byte " + offset());
            }
            if (length + 4 > text.length) {
                text = Arrays.copyOf(text, text.length * 2);
            }
            if (c == '\\') {
                length = escape(length);
            } else {
                text[length++] = (byte) c;
            }
            if (length > limits.stringBytes()) {
                if (!omits) {
                    throw tooLarge("a string of more than " + limits.stringBytes() + " bytes");
                }
                dropped += length;
                length = 0;
            }
        }
    }

    private int escape(int length) throws IOException {
        int c = read();
        int plain = switch (c) {
            case '"', '\\', '/' -> c;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'u' -> 0;
            default -> throw new JsonException("an unknown escape at byte " + offset());
        };
        if (c != 'u') {
            text[length] = (byte) plain;
            return length + 1;
        }
        int codePoint = hex4();
        if (Character.isHighSurrogate((char) codePoint) && peek() == '\\') {
            read();
            expect('u');
            int low = hex4();
            if (!Character.isLowSurrogate((char) low)) {
                throw new JsonException("half a surrogate pair at byte " + offset());
            }
            codePoint = Character.toCodePoint((char) codePoint, (char) low);
        }
        // a lone surrogate becomes U+FFFD, as in Go's decoder
        byte[] encoded = (codePoint >= 0xD800 && codePoint < 0xE000 ? "\uFFFD" : Character.toString(codePoint))
                .getBytes(StandardCharsets.UTF_8);
        System.arraycopy(encoded, 0, text, length, encoded.length);
        return length + encoded.length;
    }

    private int hex4() throws IOException {
        int value = 0;
        for (int i = 0; i < 4; i++) {
            int digit = Character.digit(read(), 16);
            if (digit < 0) {
                throw new JsonException("a \\u escape without four hexadecimal digits at byte " + offset());
            }
            value = value << 4 | digit;
        }
        return value;
    }

    private void expect(char wanted) throws IOException {
        if (peek() != wanted) {
            throw unexpected("'" + wanted + "'");
        }
        read();
    }

    private JsonException unexpected(String wanted) throws IOException {
        int c = peek();
        String found = c == END ? "the text ends" : c > 0x20 && c < 0x7F ? "'" + (char) c + "' stands" : "byte " + c + " stands";
        return new JsonException(found + " where " + wanted + " should be, at byte " + offset());
    }

    private void count(int moreTextBytes) throws IOException {
        textBytes += moreTextBytes;
        if (textBytes > limits.textBytes()) {
            throw tooLarge("more than " + limits.textBytes() + " bytes of text in one value");
        }
    }

    private JsonException tooLarge(String what) {
        return new JsonException(what + ", at byte " + offset());
    }

    private void skipSpace() throws IOException {
        while (true) {
            int c = peek();
            if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
                return;
            }
            position++;
        }
    }

    private int peek() throws IOException {
        if (position == limit && !fill()) {
            return END;
        }
        return buffer[position] & 255;
    }

    private int read() throws IOException {
        if (position == limit && !fill()) {
            return END;
        }
        return buffer[position++] & 255;
    }

    private boolean fill() throws IOException {
        consumed += limit;
        position = 0;
        limit = 0;
        int count = in.read(buffer, 0, buffer.length);
        if (count <= 0) {
            return false;
        }
        limit = count;
        if (consumed + count - start > limits.bytes()) {
            throw tooLarge("more than " + limits.bytes() + " bytes in one value");
        }
        return true;
    }

    private long offset() {
        return consumed + position;
    }
}
