package flannel.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {

    @ParameterizedTest
    @ValueSource(strings = {"{}", "[]", "null", "true", "-1.5e+3", "\"\"", "{\"a\":[1,{\"b\":null}],\"c\":\"x\"}", "\"\\\\ \\\" \\n ä 😀\""})
    void writesWhatItRead(String text) throws JsonException {
        assertEquals(text, JsonValue.parse(text).toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "01", "-", "1.", "tru", "\"", "\"\\x\"", "\"\\u12\"", "garbage", "{} x", "\"\n\""})
    void refusesWhatIsNoJson(String text) {
        assertThrows(JsonException.class, () -> JsonValue.parse(text));
    }

    @Test
    void saysWhatIsWrongAndWhere() {
        JsonException e = assertThrows(JsonException.class, () -> JsonValue.parse("{\"a\" 1}"));
        assertEquals("'1' stands where ':' should be, at byte 5", e.getMessage());
    }

    @Test
    void refusesToBeDrivenDeep() {
        assertThrows(JsonException.class, () -> JsonValue.parse("[".repeat(100_000)));
    }

    @Test
    void integersComeAsNumbersAndAsStrings() throws JsonException {
        JsonValue value = JsonValue.parse("{\"a\":\"9223372036854775807\",\"b\":12,\"c\":1.5}");
        assertEquals(Long.MAX_VALUE, value.integer("a"));
        assertEquals(12, value.integer("b"));
        assertEquals(0, value.integer("c"));
        assertEquals(0, value.integer("absent"));
    }

    @Test
    void splitsAStreamWithoutDelimiters() throws IOException {
        List<String> seen = new ArrayList<>();
        JsonParser parser = new JsonParser(oneByteAtATime("{\"a\":1}{\"b\":\"}{\"}\n[2]"));
        for (JsonValue value = parser.next(); value != null; value = parser.next()) {
            seen.add(value.toString());
        }
        assertEquals(List.of("{\"a\":1}", "{\"b\":\"}{\"}", "[2]"), seen);
        assertNull(parser.next());
    }

    @Test
    void handsAValueOutBeforeMoreArrives() throws IOException {
        InputStream in = new InputStream() {
            private final byte[] first = "{\"a\":1}".getBytes(StandardCharsets.UTF_8);
            private boolean given;

            @Override
            public int read() {
                throw new AssertionError("reads beyond the value");
            }

            @Override
            public int read(byte[] buffer, int offset, int length) {
                assertTrue(!given, "reads beyond the value");
                given = true;
                System.arraycopy(first, 0, buffer, offset, first.length);
                return first.length;
            }
        };
        assertInstanceOf(JsonValue.Obj.class, new JsonParser(in).next());
    }

    @Test
    void randomTextNeverThrowsAnythingElse() throws IOException {
        Random random = new Random(7);
        String alphabet = "{}[]\",:\\u0e1-+.truefalsn \n\u00e4";
        for (int round = 0; round < 20_000; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(24); i > 0; i--) {
                text.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            try {
                JsonValue value = JsonValue.parse(text.toString());
                assertEquals(value, JsonValue.parse(value.toString()));
            } catch (JsonException expected) {
                // what a reader of untrusted text is for
            }
        }
    }

    private static InputStream oneByteAtATime(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)) {
            @Override
            public synchronized int read(byte[] buffer, int offset, int length) {
                return super.read(buffer, offset, Math.min(1, length));
            }
        };
    }

    @Test
    void handsOutTheElementsOfLongArrays() throws Exception {
        List<String> handedOut = new ArrayList<>();
        JsonParser parser = new JsonParser(new ByteArrayInputStream(
                "{\"node\":{\"nodes\":[{\"k\":1},{\"k\":2,\"nodes\":[3,[4]]}],\"x\":[5]},\"nodes\":6}[7]".getBytes(StandardCharsets.UTF_8)));
        JsonValue rest = parser.next("nodes", element -> handedOut.add(element.toString()));
        assertEquals(List.of("{\"k\":1}", "3", "[4]", "{\"k\":2,\"nodes\":[]}"), handedOut);
        assertEquals("{\"node\":{\"nodes\":[],\"x\":[5]},\"nodes\":6}", rest.toString());
        assertEquals("[7]", parser.next().toString());
    }
}
