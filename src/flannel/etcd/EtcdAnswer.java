package flannel.etcd;

import flannel.json.JsonValue;

/**
 * A complete answer.
 *
 * @param endpoint base URL of the server that gave it
 * @param status   HTTP status
 * @param json     the body; null when it is not JSON
 * @param text     the start of a body that is not JSON; else ""
 * @param index    v2's X-Etcd-Index: changes that the store has seen; 0 when absent
 * @param cluster  v2's X-Etcd-Cluster-Id; "" when absent
 */
record EtcdAnswer(String endpoint, int status, JsonValue json, String text, long index, String cluster) {

    private static final int LONGEST_REASON = 200;

    /** What the server says is wrong, in one line that is no longer than a line. */
    String reason() {
        if (json == null) {
            return "HTTP status " + status + (text.isBlank() ? "" : ": " + oneLine(text.strip().lines().findFirst().orElse("")))
                    + (text.contains("HTTP request to an HTTPS server") ? " (name it https://)" : "");
        }
        // v2: message and cause; v3: message, or error in releases before 3.4
        String message = oneLine(json.text("message").isEmpty() ? json.text("error") : json.text("message"));
        String cause = oneLine(json.text("cause"));
        return (message.isEmpty() ? "HTTP status " + status : message) + (cause.isEmpty() ? "" : " (" + cause + ")");
    }

    /** Words from outside as they may stand in a message: without control characters, and not too many. */
    static String oneLine(String text) {
        String start = text.length() <= LONGEST_REASON ? text : text.substring(0, LONGEST_REASON) + "…";
        return start.replaceAll("\\p{C}+", " ").strip();
    }
}
