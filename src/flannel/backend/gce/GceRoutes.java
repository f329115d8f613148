package flannel.backend.gce;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.backend.cloud.CloudRoute;
import flannel.backend.cloud.Http;
import flannel.backend.cloud.RouteTable;
import flannel.backend.cloud.RouteTables;
import flannel.json.JsonValue;
import flannel.kernel.Underlay;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The routes of a Google Cloud VPC network. They are resources of the network's project, each with a name, and can't be changed: another
 * next hop means another route. Of one destination there may be several, and packets are spread over those of one priority.
 *
 * <p>A route is flannel's when its name is that of its destination ({@link RouteNames}); another host's is this network's when its
 * description is ours, or missing as in the original. The next hop of what is written here is this instance; in a shared VPC, where that
 * is in another project than the route, the instance's address.
 */
final class GceRoutes implements RouteTables {

    /** Routes that somebody made; those of the cloud's own subnets don't count. IPv4 and IPv6 together. */
    static final String QUOTA = "STATIC_ROUTES_PER_NETWORK";
    private static final int USUAL_QUOTA = 200;

    /** The default, and the original's. */
    private static final int PRIORITY = 1000;

    /** Of its warnings, those that say that a route's packets end nowhere. */
    private static final Set<String> NOBODY_THERE = Set.of("NEXT_HOP_INSTANCE_NOT_FOUND", "NEXT_HOP_NOT_RUNNING",
            "NEXT_HOP_INSTANCE_NOT_ON_NETWORK", "NEXT_HOP_ADDRESS_NOT_ASSIGNED");

    private static final String NOT_FORWARDING = "NEXT_HOP_CANNOT_IP_FORWARD";

    /** The kind, without its plural, and the name. */
    private static final Pattern RESOURCE = Pattern.compile("^projects/.*/([^/]+)s/([^/]+)$");

    /** As many foreign routes are told of; somebody who has more knows. */
    private static final int MOST_WARNINGS = 20;

    private final Metadata metadata;
    private final Compute compute;
    private final Underlay underlay;
    private final Ipv4Subnet range;
    private final String description;
    private final Log log;

    private final Set<String> warnedOf = new HashSet<>();
    /** Of the routes last read, by name. */
    private final Map<String, String> ids = new HashMap<>();
    private Instance self;
    private RouteNames names;
    private boolean forwards;

    /**
     * Makes no request yet.
     *
     * @param clock    wall clock
     * @param underlay the interface that leads to the other hosts
     * @param range    the whole network's
     * @throws IllegalArgumentException with a sentence when a variable of the environment can't be meant
     */
    GceRoutes(Map<String, String> environment, Http http, InstantSource clock, Underlay underlay, Ipv4Subnet range, Log log) {
        this.metadata = new Metadata(environment, http);
        this.compute = new Compute(environment, http, Credentials.find(environment, http, metadata, clock));
        this.underlay = underlay;
        this.range = range;
        this.description = "flannel network " + range;
        this.log = log;
    }

    @Override
    public List<RouteTable> list() throws CloudException, InterruptedException {
        if (self == null) {
            self = Instance.find(metadata, compute, underlay);
            names = new RouteNames(self.network());
        }
        List<CloudRoute> routes = new ArrayList<>();
        int[] used = new int[1];
        ids.clear();
        compute.list("routes.list", collection(), route -> {
            if (Compute.path(route.text("network")).equals(self.network())) {
                used[0] += isStatic(route) ? 1 : 0;
                add(route, routes);
            }
        });
        return List.of(new RouteTable(self.network(), routes, used[0], new RouteTable.Quota(QUOTA, USUAL_QUOTA)));
    }

    private String collection() {
        return "projects/" + self.networkProject() + "/global/routes";
    }

    /** Not one of the cloud's subnets or of its peers. */
    private static boolean isStatic(JsonValue route) {
        return route.text("nextHopNetwork").isEmpty() && route.text("nextHopPeering").isEmpty();
    }

    private void add(JsonValue route, List<CloudRoute> routes) {
        Ipv4Subnet destination;
        try {
            destination = Ipv4Subnet.parse(route.text("destRange"));
        } catch (IllegalArgumentException e) {
            return; // IPv6
        }
        String name = route.text("name");
        CloudRoute.Kind kind = kind(route, destination);
        String target = target(route);
        ids.put(name, route.text("id").isEmpty() ? name : route.text("id"));
        routes.add(new CloudRoute(destination, name, target, kind));
        if (kind == CloudRoute.Kind.FOREIGN && range.contains(destination) && warnedOf.size() < MOST_WARNINGS && warnedOf.add(name)) {
            log.warning("The route " + name + " of " + self.network() + " is not flannel's and leads " + destination + " to " + target
                    + " with priority " + route.integer("priority") + ": it may take packets of the network " + range + " elsewhere");
        }
        if (kind == CloudRoute.Kind.OWN) {
            forwards = !warnings(route).contains(NOT_FORWARDING);
        }
    }

    private CloudRoute.Kind kind(JsonValue route, Ipv4Subnet destination) {
        if (!names.of(destination).contains(route.text("name")) || !route.list("tags").isEmpty()) {
            return CloudRoute.Kind.FOREIGN;
        }
        if (leadsHere(route)) {
            return CloudRoute.Kind.OWN;
        }
        String says = route.text("description");
        if (!says.isEmpty() && !says.equals(description)) {
            return CloudRoute.Kind.FOREIGN;
        }
        return warnings(route).stream().anyMatch(NOBODY_THERE::contains) ? CloudRoute.Kind.DEAD : CloudRoute.Kind.ELSEWHERE;
    }

    private boolean leadsHere(JsonValue route) {
        return Compute.path(route.text("nextHopInstance")).equals(self.path()) || route.text("nextHopIp").equals(self.address());
    }

    private static List<String> warnings(JsonValue route) {
        return route.list("warnings").stream().map(warning -> warning.text("code")).toList();
    }

    /** A route has exactly one next hop, in a member of its own. */
    private static String target(JsonValue route) {
        if (route instanceof JsonValue.Obj(Map<String, JsonValue> members)) {
            for (var member : members.entrySet()) {
                if (member.getKey().startsWith("nextHop") && member.getValue() instanceof JsonValue.Str(String hop)) {
                    return RESOURCE.matcher(Compute.path(hop)).replaceFirst("$1 $2");
                }
            }
        }
        return "nowhere";
    }

    @Override
    public void admit() throws CloudException, InterruptedException {
        forwards = forwards || compute.get("instances.get", self.path()).isTrue("canIpForward"); // absent means false
        if (!forwards) {
            throw new CloudException(Kind.UNUSABLE, "forwarding", self.path(), "",
                    "canIpForward is off, so the cloud drops the containers' packets",
                    "set it (gcloud compute instances export, edit, update-from-file), or make instances with --can-ip-forward");
        }
    }

    /**
     * A route that stands in the place goes when the new one is there, which is beside it for a moment: packets are spread over both.
     */
    @Override
    public void put(RouteTable table, Ipv4Subnet destination, CloudRoute before) throws CloudException, InterruptedException {
        insert(destination, before == null ? "" : before.name());
        if (before != null) {
            delete(table, before);
        }
    }

    private void insert(Ipv4Subnet destination, String taken) throws CloudException, InterruptedException {
        for (String name : names.of(destination)) {
            if (name.equals(taken)) {
                continue;
            }
            try {
                compute.insert("routes.insert", collection(), route(name, destination));
                return;
            } catch (CloudException e) {
                if (e.kind() != Kind.CONFLICT) {
                    throw e;
                }
                if (isHere(name, destination, e)) {
                    return; // the list was older than our own route
                }
            }
        }
        throw new CloudException(Kind.UNUSABLE, "routes.insert", collection(), "", "all names for " + destination + " are taken",
                "remove the routes " + names.of(destination));
    }

    private JsonValue route(String name, Ipv4Subnet destination) {
        return JsonValue.object("name", name,
                "description", description,
                "network", compute.link(self.network()),
                "destRange", destination.toString(),
                "nextHopInstance", self.isOnSharedNetwork() ? null : compute.link(self.path()),
                "nextHopIp", self.isOnSharedNetwork() ? self.address() : null,
                "priority", PRIORITY);
    }

    /** Looks at the route that has a name: true when it is ours, false when it is another network's, else there is nothing to do. */
    private boolean isHere(String name, Ipv4Subnet destination, CloudException conflict) throws CloudException, InterruptedException {
        JsonValue found = compute.get("routes.get", collection() + "/" + name);
        String network = Compute.path(found.text("network"));
        if (!network.equals(self.network())) {
            if (warnedOf.add(name)) {
                log.warning("The route name " + name + " is taken by " + network + ": ours for " + destination + " gets another");
            }
            return false;
        }
        boolean isFor = found.text("destRange").equals(destination.toString());
        if (isFor && kind(found, destination) == CloudRoute.Kind.FOREIGN) {
            throw new CloudException(Kind.UNUSABLE, "routes.insert", collection() + "/" + name, "409",
                    "it is there, leads to " + target(found) + ", and is described as \"" + found.text("description") + "\"",
                    "use another Network than it does, or remove it");
        }
        if (isFor && !leadsHere(found)) {
            throw conflict;
        }
        return isFor;
    }

    /** By its number, for somebody may have made another of the same name since. */
    @Override
    public void delete(RouteTable table, CloudRoute route) throws CloudException, InterruptedException {
        compute.delete("routes.delete", collection() + "/" + ids.getOrDefault(route.name(), route.name()));
    }

    /** The cloud has no dry run: what is not permitted is told by the first request that needs it. */
    @Override
    public void rehearse(RouteTable table, Ipv4Subnet destination) {
    }

    @Override
    public String self() {
        return self.describe();
    }
}
