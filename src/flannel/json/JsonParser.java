package flannel.json;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Reads JSON values one after another from a stream of UTF-8, with or without white space between them (etcd's gateway
 * puts none between the messages of a watch before 3.3.21). Never reads ahead of a value's last byte further than the
 * stream has bytes at hand, so a value is handed out as soon as it has arrived.
 */
public final class JsonParser {

    /** Deeper nesting is refused: recursion must not be driven by input. */
    private static final int MAX_DEPTH = 200;

    private static final int END = -1;

    private final InputStream in;
    private final byte[] buffer;
    private int position;
    private int limit;
    private long consumed;
    private byte[] text = new byte[128];
    /** Name of the arrays that are handed out element by element; null for none. */
    private String handedOut;
    private Consumer<JsonValue> elements;

    public JsonParser(InputStream in) {
        this.in = in;
        this.buffer = new byte[8192];
    }

    /** Reads from memory. */
    JsonParser(byte[] json) {
        this.in = InputStream.nullInputStream();
        this.buffer = json;
        this.limit = json.length;
    }

    /**
     * The next value, or null at the end of the stream.
     *
     * @throws JsonException when the text is not JSON or ends within a value
     */
    public JsonValue next() throws IOException {
        skipSpace();
        return peek() == END ? null : value(0);
    }

    /**
     * The next value, without the elements of the arrays that are members of the given name: these go to {@code sink}, innermost first, as
     * soon as each has been read, so that a long list need not fit into memory.
     */
    public JsonValue next(String member, Consumer<JsonValue> sink) throws IOException {
        handedOut = member;
        elements = sink;
        try {
            return next();
        } finally {
            handedOut = null;
            elements = null;
        }
    }

    /** True when nothing but white space is left. */
    boolean atEnd() throws IOException {
        skipSpace();
        return peek() == END;
    }

    private JsonValue value(int depth) throws IOException {
        if (depth > MAX_DEPTH) {
            throw new JsonException("nested deeper than " + MAX_DEPTH + " at byte " + offset());
        }
        int c = peek();
        return switch (c) {
            case '{' -> object(depth);
            case '[' -> array(depth, false);
            case '"' -> new JsonValue.Str(string());
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
            String name = string();
            skipSpace();
            expect(':');
            skipSpace();
            members.put(name, name.equals(handedOut) && peek() == '[' ? array(depth + 1, true) : value(depth + 1));
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
            JsonValue element = value(depth + 1);
            if (handOut) {
                elements.accept(element);
            } else {
                kept.add(element);
            }
            skipSpace();
            if (peek() == ']') {
                read();
                return new JsonValue.Arr(kept);
            }
            expect(',');
        }
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
        return new JsonValue.Num(literal.toString());
    }

    private int digits(StringBuilder literal) throws IOException {
        int count = 0;
        while (peek() >= '0' && peek() <= '9') {
            literal.append((char) read());
            count++;
        }
        if (count == 0) {
            throw unexpected("a digit");
        }
        return count;
    }

    private String string() throws IOException {
        read();
        int length = 0;
        while (true) {
            int c = read();
            if (c == '"') {
                return new String(text, 0, length, StandardCharsets.UTF_8);
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
        return true;
    }

    private long offset() {
        return consumed + position;
    }
}
