package flannel.backend.gce;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The Compute Engine API as far as routes need it: instances, networks, routes with their warnings, and operations that take their time.
 * Who may call what is {@link FakeGoogle}'s. Links in its answers begin with another host than requests', as the real ones may.
 */
public final class FakeCompute {

    static final String LINK = "https://www.googleapis.com/compute/v1/";

    /** A refusal, in the API's own words. */
    static class Refusal extends Exception {

        private static final long serialVersionUID = 1L;

        final int status;
        final String reason;

        Refusal(int status, String reason, String message) {
            super(message);
            this.status = status;
            this.reason = reason;
        }

        JsonValue json() {
            return JsonValue.object("error", JsonValue.object("code", status, "message", getMessage(), "errors",
                    List.of(JsonValue.object("message", getMessage(), "domain", "global", "reason", reason))));
        }
    }

    /** Asked before anything is done or told. */
    interface Access {
        void need(String permission, String resource) throws Refusal;
    }

    /** @param network its path */
    record Nic(String mac, String ip, String network) {
    }

    /** A virtual machine; a test changes it as it likes. */
    public static final class Instance {

        final String project;
        final String zone;
        public final String name;
        final List<Nic> nics;
        String status = "RUNNING";
        public boolean canIpForward = true;
        /** Of its service account; null for none. */
        public String account;
        List<String> scopes = List.of("https://www.googleapis.com/auth/devstorage.read_only", Credentials.SCOPE);

        Instance(String project, String zone, String name, String account, List<Nic> nics) {
            this.project = project;
            this.zone = zone;
            this.name = name;
            this.account = account;
            this.nics = nics;
        }

        String address(String network) {
            return nics.stream().filter(nic -> nic.network().equals(network)).findFirst().orElseThrow().ip();
        }

        String path() {
            return "projects/" + project + "/zones/" + zone + "/instances/" + name;
        }
    }

    private record Route(String project, String id, Map<String, JsonValue> members, Instant since) {

        String text(String name) {
            return members.get(name) instanceof JsonValue.Str(String value) ? value : "";
        }

        String path() {
            return "projects/" + project + "/global/routes/" + text("name");
        }
    }

    private record Operation(String name, String type, String target, Instant end, Refusal error) {
    }

    private final FakeGoogle.Time time;
    final Map<String, Instance> instances = new LinkedHashMap<>();
    /** The ranges of the subnets of each network, by its path. */
    final Map<String, List<Ipv4Subnet>> networks = new HashMap<>();
    private final Map<String, Route> routes = new TreeMap<>();
    private final Map<Route, Instant> gone = new LinkedHashMap<>();
    private final Map<String, Operation> operations = new HashMap<>();
    private long numbers = 4_000_000_000_000_000_000L;

    /** Of routes that somebody made, of one network. */
    int quota = 200;
    public Duration operationTime = Duration.ofSeconds(2);
    /** How old a list may be. A single route is always read as it is. */
    Duration lag = Duration.ZERO;
    /** Whether to wait for an operation, or to answer at once. */
    boolean patient = true;
    /** A peering of the networks changes until then. */
    Instant busyUntil = Instant.MIN;

    FakeCompute(FakeGoogle.Time time) {
        this.time = time;
    }

    JsonValue call(String method, String path, Map<String, String> query, String body, Access access) throws Refusal, InterruptedException {
        String project = path.split("/")[1];
        String name = path.substring(path.lastIndexOf('/') + 1);
        if (path.matches("projects/[^/]+/zones/[^/]+/instances/[^/]+") && method.equals("GET")) {
            access.need("compute.instances.get", path);
            return json(instance(path));
        }
        if (path.matches("projects/[^/]+/global/routes")) {
            switch (method) {
                case "GET" -> access.need("compute.routes.list", "projects/" + project);
                case "POST" -> access.need("compute.routes.create", path + "/" + parse(body).text("name"));
                default -> throw new Refusal(405, "methodNotAllowed", method);
            }
            return method.equals("GET") ? list(project, query) : insert(project, parse(body), access);
        }
        if (path.matches("projects/[^/]+/global/routes/[^/]+")) {
            access.need(method.equals("GET") ? "compute.routes.get" : "compute.routes.delete", path);
            Route route = find(path, name);
            return method.equals("GET") ? json(route) : delete(route, access);
        }
        if (path.matches("projects/[^/]+/global/operations/[^/]+/wait") && method.equals("POST")) {
            access.need("compute.globalOperations.get", "projects/" + project);
            return await(operations.get(path.split("/")[4]));
        }
        throw new Refusal(404, "notFound", "The requested URL " + path + " was not found");
    }

    private static JsonValue parse(String body) throws Refusal {
        try {
            return JsonValue.parse(body);
        } catch (JsonException e) {
            throw new Refusal(400, "parseError", "Parse Error");
        }
    }

    private static Refusal notFound(String path) {
        return new Refusal(404, "notFound", "The resource '" + path + "' was not found");
    }

    // ---- instances ----

    private Instance instance(String path) throws Refusal {
        Instance instance = instances.get(path);
        if (instance == null) {
            throw notFound(path);
        }
        return instance;
    }

    private static JsonValue json(Instance instance) {
        List<JsonValue> nics = new ArrayList<>();
        for (Nic nic : instance.nics) {
            nics.add(JsonValue.object("kind", "compute#networkInterface", "name", "nic" + nics.size(), "network", LINK + nic.network(),
                    "networkIP", nic.ip()));
        }
        return JsonValue.object("kind", "compute#instance", "name", instance.name, "zone", LINK + "projects/" + instance.project + "/zones/"
                + instance.zone, "status", instance.status, "selfLink", LINK + instance.path(), "networkInterfaces", nics,
                "canIpForward", instance.canIpForward ? true : null);
    }

    // ---- routes ----

    /** As it was {@link #lag} ago, a page at a time. */
    private JsonValue list(String project, Map<String, String> query) {
        Instant moment = time.instant().minus(lag);
        gone.values().removeIf(end -> !end.isAfter(moment));
        List<Route> all = Stream.concat(routes.values().stream(), gone.keySet().stream())
                .filter(route -> route.project().equals(project) && !route.since().isAfter(moment)).toList();
        int from = Integer.parseInt(query.getOrDefault("pageToken", "0"));
        int to = Math.min(all.size(), from + Integer.parseInt(query.getOrDefault("maxResults", "500")));
        List<JsonValue> items = all.subList(from, to).stream().map(this::json).toList();
        return JsonValue.object("kind", "compute#routeList", "items", items.isEmpty() ? null : items,
                "nextPageToken", to < all.size() ? Integer.toString(to) : null);
    }

    private JsonValue json(Route route) {
        List<String> warnings = warnings(route);
        if (warnings.isEmpty()) {
            return new JsonValue.Obj(route.members());
        }
        Map<String, JsonValue> members = new LinkedHashMap<>(route.members());
        members.put("warnings", new JsonValue.Arr(warnings.stream().map(FakeCompute::warning).toList()));
        return new JsonValue.Obj(members);
    }

    private static JsonValue warning(String code) {
        return JsonValue.object("code", code, "message", "...");
    }

    private List<String> warnings(Route route) {
        String network = Compute.path(route.text("network"));
        String ip = route.text("nextHopIp");
        if (!ip.isEmpty()) {
            return owner(network, ip).map(instance -> state(instance, network)).orElse(List.of("NEXT_HOP_ADDRESS_NOT_ASSIGNED"));
        }
        if (route.text("nextHopInstance").isEmpty()) {
            return List.of();
        }
        Instance instance = instances.get(Compute.path(route.text("nextHopInstance")));
        return instance == null ? List.of("NEXT_HOP_INSTANCE_NOT_FOUND") : state(instance, network);
    }

    private static List<String> state(Instance instance, String network) {
        if (instance.nics.stream().noneMatch(nic -> nic.network().equals(network))) {
            return List.of("NEXT_HOP_INSTANCE_NOT_ON_NETWORK");
        }
        return !instance.status.equals("RUNNING") ? List.of("NEXT_HOP_NOT_RUNNING")
                : instance.canIpForward ? List.of() : List.of("NEXT_HOP_CANNOT_IP_FORWARD");
    }

    private Optional<Instance> owner(String network, String ip) {
        return instances.values().stream().filter(instance -> instance.nics.stream()
                .anyMatch(nic -> nic.network().equals(network) && nic.ip().equals(ip))).findFirst();
    }

    private Route find(String path, String nameOrId) throws Refusal {
        for (Route route : routes.values()) {
            if (route.path().equals(path) || path.startsWith("projects/" + route.project() + "/") && route.id().equals(nameOrId)) {
                return route;
            }
        }
        throw notFound(path);
    }

    private JsonValue insert(String project, JsonValue body, Access access) throws Refusal {
        String name = body.text("name");
        String network = Compute.path(body.text("network"));
        String path = "projects/" + project + "/global/routes/" + name;
        access.need("compute.networks.updatePolicy", network);
        if (!name.matches("[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")) {
            throw new Refusal(400, "invalid", "Invalid value for field 'resource.name': '" + name + "'. Must be a match of regex "
                    + "'(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'");
        }
        if (!networks.containsKey(network)) {
            throw notFound(network);
        }
        Map<String, JsonValue> members = new LinkedHashMap<>(((JsonValue.Obj) body).members());
        members.put("kind", new JsonValue.Str("compute#route"));
        members.put("id", new JsonValue.Str(Long.toString(numbers++)));
        members.put("network", new JsonValue.Str(LINK + network));
        members.put("selfLink", new JsonValue.Str(LINK + path));
        members.putIfAbsent("priority", new JsonValue.Num("1000"));
        if (!body.text("nextHopInstance").isEmpty()) {
            String instance = Compute.path(body.text("nextHopInstance"));
            if (!instance.startsWith("projects/" + project + "/") || !instances.containsKey(instance)) {
                throw new Refusal(400, "invalid", "Invalid value for field 'resource.nextHopInstance': '" + body.text("nextHopInstance")
                        + "'. The URL is malformed or the instance is in another project.");
            }
            access.need("compute.instances.use", instance);
            members.put("nextHopInstance", new JsonValue.Str(LINK + instance));
        }
        Ipv4Subnet range = Ipv4Subnet.parse(body.text("destRange"));
        if (networks.get(network).stream().anyMatch(subnet -> subnet.contains(range))) {
            throw new Refusal(400, "invalid", "Invalid value for field 'resource.destRange': '" + range + "'. Destination range "
                    + "'resource.destRange' hides the reserved address space for network");
        }
        refuseWhileBusy();
        if (routes.containsKey(path)) {
            throw new Refusal(409, "alreadyExists", "The resource '" + path + "' already exists");
        }
        if (used(network) >= quota) {
            return begin("insert", path, new Refusal(403, "QUOTA_EXCEEDED", "Quota 'STATIC_ROUTES_PER_NETWORK' exceeded.  Limit: "
                    + quota + ".0 globally."));
        }
        routes.put(path, new Route(project, ((JsonValue.Str) members.get("id")).value(), members, time.instant().plus(operationTime)));
        return begin("insert", path, null);
    }

    private long used(String network) {
        return routes.values().stream().filter(route -> Compute.path(route.text("network")).equals(network)
                && route.text("nextHopNetwork").isEmpty()).count();
    }

    private JsonValue delete(Route route, Access access) throws Refusal {
        access.need("compute.networks.updatePolicy", Compute.path(route.text("network")));
        refuseWhileBusy();
        routes.remove(route.path());
        gone.put(route, time.instant().plus(operationTime));
        return begin("delete", route.path(), null);
    }

    private void refuseWhileBusy() throws Refusal {
        if (time.instant().isBefore(busyUntil)) {
            throw new Refusal(400, "badRequest", "There is a peering operation in progress on the local or peer network. Try again later.");
        }
    }

    // ---- operations ----

    private JsonValue begin(String type, String target, Refusal error) {
        Operation operation = new Operation("operation-" + numbers++, type, target, time.instant().plus(operationTime), error);
        operations.put(operation.name(), operation);
        return json(operation);
    }

    /** At most two minutes. */
    private JsonValue await(Operation operation) throws Refusal, InterruptedException {
        if (operation == null) {
            throw new Refusal(404, "notFound", "The operation was not found");
        }
        Instant limit = time.instant().plus(Duration.ofMinutes(2));
        if (patient && time.instant().isBefore(operation.end())) {
            time.await(operation.end().isBefore(limit) ? operation.end() : limit);
        }
        return json(operation);
    }

    private JsonValue json(Operation operation) {
        boolean isDone = !time.instant().isBefore(operation.end());
        Refusal error = isDone ? operation.error() : null;
        JsonValue errors = error == null ? null
                : JsonValue.object("errors", List.of(JsonValue.object("code", error.reason, "message", error.getMessage())));
        return JsonValue.object("kind", "compute#operation", "name", operation.name(), "operationType", operation.type(),
                "targetLink", LINK + operation.target(), "status", isDone ? "DONE" : "RUNNING",
                "error", errors, "httpErrorStatusCode", error == null ? null : error.status);
    }

    // ---- what a test sees ----

    /**
     * Makes a route as somebody else would.
     *
     * @param hop    an address, or the path of an instance or of a gateway
     * @param others further members: name, value, name, value
     */
    void put(String name, String network, String destination, String hop, String... others) {
        String member = hop.contains("/instances/") ? "nextHopInstance" : hop.contains("/gateways/") ? "nextHopGateway" : "nextHopIp";
        String id = Long.toString(numbers++);
        Map<String, JsonValue> members = new LinkedHashMap<>(JsonValue.object("name", name, "id", id, "network", LINK + network,
                "destRange", destination, "priority", 1000, member, hop.contains("/") ? LINK + hop : hop).members());
        for (int i = 0; i < others.length; i += 2) {
            members.put(others[i], new JsonValue.Str(others[i + 1]));
        }
        Route route = new Route(network.split("/")[1], id, members, Instant.MIN);
        routes.put(route.path(), route);
    }

    /** The routes of a network in their order, each as {@code name destination nextHop}. */
    List<String> routes(String network) {
        return routes.values().stream().filter(route -> Compute.path(route.text("network")).equals(network))
                .map(route -> route.text("name") + " " + route.text("destRange") + " " + nextHop(route)).sorted().toList();
    }

    private static String nextHop(Route route) {
        String instance = route.text("nextHopInstance");
        return instance.isEmpty() ? route.text("nextHopIp") : instance.substring(instance.lastIndexOf('/') + 1);
    }

    /** Where packets to an address are led now: the instances of the best routes; empty when there is none. */
    List<Instance> hops(String network, Ipv4 address) {
        Instant now = time.instant();
        List<Route> fitting = Stream.concat(routes.values().stream(), gone.keySet().stream().filter(route -> gone.get(route).isAfter(now)))
                .filter(route -> Compute.path(route.text("network")).equals(network) && !route.since().isAfter(now))
                .filter(route -> range(route).contains(address)).toList();
        int longest = fitting.stream().mapToInt(route -> range(route).prefixLength()).max().orElse(0);
        return fitting.stream().filter(route -> range(route).prefixLength() == longest).flatMap(route -> hop(network, route).stream())
                .filter(instance -> instance.canIpForward && instance.status.equals("RUNNING")).toList();
    }

    /** What the network's router does now: the next hop's address by destination. */
    Map<String, String> table(String network) {
        Map<String, String> table = new HashMap<>();
        for (Route route : routes.values()) {
            Ipv4Subnet range = range(route);
            hops(network, range.base()).stream().findFirst().ifPresent(hop -> table.put(range.toString(), hop.address(network)));
        }
        return table;
    }

    private static Ipv4Subnet range(Route route) {
        return Ipv4Subnet.parse(route.text("destRange"));
    }

    private Optional<Instance> hop(String network, Route route) {
        String ip = route.text("nextHopIp");
        return ip.isEmpty() ? Optional.ofNullable(instances.get(Compute.path(route.text("nextHopInstance")))) : owner(network, ip);
    }
}
