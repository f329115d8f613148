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
import java.util.Collections;
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
        JsonParser parser = parser("{\"a\":1}{\"b\":\"}{\"}\n[2]", 1, JsonLimits.ANSWER);
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
        assertInstanceOf(JsonValue.Obj.class, new JsonParser(in, JsonLimits.ANSWER).next());
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
                JsonValue small = parser(text.toString(), 3, SMALL).next();
                assertTrue(small.equals(value) || small.toString().contains("null"), () -> text + ": " + small);
            } catch (JsonException expected) {
                // what a reader of untrusted text is for
            }
        }
    }

    private static JsonParser parser(String text, int bytesAtATime, JsonLimits limits) {
        return new JsonParser(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)) {
            @Override
            public synchronized int read(byte[] buffer, int offset, int length) {
                return super.read(buffer, offset, Math.min(bytesAtATime, length));
            }
        }, limits);
    }

    @Test
    void handsOutTheElementsOfLongArrays() throws Exception {
        List<String> handedOut = new ArrayList<>();
        JsonParser parser = parser("{\"node\":{\"nodes\":[{\"k\":1},{\"k\":2,\"nodes\":[3,[4]]}],\"x\":[5]},\"nodes\":6}[7]", 1000, JsonLimits.ANSWER);
        JsonValue rest = parser.next("nodes", element -> handedOut.add(element.toString()));
        assertEquals(List.of("{\"k\":1}", "3", "[4]", "{\"k\":2,\"nodes\":[]}"), handedOut);
        assertEquals("{\"node\":{\"nodes\":[],\"x\":[5]},\"nodes\":6}", rest.toString());
        assertEquals("[7]", parser.next().toString());
    }

    /** What came before the array decides, as a watch's header does. */
    @Test
    void handsOutOnlyWhatIsWanted() throws Exception {
        List<String> handedOut = new ArrayList<>();
        JsonParser.Elements withHeader = new JsonParser.Elements() {
            @Override
            public boolean begin(JsonValue before) {
                return before.integer("h") == 7;
            }

            @Override
            public void element(JsonValue value) {
                handedOut.add(value.toString());
            }
        };
        JsonParser parser = parser("{\"h\":7,\"e\":[1,2]}{\"e\":[3],\"h\":7}", 3, SMALL);
        assertEquals("{\"h\":7,\"e\":[]}", parser.next("e", withHeader).toString());
        assertEquals("{\"e\":[3],\"h\":7}", parser.next("e", withHeader).toString());
        assertEquals(List.of("1", "2"), handedOut);
    }

    // ---- limits ----

    private static final JsonLimits SMALL = new JsonLimits(4, 12, 20, 50, 5, 90, 400);

    /** A string that does not fit, and what is nested too deep: the members beside it are still there. */
    @ParameterizedTest
    @ValueSource(strings = {
        "{'a':'123456789012345678901','b':'x'} | a is 21",
        "{'a':'\\u00e4\\n345678901234567\\\\\\'1','b':'x'} | a is 21",
        "{'a':[[[[1,']\\']'],{}]]],'b':'x'} | [[[null,null]]] with 10"})
    void leavesOutWhatIsTooLarge(String textAndResult) throws IOException {
        String text = textAndResult.split(" \\| ")[0].replace('\'', '"');
        String expected = textAndResult.split(" \\| ")[1];
        for (int bytesAtATime = 1; bytesAtATime < 4; bytesAtATime++) {
            JsonValue value = parser(text, bytesAtATime, SMALL).next();
            assertEquals("x", value.text("b"));
            if (value.get("a") instanceof JsonValue.Omitted(long bytes)) {
                assertEquals(expected, "a is " + bytes);
                assertEquals("", value.text("a"));
            } else {
                JsonValue.Arr arr = (JsonValue.Arr) value.list("a").getFirst();
                long bytes = ((JsonValue.Omitted) ((JsonValue.Arr) arr.elements().getFirst()).elements().getFirst()).bytes();
                assertEquals(expected, value.get("a") + " with " + bytes);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "[1,2,3,4,5,6,7,8,9,0,1,2] | more than 12 values in one, at byte 23",
        "{'123456789012345678901':1} | a name of more than 20 bytes, at byte 24",
        "['12345678901234567890','12345678901234567890','12345678901'] | more than 50 bytes of text in one value, at byte 60",
        "[123456789012345678901] | a number of more than 20 digits, at byte 21",
        "{'e':[1,2,3,4,5,6]} | more than 5 elements of \"e\", at byte 16",
        "{'e':['12345678901234567890','12345678901234567890','12345678901234567890','12345678901234567890','12345678901234567890']}"
            + " | more than 90 bytes of text in the elements of \"e\", at byte 120",
        "{'a':SPACES} | more than 400 bytes in one value, at byte 400",
        "SPACES | more than 400 bytes in one value, at byte 400"})
    void refusesWhatIsTooLargeToHold(String textAndMessage) {
        String text = textAndMessage.split(" \\| ")[0].replace('\'', '"').replace("SPACES", " ".repeat(1000));
        JsonException e = assertThrows(JsonException.class, () -> parser(text, 1, SMALL).next("e", element -> { }));
        assertEquals(textAndMessage.split(" \\| ")[1], e.getMessage());
    }

    /** Each element has the limits for itself, and what is around them too. */
    @Test
    void elementsAreLimitedOneByOne() throws IOException {
        String element = "{\"k\":[1,2,3,4,5,6],\"s\":\"1234567890\"}";
        List<JsonValue> elements = new ArrayList<>();
        JsonValue rest = parser("{\"a\":\"1234567\",\"e\":[" + String.join(",", Collections.nCopies(5, element)) + "],\"b\":\"89012345\"}", 7, SMALL)
                .next("e", elements::add);
        assertEquals("{\"a\":\"1234567\",\"e\":[],\"b\":\"89012345\"}", rest.toString());
        assertEquals(Collections.nCopies(5, element), elements.stream().map(JsonValue::toString).toList());
    }

    /** A text at hand is small, or it is none of ours. */
    @ParameterizedTest
    @ValueSource(strings = {
        "[[[[[]]]]] | nested deeper than 4, at byte 4",
        "'123456789012345678901' | a string of more than 20 bytes, at byte 22"})
    void textIsRefusedAsAWhole(String textAndMessage) {
        String text = textAndMessage.split(" \\| ")[0].replace('\'', '"');
        JsonException e = assertThrows(JsonException.class, () -> JsonValue.parse(text, SMALL));
        assertEquals(textAndMessage.split(" \\| ")[1], e.getMessage());
    }
}
