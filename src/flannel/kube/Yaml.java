package flannel.kube;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * As much of YAML 1.2 as programs write configurations in: mappings and sequences by indentation, plain and quoted scalars, literal text
 * ({@code |}), comments, and JSON, which is YAML too. Every scalar is a string, or null. Anything else (anchors, tags, folded text, several
 * documents) is refused, not guessed at.
 */
final class Yaml {

    private static final int DEEPEST = 16;

    private final List<String> lines;
    private int at;

    private Yaml(List<String> lines) {
        this.lines = lines;
    }

    /** @throws IllegalArgumentException with one clause that says what is not understood, and in which line */
    static JsonValue parse(String text) {
        try {
            if (text.stripLeading().startsWith("{")) {
                return JsonValue.parse(text);
            }
        } catch (JsonException e) {
            throw new IllegalArgumentException("it is not JSON: " + e.getMessage(), e);
        }
        Yaml yaml = new Yaml(new ArrayList<>(text.lines().toList()));
        if (yaml.hasNext() && yaml.lines.get(yaml.at).stripTrailing().equals("---")) {
            yaml.at++;
        }
        JsonValue value = yaml.hasNext() ? yaml.block(yaml.indent(), 0) : new JsonValue.Null();
        if (yaml.hasNext()) {
            throw yaml.unclear(yaml.lines.get(yaml.at).startsWith("---") ? "begins another document" : "stands apart from what is above it");
        }
        return value;
    }

    /** Goes to the next line that says something; false at the end. */
    private boolean hasNext() {
        while (at < lines.size() && (lines.get(at).isBlank() || lines.get(at).stripLeading().startsWith("#"))) {
            at++;
        }
        return at < lines.size();
    }

    private int indent() {
        String line = lines.get(at);
        int indent = 0;
        while (line.charAt(indent) == ' ') {
            indent++;
        }
        if (line.charAt(indent) == '\t') {
            throw unclear("is indented with a tab");
        }
        return indent;
    }

    private IllegalArgumentException unclear(String why) {
        return new IllegalArgumentException("line " + (at + 1) + " " + why);
    }

    /** What begins in this line and goes on as far as it is indented so. */
    private JsonValue block(int indent, int depth) {
        if (depth > DEEPEST) {
            throw unclear("is nested deeper than " + DEEPEST);
        }
        return isElement() ? sequence(indent, depth) : mapping(indent, depth);
    }

    private boolean isElement() {
        String text = lines.get(at).strip();
        return text.equals("-") || text.startsWith("- ");
    }

    private boolean goesOn(int indent) {
        if (!hasNext() || indent() < indent) {
            return false;
        }
        if (indent() > indent) {
            throw unclear("is indented deeper than what it belongs to");
        }
        return true;
    }

    private JsonValue sequence(int indent, int depth) {
        List<JsonValue> elements = new ArrayList<>();
        while (goesOn(indent) && isElement()) {
            String line = lines.get(at);
            String content = line.substring(indent + 1).strip();
            if (content.isEmpty() || content.startsWith("#")) {
                at++;
                elements.add(nested(indent, depth));
            } else if (isElement(content) || keyEnd(content) >= 0) { // the dash is as much indentation as it takes room
                lines.set(at, " ".repeat(line.indexOf(content, indent + 1)) + content);
                elements.add(block(indent(), depth + 1));
            } else {
                elements.add(scalar(content));
                at++;
            }
        }
        return new JsonValue.Arr(elements);
    }

    private static boolean isElement(String content) {
        return content.equals("-") || content.startsWith("- ");
    }

    private JsonValue mapping(int indent, int depth) {
        Map<String, JsonValue> members = new LinkedHashMap<>();
        while (goesOn(indent) && !isElement()) {
            String content = lines.get(at).strip();
            int end = keyEnd(content);
            if (end < 0) {
                throw unclear("is neither \"name: value\" nor an element of a list");
            }
            String name = content.substring(0, end).strip();
            if (name.isEmpty() || !(scalar(name) instanceof JsonValue.Str(String key))) {
                throw unclear("has no name in front of its colon");
            }
            String rest = content.substring(end + 1).strip();
            JsonValue value;
            if (rest.isEmpty() || rest.startsWith("#")) {
                at++;
                // a list may stand as far left as its name
                value = hasNext() && indent() == indent && isElement() ? sequence(indent, depth + 1) : nested(indent, depth);
            } else if (rest.startsWith("|")) {
                value = literal(rest, indent);
            } else {
                value = scalar(rest);
                at++;
            }
            if (members.put(key, value) != null) {
                at--;
                throw unclear("says \"" + key + "\" a second time");
            }
        }
        return new JsonValue.Obj(members);
    }

    private JsonValue nested(int indent, int depth) {
        return hasNext() && indent() > indent ? block(indent(), depth + 1) : new JsonValue.Null();
    }

    /** Where the colon behind a name is; -1 when there is none. */
    private static int keyEnd(String content) {
        int from = 0;
        if (content.startsWith("\"") || content.startsWith("'")) {
            from = content.indexOf(content.charAt(0), 1) + 1;
            return from > 0 && from < content.length() && content.charAt(from) == ':' ? from : -1;
        }
        if (content.startsWith("{") || content.startsWith("[")) {
            return -1;
        }
        int colon = content.indexOf(": ");
        int comment = content.indexOf(" #");
        String plain = comment >= 0 ? content.substring(0, comment).strip() : content;
        return colon >= 0 && (comment < 0 || colon < comment) ? colon : plain.endsWith(":") ? plain.length() - 1 : -1;
    }

    /** Lines as they are, without the indentation of the first. */
    private JsonValue literal(String header, int indent) {
        if (!List.of("|", "|-", "|+").contains(header)) {
            throw unclear("has a form of text that is not understood here: " + header);
        }
        StringBuilder text = new StringBuilder();
        int inner = -1;
        for (at++; at < lines.size(); at++) {
            String line = lines.get(at);
            if (!line.isBlank()) {
                if (indent() <= indent) {
                    break;
                }
                inner = inner < 0 ? indent() : inner;
            }
            text.append(line.length() > inner && inner >= 0 ? line.substring(inner) : "").append('\n');
        }
        return new JsonValue.Str(header.equals("|+") ? text.toString() : text.toString().stripTrailing() + (header.equals("|") ? "\n" : ""));
    }

    private JsonValue scalar(String text) {
        char first = text.charAt(0);
        try {
            if (first == '"') {
                int end = text.lastIndexOf('"');
                return JsonValue.parse(uncommented(text, end));
            }
            if (first == '{' || first == '[') {
                return JsonValue.parse(uncommented(text, text.lastIndexOf(first == '{' ? '}' : ']')));
            }
        } catch (JsonException e) {
            throw unclear("holds a value that is not understood: " + e.getMessage());
        }
        if (first == '\'') {
            String quoted = uncommented(text, text.lastIndexOf('\''));
            if (quoted.length() < 2) {
                throw unclear("holds a quotation that does not end");
            }
            return new JsonValue.Str(quoted.substring(1, quoted.length() - 1).replace("''", "'"));
        }
        if ("&*!|>%@`?".indexOf(first) >= 0) {
            throw unclear("begins a value with '" + first + "', which is not understood here");
        }
        int comment = text.indexOf(" #");
        String plain = comment >= 0 ? text.substring(0, comment).strip() : text;
        return plain.equals("~") || plain.equals("null") ? new JsonValue.Null() : new JsonValue.Str(plain);
    }

    /** A text up to its end, behind which there may be a comment. */
    private String uncommented(String text, int end) {
        String behind = text.substring(end + 1).strip();
        if (!behind.isEmpty() && !behind.startsWith("#")) {
            throw unclear("has more behind a value");
        }
        return text.substring(0, end + 1);
    }
}
