package flannel.etcd;

import flannel.json.JsonValue;
import flannel.lease.StoreException;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Calls of etcd's v3 API through its HTTP/JSON gateway (etcd 3.1 and later). Finds out under which path the gateway lives and keeps a token
 * when a user is given. Numbers of 64 bits are strings in answers; zeros, false and empty values are left out.
 */
final class EtcdV3Gateway {

    /** Of etcd 3.4 and later, 3.3, and 3.1 and 3.2. */
    private static final List<String> PATHS = List.of("/v3", "/v3beta", "/v3alpha");

    /** Codes of gRPC (google.rpc.Code). */
    private static final int INVALID_ARGUMENT = 3;
    private static final int FAILED_PRECONDITION = 9;
    private static final int UNAUTHENTICATED = 16;

    private final EtcdHttp http;
    private final String folder;
    private final String username;
    private final String password;
    private final ReentrantLock renewal = new ReentrantLock();
    private volatile int path;
    /** "" when authentication turned out to be off, null when there is none yet. */
    private final AtomicReference<String> token;

    /** @param folder of the keys, for messages */
    EtcdV3Gateway(EtcdHttp http, String folder, String username, String password) {
        this.http = http;
        this.folder = folder;
        this.username = username;
        this.password = password;
        this.token = new AtomicReference<>(username.isEmpty() ? "" : null);
    }

    /** Calls what may be repeated. */
    JsonValue read(String method, JsonValue body) throws StoreException, InterruptedException {
        return call(method, body, null, true);
    }

    /** Reads what is long. */
    JsonValue list(String method, JsonValue body, EtcdHttp.LongList list) throws StoreException, InterruptedException {
        return call(method, body, list, true);
    }

    /**
     * Calls what must not be repeated blindly.
     *
     * @throws LostAnswerException when it may have happened or not
     */
    JsonValue write(String method, JsonValue body) throws StoreException, InterruptedException {
        return call(method, body, null, false);
    }

    /** Two methods have moved: until etcd 3.3 revoke and timetolive were below /kv/lease. */
    String leaseMethod(String name) {
        return (path == 0 ? "/lease/" : "/kv/lease/") + name;
    }

    private JsonValue call(String method, JsonValue body, EtcdHttp.LongList list, boolean repeatable)
            throws StoreException, InterruptedException {
        boolean renewed = false;
        while (true) {
            boolean fresh = token.get() == null;
            String used = token();
            EtcdAnswer answer = send(method, body, list, repeatable, used);
            if (answer.status() == 200 && answer.json() != null) {
                return answer.json();
            }
            if (renewed || fresh || !tokenRefused(answer)) {
                throw refused(answer, method);
            }
            forget(used);
            renewed = true;
        }
    }

    private EtcdAnswer send(String method, JsonValue body, EtcdHttp.LongList list, boolean repeatable, String token)
            throws StoreException, InterruptedException {
        String endpoint = "";
        for (int i = 0; i < PATHS.size(); i++) {
            int at = (path + i) % PATHS.size();
            EtcdHttp.Request request = request(PATHS.get(at) + method, body, token);
            EtcdAnswer answer = repeatable ? http.read(request, list) : http.write(request);
            if (answer.status() != 404 || answer.json() != null) {
                path = at;
                return answer;
            }
            endpoint = answer.endpoint();
        }
        throw new NotServedException(endpoint + " does not serve etcd's v3 API over HTTP (etcd 3.1 and later do)");
    }

    private static EtcdHttp.Request request(String path, JsonValue body, String token) {
        // hasleader: a member cut off from its cluster ends a watch instead of keeping it silent for ever
        List<String> headers = token.isEmpty() ? List.of("Grpc-Metadata-hasleader", "true")
                // Authorization is read by 3.3 and later, the other one before that
                : List.of("Grpc-Metadata-hasleader", "true", "Authorization", token, "Grpc-Metadata-Token", token);
        return new EtcdHttp.Request("POST", path, "application/json", body.toString(), headers);
    }

    private String token() throws StoreException, InterruptedException {
        String current = token.get();
        if (current != null) {
            return current;
        }
        // one asks for all that wait
        renewal.lockInterruptibly();
        try {
            current = token.get();
            if (current == null) {
                current = authenticate();
                token.set(current);
            }
            return current;
        } finally {
            renewal.unlock();
        }
    }

    private String authenticate() throws StoreException, InterruptedException {
        String method = "/auth/authenticate";
        EtcdAnswer answer = send(method, JsonValue.object("name", username, "password", password), null, true, "");
        if (answer.status() == 200 && answer.json() != null) {
            String given = answer.json().text("token");
            if (!given.matches("[!-~]+")) { // what a header may hold
                throw new StoreException("etcd at " + answer.endpoint() + " let user " + username + " in and gave no token (v3 API)");
            }
            return given;
        }
        if (code(answer) == FAILED_PRECONDITION) {
            return ""; // authentication is not enabled
        }
        throw refused(answer, method);
    }

    /** True when a new token may help: tokens live for minutes, die with a restart, and with a change of users or roles. */
    private boolean tokenRefused(EtcdAnswer answer) {
        return !username.isEmpty() && (code(answer) == UNAUTHENTICATED || code(answer) == INVALID_ARGUMENT
                && (answer.reason().contains("auth store") || answer.reason().contains("user name is empty")));
    }

    /** Forgets the token; the next call gets a new one. */
    void forgetToken() {
        forget(token.get());
    }

    /** Unless somebody has got another one since. */
    private void forget(String refused) {
        if (!username.isEmpty()) {
            token.compareAndSet(refused, null);
        }
    }

    /** Opens a watch at the member that answered last; null when it was silent to its end, see {@link EtcdHttp#stream}. */
    EtcdStream watch(JsonValue body) throws StoreException, InterruptedException {
        String used = token();
        EtcdStream stream = http.stream(request(PATHS.get(path) + "/watch", body, used), http.timeouts().poll());
        if (stream == null || stream.status() == 200) {
            return stream;
        }
        EtcdAnswer answer;
        try (stream) {
            answer = stream.complete();
        } catch (IOException e) {
            throw new UnavailableException("etcd can't be watched: " + stream.endpoint() + ": " + e.getMessage(), true);
        }
        if (tokenRefused(answer)) {
            forget(used);
        }
        throw refused(answer, "/watch");
    }

    private static long code(EtcdAnswer answer) {
        return answer.json() == null ? 0 : answer.json().integer("code");
    }

    private StoreException refused(EtcdAnswer answer, String method) {
        if (answer.text().startsWith("CommonName of client")) {
            return new StoreException("etcd at " + answer.endpoint() + " has authentication on, and its v3 HTTP API then refuses client"
                    + " certificates with a common name (CN): use a certificate whose subject has no CN, with -etcd-username and"
                    + " -etcd-password");
        }
        if (answer.json() == null && answer.status() == 404) {
            return new NotServedException(answer.endpoint() + " does not serve etcd's v3 API over HTTP");
        }
        return new StoreException("etcd at " + answer.endpoint() + " refused " + method.substring(1)
                + (method.startsWith("/kv") || method.equals("/watch") ? " of " + folder : "") + " (v3 API): " + answer.reason());
    }
}
