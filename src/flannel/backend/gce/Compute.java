package flannel.backend.gce;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.backend.cloud.Http;
import flannel.json.JsonException;
import flannel.json.JsonValue;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The part of the Compute Engine API, version 1, that routes need. A resource is known by its path from {@code projects/} on, for the
 * links in answers begin with one of two hosts.
 *
 * <p>Source: https://cloud.google.com/compute/docs/reference/rest/v1
 */
final class Compute {

    private static final String ROOT = "https://compute.googleapis.com/compute/v1/";

    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    /** An operation is waited for by the server, up to 2 minutes at a time; it may answer earlier, even at once. */
    private static final Duration WAIT_TIMEOUT = Duration.ofSeconds(150);
    private static final int WAITS = 3;

    private static final int PAGE = 500;

    /** Against a server that never comes to an end. */
    private static final int MOST_PAGES = 40;

    private final Http http;
    private final Credentials credentials;
    private final String root;

    /**
     * Takes another root than Google's from the environment, as gcloud does.
     *
     * @throws IllegalArgumentException with a sentence when it can't be meant
     */
    Compute(Map<String, String> environment, Http http, Credentials credentials) {
        String variable = "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE";
        root = environment.getOrDefault(variable, ROOT);
        if (!root.matches("https?://[^/?#\\s]+/([^?#\\s]+/)?")) {
            throw new IllegalArgumentException(variable + " \"" + root + "\" is not of the form " + ROOT);
        }
        this.http = http;
        this.credentials = credentials;
    }

    /** A link from {@code projects/} on. */
    static String path(String link) {
        return link.substring(Math.max(0, link.indexOf("projects/")));
    }

    /** The link to a resource, as requests have it. */
    String link(String path) {
        return root + path;
    }

    /** Reads one resource. */
    JsonValue get(String action, String path) throws CloudException, InterruptedException {
        return call(action, path, "GET", path, null, TIMEOUT);
    }

    /** Reads a list, page by page: all of a large project's together would need more memory than what is kept of them. */
    void list(String action, String path, Consumer<JsonValue> each) throws CloudException, InterruptedException {
        String page = "";
        for (int i = 0; i < MOST_PAGES; i++) {
            String query = "?maxResults=" + PAGE + (page.isEmpty() ? "" : "&pageToken=" + URLEncoder.encode(page, StandardCharsets.UTF_8));
            JsonValue answer = call(action, path, "GET", path + query, null, TIMEOUT);
            answer.list("items").forEach(each);
            page = answer.text("nextPageToken");
            if (page.isEmpty()) {
                return;
            }
        }
        throw new CloudException(Kind.UNUSABLE, action, path, "", "the list has more than " + MOST_PAGES + " pages", "");
    }

    /** Makes a resource in a collection, and waits until it is there. */
    void insert(String action, String collection, JsonValue resource) throws CloudException, InterruptedException {
        String path = collection + "/" + resource.text("name");
        complete(action, path, call(action, path, "POST", collection, resource, TIMEOUT));
    }

    /** Deletes a resource, and waits until it is gone. One that is gone already is fine. */
    void delete(String action, String path) throws CloudException, InterruptedException {
        try {
            complete(action, path, call(action, path, "DELETE", path, null, TIMEOUT));
        } catch (CloudException e) {
            if (e.kind() != Kind.GONE) {
                throw e;
            }
        }
    }

    private void complete(String action, String path, JsonValue begun) throws CloudException, InterruptedException {
        JsonValue operation = begun;
        for (int i = 0; i < WAITS && !operation.text("status").equals("DONE"); i++) {
            String wait = path.replaceFirst("/global/.*", "/global/operations/" + operation.text("name") + "/wait");
            operation = call("globalOperations.wait", path, "POST", wait, null, WAIT_TIMEOUT);
        }
        Optional<ComputeError> error = ComputeError.of(operation);
        if (error.isPresent()) {
            throw error.get().exception(action, path, credentials.account());
        }
        if (!operation.text("status").equals("DONE")) {
            throw new CloudException(Kind.TRANSIENT, action, path, operation.text("status"), "the operation is not done yet", "");
        }
    }

    private JsonValue call(String action, String resource, String method, String path, JsonValue body, Duration timeout)
            throws CloudException, InterruptedException {
        Http.Answer answer = send(action, resource, method, path, body, timeout);
        if (answer.status() == 401) {
            credentials.refused(); // revoked, or this host's clock was set
            answer = send(action, resource, method, path, body, timeout);
        }
        JsonValue json = null;
        try {
            json = JsonValue.parse(answer.body());
        } catch (JsonException e) {
            // a proxy's page, or nothing
        }
        if (answer.status() / 100 != 2) {
            throw ComputeError.of(answer.status(), json).exception(action, resource, credentials.account());
        }
        if (!(json instanceof JsonValue.Obj)) {
            String code = Integer.toString(answer.status());
            throw new CloudException(Kind.TRANSIENT, action, resource, code, "the answer is not a JSON object", "");
        }
        return json;
    }

    private Http.Answer send(String action, String resource, String method, String path, JsonValue body, Duration timeout)
            throws CloudException, InterruptedException {
        URI uri;
        try {
            uri = URI.create(root + path);
        } catch (IllegalArgumentException e) {
            throw new CloudException(Kind.UNUSABLE, action, resource, "", "it has characters that no path may have", "");
        }
        Map<String, String> headers = new HashMap<>();
        headers.put("Authorization", "Bearer " + credentials.token());
        if (body != null) {
            headers.put("Content-Type", "application/json");
        }
        try {
            return http.send(new Http.Request(method, uri, headers, body == null ? null : body.toString(), timeout));
        } catch (IOException e) {
            throw new CloudException(Kind.TRANSIENT, action, resource, "", e.getMessage(), "");
        }
    }
}
