package flannel.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import flannel.json.JsonException;
import flannel.json.JsonLimits;
import flannel.json.JsonParser;
import flannel.json.JsonValue;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** No answer, however hostile, needs more than the daemon's heap of 64 MB and stacks of 256 KB: played in a JVM that has no more. */
class HostileAnswersTest {

    @Test
    void noneEndsADaemonWithASmallHeap() throws Exception {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m", "-Xss256k", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-cp",
                folder(JsonParser.class) + ":" + folder(HostileAnswersTest.class), HostileAnswersTest.class.getName())
                .redirectErrorStream(true).start();
        String said;
        try {
            said = process.inputReader().lines().collect(Collectors.joining("\n", "", "\n"));
        } finally {
            process.destroyForcibly();
        }
        assertEquals("""
                a token of 100 MB: {"kvs":[]}, 1 entries, 1 of them too large
                a name of 100 MB: a name of more than 16384 bytes, at byte 104857603
                a number of 100 MB: a number of more than 16384 digits, at byte 16385
                escapes of 96 MB: {"kvs":[]}, 1 entries, 1 of them too large
                a string without end: more than 268435456 bytes in one value, at byte 268435456
                an escape without end: more than 268435456 bytes in one value, at byte 268435456
                white space without end: more than 268435456 bytes in one value, at byte 268435456
                3 million members: more than 10000 values in one, at byte 59998
                3 million numbers in an entry: more than 10000 values in one, at byte 20018
                a depth of 10 million: {"kvs":[]}, 1 entries, 1 of them too large
                objects to a depth of 10 million: DEEP
                lists within each other without end: more than 268435456 bytes in one value, at byte 268435456
                60 values of 1.4 MB: {"kvs":[]}, 62 entries, 60 of them too large
                as many entries as may be: {"kvs":[]}, 16000 entries
                entries without end: more than 16000 elements of "kvs", at byte 1232008, 16000 entries
                entries of 10 KB without end: more than 10485760 bytes of text in the elements of "kvs", at byte 10516219, 1043 entries
                events without end before their header: more than 10000 values in one, at byte 30005
                """.replace("DEEP", "{\"x\":".repeat(32) + "null" + "}".repeat(32)), said);
    }

    private static String folder(Class<?> type) throws URISyntaxException {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
    }

    // ---- in the small JVM ----

    /** A text, so many times. */
    private record Part(String text, long times) {
    }

    private static final int MB = 1 << 20;
    private static final long FOR_EVER = Long.MAX_VALUE;
    private static final String ENTRY = "{\"key\":\"L24vc3VibmV0cy8xMC4xLjgzLjAtMjQ=\",\"mod_revision\":\"9\",\"value\":\"";
    private static final String KV = ENTRY + "e30=\"},";

    public static void main(String[] none) throws Exception {
        read("a token of 100 MB", part("{\"kvs\":[" + ENTRY), part("x", 100 * MB), part("\"}]}"));
        read("a name of 100 MB", part("{\""), part("x", 100 * MB), part("\":1}"));
        read("a number of 100 MB", part("["), part("7", 100 * MB), part("]"));
        read("escapes of 96 MB", part("{\"kvs\":[" + ENTRY), part("\\u00e4\\n", 12 * MB), part("\"}]}"));
        read("a string without end", part("[\""), part("x", FOR_EVER));
        read("an escape without end", part("[\""), part("\\u0000", FOR_EVER));
        read("white space without end", part(" \n\t", FOR_EVER));
        read("3 million members", part("{\"a\":{\"b\":0"), part(",\"c\":0", 3_000_000), part("}}"));
        read("3 million numbers in an entry", part("{\"kvs\":[{\"key\":\"k\",\"x\":[0"), part(",0", 3_000_000), part("]}]}"));
        read("a depth of 10 million", part("{\"kvs\":[" + ENTRY + "\",\"x\":"), part("[", 10_000_000), part("]", 10_000_000), part("}]}"));
        read("objects to a depth of 10 million", part("{\"x\":", 10_000_000), part("1"), part("}", 10_000_000));
        read("lists within each other without end", part("{\"kvs\":[", FOR_EVER));
        read("60 values of 1.4 MB", part("{\"kvs\":["), part(ENTRY + "x".repeat(1_400_000) + "\"},", 60), part(KV + "{}]}"));
        read("as many entries as may be", part("{\"kvs\":["), part(KV, 15_999), part("{}]}"));
        read("entries without end", part("{\"kvs\":["), part(KV, FOR_EVER));
        read("entries of 10 KB without end", part("{\"kvs\":["), part(ENTRY + "x".repeat(10_000) + "\"},", FOR_EVER));
        read("events without end before their header", part("{\"events\":[{}"), part(",{}", FOR_EVER));
    }

    private static Part part(String text) {
        return new Part(text, 1);
    }

    private static Part part(String text, long times) {
        return new Part(text, times);
    }

    /** Reads as a registry does, keeps what comes, and says what that was. */
    private static void read(String name, Part... parts) throws IOException {
        List<JsonValue> entries = new ArrayList<>();
        String end;
        try {
            end = new JsonParser(new Endless(List.of(parts)), JsonLimits.ANSWER).next("kvs", entries::add).toString();
        } catch (JsonException e) {
            end = e.getMessage();
        }
        long omitted = entries.stream().filter(entry -> entry.get("value") instanceof JsonValue.Omitted
                || isDeep(entry.get("x"))).count();
        System.out.println(name + ": " + end + (entries.isEmpty() ? "" : ", " + entries.size() + " entries")
                + (omitted == 0 ? "" : ", " + omitted + " of them too large"));
    }

    private static boolean isDeep(JsonValue value) {
        return value instanceof JsonValue.Omitted
                || value instanceof JsonValue.Arr(List<JsonValue> elements) && elements.stream().anyMatch(HostileAnswersTest::isDeep);
    }

    private static final class Endless extends InputStream {

        private final Iterator<Part> parts;
        private byte[] text = {};
        private long left;
        private int at;

        Endless(List<Part> parts) {
            this.parts = parts.iterator();
        }

        @Override
        public int read() {
            throw new UnsupportedOperationException();
        }

        @Override
        public int read(byte[] buffer, int offset, int length) {
            int count = 0;
            while (count < length) {
                if (at == text.length && left > 0) {
                    at = 0;
                    left--;
                }
                if (at == text.length) {
                    if (!parts.hasNext()) {
                        return count == 0 ? -1 : count;
                    }
                    Part next = parts.next();
                    text = next.text().getBytes(StandardCharsets.US_ASCII);
                    left = next.times() - 1;
                    at = 0;
                }
                int some = Math.min(length - count, text.length - at);
                System.arraycopy(text, at, buffer, offset + count, some);
                count += some;
                at += some;
            }
            return count;
        }
    }
}
