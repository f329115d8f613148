package flannel.backend.aws;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** An IAM policy document as far as the fake needs it: statements that allow actions on resources, with wildcards. */
public record Policy(List<Statement> statements) {

    record Statement(List<String> actions, List<String> resources) {
    }

    public static Policy parse(String json) throws JsonException {
        JsonValue document = JsonValue.parse(json);
        if (!document.text("Version").equals("2012-10-17")) {
            throw new JsonException("no policy of version 2012-10-17");
        }
        List<Statement> statements = new ArrayList<>();
        for (JsonValue each : document.list("Statement")) {
            if (!each.text("Effect").equals("Allow")) {
                throw new JsonException("the fake knows only Allow");
            }
            statements.add(new Statement(texts(each.get("Action")), texts(each.get("Resource"))));
        }
        return new Policy(statements);
    }

    /** The one that the manual page tells operators to use. */
    public static Policy ofTheManual() throws IOException {
        String manual = Files.readString(Path.of("etc/flanneld.8")).replace("\\-", "-");
        int from = manual.indexOf("\n{\"Version\": \"2012-10-17\"");
        return parse(manual.substring(from, manual.indexOf("\n]}", from) + 3));
    }

    /** Whatever EC2 can do. */
    static Policy everything() {
        return new Policy(List.of(new Statement(List.of("ec2:*"), List.of("*"))));
    }

    private static List<String> texts(JsonValue value) throws JsonException {
        return switch (value) {
            case JsonValue.Str(String text) -> List.of(text);
            case JsonValue.Arr(List<JsonValue> elements) -> elements.stream().map(each -> ((JsonValue.Str) each).value()).toList();
            case null, default -> throw new JsonException("an action or resource is missing");
        };
    }

    /** @param resource an ARN; "*" for actions that know no resources */
    boolean allows(String action, String resource) {
        return statements.stream().anyMatch(each -> each.actions().stream().anyMatch(pattern -> matches(pattern, action))
                && each.resources().stream().anyMatch(pattern -> matches(pattern, resource)));
    }

    private static boolean matches(String pattern, String text) {
        return Pattern.matches("\\Q" + pattern.replace("*", "\\E.*\\Q") + "\\E", text);
    }

    /** The same without one action. */
    Policy without(String action) {
        return new Policy(statements.stream().map(each -> new Statement(each.actions().stream().filter(one -> !one.equals(action)).toList(),
                each.resources())).toList());
    }
}
