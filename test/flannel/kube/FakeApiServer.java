package flannel.kube;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import flannel.json.JsonException;
import flannel.json.JsonValue;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * As much of an API server as a flannel sees, which answers as kube-apiserver 1.20.2 was recorded to: nodes listed in pages and watched by
 * resourceVersion, patches of nodes/status, 401, 403, 404, 409, and 410 once the history is forgotten.
 */
public final class FakeApiServer implements AutoCloseable {

    private record Change(long version, String type, JsonValue.Obj node) {
    }

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Map<String, JsonValue.Obj> nodes = new TreeMap<>();
    private final List<Change> history = new ArrayList<>();
    private final List<HttpExchange> watches = new ArrayList<>();
    private final List<String> requests = new ArrayList<>();
    private long version = 10;
    private long forgotten;
    private String token = "";
    private int conflicts;
    private boolean frozen;
    private boolean forbids;
    private boolean loses;
    private int pages;
    private boolean expires;
    private String padding = "";

    /** @param server bound to its address, not started */
    public FakeApiServer(HttpServer server) {
        this.server = server;
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            try (exchange) {
                answer(exchange);
            }
        });
        server.start();
    }

    public int port() {
        return server.getAddress().getPort();
    }

    // ---- what a test does to it ----

    /** From now on no other bearer token is one of its. */
    public synchronized void token(String token) {
        this.token = token;
    }

    /** The next patch is carried out, and not answered. */
    synchronized void loseAnswerToPatch() {
        loses = true;
    }

    /** The next patches meet a conflict. */
    synchronized void conflicts(int count) {
        conflicts = count;
    }

    /** Lists are given in pages of the size asked for, not whole out of the server's memory. */
    synchronized void paged() {
        pages = 1;
    }

    /** The next page but the first is too old, as after a compaction. */
    synchronized void expireAfterPage() {
        expires = true;
    }

    synchronized int pages() {
        return pages - 1;
    }

    /** Refuses every patch as RBAC does. */
    synchronized void forbid(boolean forbids) {
        this.forbids = forbids;
    }

    /** From now on each node is as large as real ones are. */
    synchronized void pad(String padding) {
        this.padding = padding;
    }

    /** The requests so far: "GET /api/v1/nodes?watch=true…". */
    synchronized List<String> requests() {
        return List.copyOf(requests);
    }

    /** @param podCidr null for none yet */
    public synchronized void node(String name, String podCidr, Map<String, String> annotations) {
        JsonValue.Obj before = nodes.get(name);
        Map<String, JsonValue> all = new LinkedHashMap<>();
        annotations.forEach((key, value) -> all.put(key, new JsonValue.Str(value)));
        JsonValue spec = podCidr == null ? JsonValue.object() : JsonValue.object("podCIDR", podCidr, "podCIDRs", List.of(podCidr));
        write(name, before == null ? "ADDED" : "MODIFIED", JsonValue.object("metadata", JsonValue.object("name", name,
                "uid", before == null ? "uid-" + name + "-" + (version + 1) : before.get("metadata").text("uid"), "annotations", new JsonValue.Obj(all)),
                "spec", spec, "status", before == null ? JsonValue.object() : before.get("status")));
    }

    /** Writes a Go flannel's annotations. */
    public void goNode(String name, String podCidr, String publicIp, String type, String data) {
        node(name, podCidr, Map.of("flannel.alpha.coreos.com/backend-data", data, "flannel.alpha.coreos.com/backend-type", type,
                "flannel.alpha.coreos.com/kube-subnet-manager", "true", "flannel.alpha.coreos.com/public-ip", publicIp));
    }

    /** A kubelet tells how its node is, as each does every few seconds. */
    synchronized void heartbeat(String name) {
        write(name, "MODIFIED", nodes.get(name));
    }

    public synchronized void delete(String name) {
        JsonValue.Obj node = nodes.get(name);
        write(name, "DELETED", node);
        nodes.remove(name);
    }

    /** Everything is another cluster's, or set back. */
    synchronized void restore(long version) {
        nodes.clear();
        history.clear();
        this.version = version;
        forgotten = version;
        cutWatches();
    }

    public synchronized Map<String, String> annotations(String name) {
        Map<String, String> annotations = new TreeMap<>();
        if (nodes.containsKey(name) && nodes.get(name).get("metadata").get("annotations") instanceof JsonValue.Obj(var members)) {
            members.forEach((key, value) -> annotations.put(key, ((JsonValue.Str) value).value()));
        }
        return annotations;
    }

    public synchronized List<JsonValue> conditions(String name) {
        return nodes.get(name).get("status").list("conditions");
    }

    /** Forgets what happened: etcd is compacted. */
    public synchronized void forget() {
        forgotten = version;
        history.clear();
        notifyAll();
    }

    /** How many are open. */
    public synchronized int watches() {
        return watches.size();
    }

    /** Breaks all open watches in the middle, as a server that dies. */
    public synchronized void cutWatches() {
        watches.forEach(HttpExchange::close);
        watches.clear();
        notifyAll();
    }

    /** While it is frozen nothing is answered. */
    synchronized void freeze(boolean frozen) {
        this.frozen = frozen;
        notifyAll();
    }

    /** Tells all watches how far it is. */
    synchronized void bookmark() {
        history.add(new Change(++version, "BOOKMARK", JsonValue.object("kind", "Node", "apiVersion", "v1",
                "metadata", JsonValue.object("resourceVersion", Long.toString(version)))));
        notifyAll();
    }

    private synchronized void write(String name, String type, JsonValue.Obj node) {
        Map<String, JsonValue> metadata = new LinkedHashMap<>(((JsonValue.Obj) node.get("metadata")).members());
        metadata.put("resourceVersion", new JsonValue.Str(Long.toString(++version)));
        if (!padding.isEmpty()) {
            metadata.put("managedFields", JsonValue.object("fieldsV1", padding));
        }
        Map<String, JsonValue> members = new LinkedHashMap<>();
        members.put("kind", new JsonValue.Str("Node"));
        members.put("apiVersion", new JsonValue.Str("v1"));
        members.putAll(node.members());
        members.put("metadata", new JsonValue.Obj(metadata));
        JsonValue.Obj written = new JsonValue.Obj(members);
        nodes.put(name, written);
        history.add(new Change(version, type, written));
        notifyAll();
    }

    // ---- what it answers ----

    private void answer(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String path = exchange.getRequestURI().getPath();
        Map<String, String> query = query(exchange.getRequestURI().getRawQuery());
        synchronized (this) {
            requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
            while (frozen) {
                await();
            }
            if (!token.isEmpty() && !("Bearer " + token).equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
                send(exchange, status(401, "Unauthorized", "Unauthorized"));
                return;
            }
        }
        if (query.containsKey("watch")) {
            watch(exchange, Long.parseLong(query.get("resourceVersion")), Long.parseLong(query.get("timeoutSeconds")));
        } else {
            JsonValue answer = answer(exchange.getRequestMethod(), path, query, body);
            if (exchange.getRequestMethod().equals("PATCH") && isLost()) {
                exchange.close();
            } else {
                send(exchange, answer);
            }
        }
    }

    private synchronized boolean isLost() {
        boolean lost = loses;
        loses = false;
        return lost;
    }

    private void await() {
        try {
            wait(TimeUnit.SECONDS.toMillis(1));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Map<String, String> query(String text) {
        Map<String, String> query = new HashMap<>();
        for (String each : text == null ? new String[0] : text.split("&")) {
            String[] parts = each.split("=", 2);
            query.put(parts[0], parts.length < 2 ? "" : URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
        }
        return query;
    }

    private synchronized JsonValue answer(String method, String path, Map<String, String> query, String body) throws JsonException {
        String[] words = path.split("/");
        if (path.equals("/api/v1/nodes")) {
            return list(query);
        }
        if (path.equals("/api/v1/namespaces/kube-system/pods/flannel-1")) {
            return JsonValue.object("kind", "Pod", "metadata", JsonValue.object("name", "flannel-1"), "spec", JsonValue.object("nodeName", "n1"));
        }
        if (method.equals("PATCH") && path.matches("/api/v1/nodes/[^/]+/status") && nodes.containsKey(words[4])) {
            return patch(words[4], JsonValue.parse(body));
        }
        return status(404, "NotFound", "nodes \"" + words[words.length - 1] + "\" not found");
    }

    private JsonValue list(Map<String, String> query) {
        String wanted = query.getOrDefault("fieldSelector", "metadata.name=").substring("metadata.name=".length());
        List<JsonValue> all = new ArrayList<>();
        nodes.forEach((name, node) -> {
            if (wanted.isEmpty() || name.equals(wanted)) {
                all.add(node);
            }
        });
        String next = query.getOrDefault("continue", "");
        if (!next.isEmpty() && expires) {
            expires = false;
            return status(410, "Expired", "The provided continue parameter is too old to display a consistent list result.");
        }
        int from = next.isEmpty() ? 0 : Integer.parseInt(next.split("\\+")[0]);
        int limit = pages == 0 || !query.containsKey("limit") ? Integer.MAX_VALUE : Integer.parseInt(query.get("limit"));
        boolean more = all.size() - from > limit;
        if (pages > 0 && wanted.isEmpty()) {
            pages++;
        }
        return JsonValue.object("kind", "NodeList", "apiVersion", "v1", "metadata", JsonValue.object("resourceVersion", Long.toString(version),
                "continue", more ? from + limit + "+" + version : null), "items", all.subList(from, more ? from + limit : all.size()));
    }

    private JsonValue patch(String name, JsonValue change) {
        if (forbids) {
            return status(403, "Forbidden", "nodes \"" + name + "\" is forbidden: User \"weak\" cannot patch resource \"nodes/status\" in API group"
                    + " \"\" at the cluster scope");
        }
        JsonValue.Obj node = nodes.get(name);
        JsonValue metadata = change.get("metadata");
        if (conflicts > 0 || metadata != null && !metadata.text("resourceVersion").isEmpty()
                && !metadata.text("resourceVersion").equals(node.get("metadata").text("resourceVersion"))) {
            conflicts--;
            return status(409, "Conflict", "Operation cannot be fulfilled on nodes \"" + name + "\": the object has been modified; please apply your"
                    + " changes to the latest version and try again");
        }
        Map<String, JsonValue> members = new LinkedHashMap<>(node.members());
        if (metadata != null && metadata.get("annotations") instanceof JsonValue.Obj(var changed)) {
            Map<String, JsonValue> now = new LinkedHashMap<>(((JsonValue.Obj) node.get("metadata")).members());
            Map<String, JsonValue> annotations = new LinkedHashMap<>(((JsonValue.Obj) now.get("annotations")).members());
            changed.forEach((key, value) -> {
                if (value instanceof JsonValue.Null) {
                    annotations.remove(key);
                } else {
                    annotations.put(key, value);
                }
            });
            now.put("annotations", new JsonValue.Obj(annotations));
            members.put("metadata", new JsonValue.Obj(now));
        }
        if (change.get("status") instanceof JsonValue status) {
            List<JsonValue> conditions = new ArrayList<>(node.get("status").list("conditions"));
            for (JsonValue condition : status.list("conditions")) {     // merged by type
                conditions.removeIf(each -> each.text("type").equals(condition.text("type")));
                conditions.add(condition);
            }
            members.put("status", JsonValue.object("conditions", conditions));
        }
        if (new JsonValue.Obj(members).equals(node)) {
            return node;    // a patch without effect makes no new version
        }
        write(name, "MODIFIED", new JsonValue.Obj(members));
        return nodes.get(name);
    }

    private static JsonValue status(int code, String reason, String message) {
        return JsonValue.object("kind", "Status", "apiVersion", "v1", "metadata", JsonValue.object(), "status", "Failure", "message", message,
                "reason", reason, "code", code);
    }

    private static void send(HttpExchange exchange, JsonValue answer) throws IOException {
        byte[] bytes = answer.toString().getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(answer.text("kind").equals("Status") ? (int) answer.integer("code") : 200, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    private void watch(HttpExchange exchange, long from, long seconds) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, 0);
        OutputStream out = exchange.getResponseBody();
        out.flush();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        long at = from;
        synchronized (this) {
            watches.add(exchange);
            while (System.nanoTime() < end && watches.contains(exchange)) {
                if (at < forgotten) {
                    write(out, JsonValue.object("type", "ERROR", "object", status(410, "Expired", "The resourceVersion for the provided watch is too old.")));
                    break;
                }
                for (Change change : List.copyOf(history)) {
                    if (change.version() > at) {
                        at = change.version();
                        write(out, JsonValue.object("type", change.type(), "object", change.node()));
                    }
                }
                await();
            }
            watches.remove(exchange);
        }
    }

    private static void write(OutputStream out, JsonValue event) throws IOException {
        out.write((event + "\n").getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    @Override
    public void close() {
        cutWatches();
        server.stop(0);
        threads.shutdownNow();
    }
}
