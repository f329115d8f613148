package flannel.json;

import flannel.fuzz.JsonMutation;
import flannel.fuzz.Target;
import java.io.ByteArrayInputStream;
import java.util.List;
import java.util.Set;

/** Spoiled JSON for the parser: as a text in memory, and as a stream with long lists in it. */
public final class JsonFuzz {

    private static final List<byte[]> SAMPLES = Target.texts(
            "{\"Network\":\"10.1.0.0/16\",\"SubnetLen\":24,\"Backend\":{\"Type\":\"vxlan\",\"VNI\":1,\"x\":[1,2.5,-3e7,true,false,null]}}",
            "{\"result\":{\"header\":{\"revision\":\"7\"},\"events\":[{\"type\":\"DELETE\","
                    + "\"kv\":{\"key\":\"L24vYQ==\"}}]}}\n{\"result\":{}}",
            "[\"\\u00e4\\ud83d\\ude00\\n\\\"\\\\\\/\",\"ä\uD83D\uDE00\",{\"\":{\"\":[[[]]]}}]",
                    "{\"kvs\":[{\"key\":\"a\",\"value\":\"b\"},{\"key\":\"c\"}],\"count\":\"2\"}");

    private JsonFuzz() {
    }

    public static List<Target> targets() {
        return List.of(new Target("json: a text", SAMPLES, JsonMutation::mutate, Set.of(JsonException.class), (input, dice) -> {
            JsonValue value = JsonValue.parse(Target.text(input));
            Target.same(value, JsonValue.parse(value.toString()));
        }), new Target("json: a stream", SAMPLES, JsonMutation::mutate, Set.of(JsonException.class), (input, dice) -> {
            JsonParser parser = new JsonParser(new ByteArrayInputStream(input), JsonLimits.ANSWER, dice.nextBoolean() ? null
                    : Set.of("kvs", "key", "result"));
            JsonValue value = parser.next();
            while (value != null) {
                value = parser.next("kvs", element -> JsonFuzz.again(element));
            }
        }));
    }

    /** As the stream's elements are kept. */
    private static void again(JsonValue element) {
        if (element.toString().isEmpty()) {
            throw new AssertionError("nothing is written for " + element.getClass());
        }
    }
}
