package flannel.backend.gce;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.json.JsonValue;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Why the Compute Engine API refused something: in an answer ({@code "reason":"quotaExceeded"}), or in an operation that has failed
 * ({@code "code":"QUOTA_EXCEEDED"}).
 *
 * @param status  HTTP's, also where an operation tells it
 * @param reason  the cloud's word; empty when there is none
 * @param message the cloud's sentence
 */
record ComputeError(int status, String reason, String message) {

    private static final int LONGEST_MESSAGE = 300;

    private static final Pattern PERMISSION = Pattern.compile(
            "'?(compute\\.[A-Za-z.]+)'? permission for '?(?:projects/)?([^'/ ]+)");
    private static final Pattern QUOTA = Pattern.compile("Quota '?([A-Z0-9_]+)'? exceeded");

    static ComputeError of(int status, JsonValue answer) {
        JsonValue error = member(answer, "error");
        List<JsonValue> errors = error.list("errors");
        String reason = errors.isEmpty() ? error.text("status") : errors.getFirst().text("reason");
        return new ComputeError(status, reason, cut(error.text("message")));
    }

    /** The error of an operation; empty when it has none. */
    static Optional<ComputeError> of(JsonValue operation) {
        List<JsonValue> errors = member(operation, "error").list("errors");
        return errors.isEmpty() ? Optional.empty() : Optional.of(new ComputeError((int) operation.integer("httpErrorStatusCode"),
                errors.getFirst().text("code"), cut(errors.getFirst().text("message"))));
    }

    private static JsonValue member(JsonValue of, String name) {
        JsonValue member = of == null ? null : of.get(name);
        return member == null ? JsonValue.object() : member;
    }

    private static String cut(String text) {
        return text.length() > LONGEST_MESSAGE ? text.substring(0, LONGEST_MESSAGE) + "..." : text;
    }

    /**
     * In the words of all clouds.
     *
     * @param account who asked, for the remedy
     */
    CloudException exception(String action, String resource, String account) {
        String code = (status == 0 ? "" : status + " ") + reason;
        return new CloudException(kind(), action, resource, code.strip(), message, remedy(resource, account));
    }

    /** Words of answers and of operations differ in their spelling only. */
    private String word() {
        return reason.replace("_", "").toLowerCase(Locale.ROOT);
    }

    private Kind kind() {
        Kind byWord = switch (word()) {
            case "ratelimitexceeded", "userratelimitexceeded" -> Kind.THROTTLED;
            case "quotaexceeded", "limitexceeded" -> Kind.LIMIT;
            case "resourcenotready", "backenderror", "internalerror" -> Kind.TRANSIENT;
            case "alreadyexists", "resourcealreadyexists", "conditionnotmet" -> Kind.CONFLICT;
            case "notfound", "resourcenotfound" -> Kind.GONE;
            case "accessnotconfigured", "servicedisabled" -> Kind.UNUSABLE;
            default -> null;
        };
        if (byWord != null) {
            return byWord;
        }
        if (status == 400 && message.contains("operation in progress")) {
            return Kind.TRANSIENT; // of another route, or of a peering: one at a time per network
        }
        return switch (status) {
            case 401, 403 -> Kind.DENIED;
            case 404 -> Kind.GONE;
            case 409, 412 -> Kind.CONFLICT;
            case 429 -> Kind.THROTTLED;
            case 0, 408 -> Kind.TRANSIENT;
            default -> status >= 500 ? Kind.TRANSIENT : Kind.UNUSABLE;
        };
    }

    private String remedy(String resource, String account) {
        String project = resource.replaceFirst("^projects/([^/]+)/.*", "$1");
        return switch (kind()) {
            case LIMIT -> {
                Matcher quota = QUOTA.matcher(message);
                yield "ask for more of the quota " + (quota.find() ? quota.group(1) : GceRoutes.QUOTA) + " of project " + project
                        + ", or give the network fewer hosts";
            }
            case DENIED -> denied(project, account);
            case UNUSABLE -> switch (word()) {
                case "accessnotconfigured", "servicedisabled" -> "enable the Compute Engine API in project " + project;
                default -> message.contains("hides the reserved address space")
                        ? "choose a Network apart from the ranges of the cloud's network, its subnets and its peers" : "";
            };
            case THROTTLED, TRANSIENT, CONFLICT, GONE -> "";
        };
    }

    private String denied(String project, String account) {
        Matcher permission = PERMISSION.matcher(message);
        if (status == 401) {
            return "the credentials of " + account + " are not valid, or its key was deleted";
        }
        if (permission.find()) {
            return "grant " + permission.group(1) + " in project " + permission.group(2) + " to " + account;
        }
        return word().equals("insufficientpermissions") || message.contains("scope")
                ? "give " + account + " the access scope compute-rw or cloud-platform, and the permissions that the manual lists"
                : "grant " + account + " the permissions that the manual lists, in project " + project;
    }
}
