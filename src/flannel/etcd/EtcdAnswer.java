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

    /** What the server says is wrong, in one line. */
    String reason() {
        if (json == null) {
            return "HTTP status " + status + (text.isBlank() ? "" : ": " + text.strip().lines().findFirst().orElse(""));
        }
        // v2: message and cause; v3: message, or error in releases before 3.4
        String message = json.text("message").isEmpty() ? json.text("error") : json.text("message");
        String cause = json.text("cause");
        return (message.isEmpty() ? "HTTP status " + status : message) + (cause.isEmpty() ? "" : " (" + cause + ")");
    }
}
