package flannel.backend.gce;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.backend.cloud.CloudRoute;
import flannel.backend.cloud.Http;
import flannel.backend.cloud.RouteTable;
import flannel.backend.gce.FakeCompute.Instance;
import flannel.backend.gce.FakeCompute.Nic;
import flannel.kernel.Underlay;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class GceRoutesTest {

    private static final String NETWORK = "projects/p/global/networks/fnet";
    private static final String OTHER_NETWORK = "projects/p/global/networks/other";
    private static final String MAC = "42:01:0a:80:00:02";
    private static final Ipv4Subnet RANGE = Ipv4Subnet.parse("10.40.0.0/16");
    private static final Ipv4Subnet SUBNET = Ipv4Subnet.parse("10.40.5.0/24");
    private static final Ipv4 CONTAINER = Ipv4.parse("10.40.5.2");
    private static final String ROUTE = "flannel-10-40-5-0-24";

    private final FakeGoogle.VirtualTime time = new FakeGoogle.VirtualTime();
    private final FakeGoogle google = new FakeGoogle(time);
    private final Instance node = google.instance("p", "node-1", MAC, "10.128.0.2", NETWORK);
    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
    private final GceRoutes routes = routes(node, MAC);

    private GceRoutes routes(Instance instance, String mac) {
        Ipv4 address = Ipv4.parse("10.128.0.2");
        Underlay underlay = new Underlay("eth0", 2, address, new Ipv4Subnet(address, 32), 1460, MacAddress.parse(mac));
        return new GceRoutes(Map.of("HOME", "/nonexistent"), google.seenFrom(instance), time, underlay, RANGE,
                new Log(new PrintStream(logged, true), 0));
    }

    private RouteTable list() throws Exception {
        return routes.list().getFirst();
    }

    /** What a round does for the subnet, as the keeper would. */
    private void put() throws Exception {
        RouteTable table = list();
        routes.admit();
        List<CloudRoute> there = table.routes().stream().filter(route -> route.destination().equals(SUBNET)
                && route.kind() != CloudRoute.Kind.FOREIGN).toList();
        if (there.stream().noneMatch(route -> route.kind() == CloudRoute.Kind.OWN)) {
            routes.put(table, SUBNET, there.isEmpty() ? null : there.getFirst());
        }
    }

    private CloudRoute listed(String name) throws Exception {
        return list().routes().stream().filter(route -> route.name().equals(name)).findFirst().orElseThrow();
    }

    private String log() {
        return logged.toString(StandardCharsets.UTF_8);
    }

    private static CloudException fails(org.junit.jupiter.api.function.Executable work, Kind kind) {
        CloudException e = assertThrows(CloudException.class, work);
        assertEquals(kind, e.kind(), e.getMessage());
        return e;
    }

    @Test
    void makesTheRouteThatTheOriginalWouldMake() throws Exception {
        List<String> bodies = new ArrayList<>();
        google.fault = request -> {
            if (request.method().equals("POST") && request.uri().getPath().endsWith("/routes")) {
                bodies.add(request.body());
            }
            return null;
        };
        put();
        String root = "https://compute.googleapis.com/compute/v1/";
        assertEquals(List.of("{\"name\":\"" + ROUTE + "\",\"description\":\"flannel network 10.40.0.0/16\",\"network\":\"" + root + NETWORK
                + "\",\"destRange\":\"10.40.5.0/24\",\"nextHopInstance\":\"" + root + node.path() + "\",\"priority\":1000}"), bodies);
        assertEquals(List.of(ROUTE + " 10.40.5.0/24 node-1"), google.compute.routes(NETWORK));
        assertEquals(List.of(node), google.compute.hops(NETWORK, CONTAINER));
        assertEquals("instance node-1", routes.self());
    }

    /** Three reads and a change for a new host, one read for each look after that, also by a daemon that was started anew. */
    @Test
    void asksForNoMoreThanItNeeds() throws Exception {
        put();
        String api = "/compute/v1/projects/p/";
        List<String> calls = google.calls.stream().filter(call -> call.contains(api)).toList();
        assertEquals(List.of("GET " + api + "global/routes", "GET " + api + "zones/us-central1-a/instances/node-1",
                "POST " + api + "global/routes"), calls.subList(0, 3));
        assertTrue(calls.get(3).matches("POST " + api + "global/operations/operation-\\d+/wait"), calls.get(3));
        assertEquals(4, calls.size());
        google.calls.clear();
        put();
        assertEquals(List.of("GET " + api + "global/routes"), google.calls);
        google.calls.clear();
        routes(node, MAC).list();
        calls = google.calls.stream().filter(call -> call.contains(api)).toList();
        assertEquals(List.of("GET " + api + "global/routes"), calls, "a new daemon's");
    }

    @Test
    void keepsTheOriginalsRoute() throws Exception {
        google.compute.put(ROUTE, NETWORK, "10.40.5.0/24", node.path());
        assertEquals(CloudRoute.Kind.OWN, listed(ROUTE).kind());
    }

    @Test
    void keepsItsOwnRouteWhenTheNetworkWasGivenAnotherRange() throws Exception {
        google.compute.put(ROUTE, NETWORK, "10.40.5.0/24", node.path(), "description",
                "flannel network 10.40.0.0/20");
        put();
        assertEquals(CloudRoute.Kind.OWN, listed(ROUTE).kind());
        assertEquals(1, google.compute.routes(NETWORK).size());
    }

    @Test
    void replacesWithoutAMomentWithoutARoute() throws Exception {
        Instance before = google.instance("p", "node-0", "42:01:0a:80:00:09", "10.128.0.9", NETWORK);
        google.compute.put(ROUTE, NETWORK, "10.40.5.0/24", before.path());
        google.fault = request -> {
            assertFalse(google.compute.hops(NETWORK, CONTAINER).isEmpty(), "a gap");
            return null;
        };
        assertEquals(CloudRoute.Kind.ELSEWHERE, listed(ROUTE).kind());
        assertEquals("instance node-0", listed(ROUTE).target());
        put();
        assertEquals(List.of(node), google.compute.hops(NETWORK, CONTAINER));
        List<String> left = google.compute.routes(NETWORK);
        assertEquals(1, left.size());
        assertTrue(left.getFirst().matches(ROUTE + "-[0-9a-f]{8} 10\\.40\\.5\\.0/24 node-1"), left.getFirst());
        put();
        assertEquals(left, google.compute.routes(NETWORK));
    }

    @Test
    void aDeadOnesRouteUnderASecondNameIsReplacedByTheFirst() throws Exception {
        String second = new RouteNames(NETWORK).of(SUBNET).get(1);
        google.compute.put(second, NETWORK, "10.40.5.0/24", "projects/p/zones/z/instances/gone");
        put();
        assertEquals(List.of(ROUTE + " 10.40.5.0/24 node-1"), google.compute.routes(NETWORK));
    }

    @Test
    void anotherNetworkOfTheProjectMayHaveTheSameSubnets() throws Exception {
        Instance other = google.instance("p", "node-x", "42:01:0a:80:00:09", "10.128.0.2", OTHER_NETWORK);
        google.compute.put(ROUTE, OTHER_NETWORK, "10.40.5.0/24", other.path());
        put();
        assertEquals(List.of(ROUTE + " 10.40.5.0/24 node-x"), google.compute.routes(OTHER_NETWORK));
        assertEquals(List.of(new RouteNames(NETWORK).of(SUBNET).get(1) + " 10.40.5.0/24 node-1"), google.compute.routes(NETWORK));
        assertTrue(log().contains("The route name " + ROUTE + " is taken by " + OTHER_NETWORK), log());
        assertEquals(1, list().used());
    }

    @Test
    void aSharedVpcsRouteIsInItsProjectAndLeadsToTheAddress() throws Exception {
        String shared = "projects/host-project/global/networks/shared";
        Instance guest = google.instance("p", "guest", "42:01:0a:80:00:07", "10.200.0.7", shared);
        GceRoutes there = routes(guest, "42:01:0a:80:00:07");
        RouteTable table = there.list().getFirst();
        there.admit();
        there.put(table, SUBNET, null);
        assertEquals(List.of(ROUTE + " 10.40.5.0/24 10.200.0.7"), google.compute.routes(shared));
        assertEquals(List.of(guest), google.compute.hops(shared, CONTAINER));
        assertEquals(CloudRoute.Kind.OWN, there.list().getFirst().routes().getFirst().kind());
        assertEquals("instance guest (10.200.0.7)", there.self());
    }

    @Test
    void theNetworkIsThatOfTheInterfaceInUse() throws Exception {
        Instance two = new Instance("p", "us-central1-a", "two", node.account,
                List.of(new Nic("42:01:0a:80:00:21", "10.128.0.21", NETWORK), new Nic("42:01:0A:81:00:21", "10.129.0.21", OTHER_NETWORK)));
        google.compute.instances.put(two.path(), two);
        google.compute.networks.put(OTHER_NETWORK, List.of());
        assertEquals(OTHER_NETWORK, routes(two, "42:01:0a:81:00:21").list().getFirst().id());
        CloudException e = fails(() -> routes(two, "42:01:0a:99:00:21").list(), Kind.UNUSABLE);
        assertEquals("looking for the network interface on eth0 (10.128.0.2, 42:01:0a:99:00:21) failed: the instance has nic0"
                + " 42:01:0a:80:00:21, nic1 42:01:0A:81:00:21: choose one of these by -iface", e.getMessage());
    }

    @Test
    void nonsenseInMetadataIsTold() {
        google.fault = request -> request.uri().getPath().endsWith("instance/name")
                ? new Http.Answer(200, Map.of("metadata-flavor", List.of("Google")), "node 1") : null;
        assertTrue(fails(this::put, Kind.UNUSABLE).getMessage().contains("characters that no path may have"));
    }

    @Test
    void saysThatForwardingIsOffUntilItIsOn() throws Exception {
        node.canIpForward = false;
        CloudException e = fails(this::put, Kind.UNUSABLE);
        assertTrue(e.getMessage().startsWith("forwarding on " + node.path() + " failed: canIpForward is off"), e.getMessage());
        node.canIpForward = true;
        put();
        google.calls.clear();
        put();
        assertEquals(1, google.calls.size());
        node.canIpForward = false; // the route's warning tells
        fails(this::put, Kind.UNUSABLE);
    }

    @ParameterizedTest
    @CsvSource({"projects/p/zones/us-central1-a/instances/gone, DEAD", "projects/p/zones/us-central1-a/instances/stopped, DEAD",
            "projects/p/zones/us-central1-a/instances/moved, DEAD", "projects/p/zones/us-central1-a/instances/deaf, ELSEWHERE",
            "projects/p/zones/us-central1-a/instances/well, ELSEWHERE", "10.128.0.200, DEAD", "10.128.0.33, ELSEWHERE"})
    void tellsDeadHopsFromLivingOnes(String hop, CloudRoute.Kind kind) throws Exception {
        google.instance("p", "stopped", "42:01:0a:80:00:31", "10.128.0.31", NETWORK).status = "TERMINATED";
        google.instance("p", "deaf", "42:01:0a:80:00:32", "10.128.0.32", NETWORK).canIpForward = false;
        google.instance("p", "well", "42:01:0a:80:00:33", "10.128.0.33", NETWORK);
        google.instance("p", "moved", "42:01:0a:80:00:34", "10.128.0.34", OTHER_NETWORK);
        google.compute.put("flannel-10-40-9-0-24", NETWORK, "10.40.9.0/24", hop);
        assertEquals(kind, listed("flannel-10-40-9-0-24").kind());
    }

    @Test
    void whatIsNotFlannelsIsForeignAndNamed() throws Exception {
        String here = node.path();
        google.compute.put("my-nat", NETWORK, "10.40.5.0/24", here);
        google.compute.put("flannel-10-40-6-0-24", NETWORK, "10.40.7.0/24", here);
        google.compute.put("flannel-10-40-8-0-24", NETWORK, "10.40.8.0/24", here.replace("node-1", "other"),
                "description", "flannel network 10.40.8.0/21");
        google.compute.put("default-route-1", NETWORK, "0.0.0.0/0", "projects/p/global/gateways/default");
        google.compute.put("vpn6", NETWORK, "fd20::/64", here);
        for (CloudRoute route : list().routes()) {
            assertEquals(CloudRoute.Kind.FOREIGN, route.kind(), route.name());
        }
        assertEquals(5, list().used());
        assertTrue(log().contains("The route my-nat of " + NETWORK + " is not flannel's and leads 10.40.5.0/24 to instance node-1"), log());
        assertFalse(log().contains("default-route-1"), log());
        put();
        assertEquals(6, google.compute.routes(NETWORK).size());
    }

    @Test
    void anotherFlannelsRouteForTheSameSubnetIsLeftAndNamed() throws Exception {
        google.compute.put(ROUTE, NETWORK, "10.40.5.0/24", "projects/p/zones/z/instances/theirs",
                "description", "flannel network 10.0.0.0/8");
        CloudException e = fails(this::put, Kind.UNUSABLE);
        assertTrue(e.getMessage().contains("is described as \"flannel network 10.0.0.0/8\""), e.getMessage());
        assertEquals(List.of(ROUTE + " 10.40.5.0/24 theirs"), google.compute.routes(NETWORK));
    }

    @Test
    void aListThatLagsDoesNoHarm() throws Exception {
        google.compute.lag = Duration.ofSeconds(30);
        put();
        put(); // does not see its own route
        assertEquals(List.of(ROUTE + " 10.40.5.0/24 node-1"), google.compute.routes(NETWORK));
        time.pass(google.compute.lag);
        assertEquals(CloudRoute.Kind.OWN, listed(ROUTE).kind());
    }

    @Test
    void aRouteThatCameSinceTheListIsReadFirst() throws Exception {
        RouteTable table = list();
        google.compute.put(ROUTE, NETWORK, "10.40.5.0/24", "projects/p/zones/z/instances/other");
        fails(() -> routes.put(table, SUBNET, null), Kind.CONFLICT);
        put();
        assertEquals(List.of(node), google.compute.hops(NETWORK, CONTAINER));
    }

    @Test
    void deletesTheRouteThatItHasSeenAndNoLaterOne() throws Exception {
        google.compute.put(ROUTE, NETWORK, "10.40.5.0/24", "projects/p/zones/z/instances/gone");
        RouteTable table = list();
        CloudRoute dead = listed(ROUTE);
        google.compute.put(ROUTE, NETWORK, "10.40.5.0/24", "projects/p/zones/z/instances/new");
        routes.delete(table, dead);
        assertEquals(List.of(ROUTE + " 10.40.5.0/24 new"), google.compute.routes(NETWORK));
        routes.delete(list(), listed(ROUTE));
        assertEquals(List.of(), google.compute.routes(NETWORK));
    }

    @Test
    void namesTheQuota() throws Exception {
        google.compute.quota = 1;
        google.compute.put("default-route-1", NETWORK, "0.0.0.0/0", "projects/p/global/gateways/default");
        CloudException e = fails(this::put, Kind.LIMIT);
        assertEquals("routes.insert on projects/p/global/routes/" + ROUTE + " failed: 403 QUOTA_EXCEEDED (Quota"
                + " 'STATIC_ROUTES_PER_NETWORK' exceeded.  Limit: 1.0 globally.): ask for more of the quota STATIC_ROUTES_PER_NETWORK of"
                + " project p, or give the network fewer hosts",
                e.getMessage());
        assertEquals("STATIC_ROUTES_PER_NETWORK", list().quota().name());
    }

    @Test
    void aRangeOfTheCloudsOwnIsRefusedWithARemedy() throws Exception {
        google.compute.networks.put(NETWORK, List.of(Ipv4Subnet.parse("10.40.0.0/20")));
        assertTrue(fails(this::put, Kind.UNUSABLE).getMessage().endsWith(
                "choose a Network apart from the ranges of the cloud's network, its subnets and its peers"));
    }

    @Test
    void anotherOperationUnderWayIsWaitedFor() throws Exception {
        google.compute.busyUntil = time.instant().plusSeconds(5);
        fails(this::put, Kind.TRANSIENT);
        time.pass(Duration.ofSeconds(5));
        put();
    }

    @Test
    void waitsForAnOperationUpToSixMinutes() throws Exception {
        google.compute.operationTime = Duration.ofMinutes(5);
        Instant start = time.instant();
        put();
        assertEquals(Duration.ofMinutes(5), Duration.between(start, time.instant()));
    }

    @Test
    void aServerThatWillNotWaitLeavesItForTheNextLook() throws Exception {
        google.compute.patient = false;
        assertEquals("routes.insert on projects/p/global/routes/" + ROUTE + " failed: RUNNING (the operation is not done yet)",
                fails(this::put, Kind.TRANSIENT).getMessage());
        time.pass(google.compute.operationTime);
        assertEquals(CloudRoute.Kind.OWN, listed(ROUTE).kind());
    }

    @Test
    void readsAllPages() throws Exception {
        google.compute.quota = 2000;
        for (int i = 0; i < 1200; i++) {
            String subnet = "10." + (64 + i / 256) + "." + i % 256 + ".0";
            google.compute.put("flannel-" + subnet.replace('.', '-') + "-24", NETWORK, subnet + "/24", node.path());
        }
        assertEquals(1200, list().routes().size());
        assertEquals(3, google.calls.stream().filter(call -> call.endsWith("/global/routes")).count());
    }

    static Set<String> role() {
        return FakeGoogle.ROLE;
    }

    /** Everything that can happen, with the role that the manual names but for one permission. */
    @ParameterizedTest
    @MethodSource("role")
    void saysWhichPermissionIsMissing(String permission) throws Exception {
        Set<String> without = new HashSet<>(FakeGoogle.ROLE);
        without.remove(permission);
        google.permissions.put(node.account + " p", without);
        Instance other = google.instance("p", "node-x", "42:01:0a:80:00:09", "10.128.0.9", OTHER_NETWORK);
        google.compute.put(ROUTE, OTHER_NETWORK, "10.40.5.0/24", other.path());
        CloudException e = fails(() -> {
            put();
            routes.delete(list(), list().routes().getFirst());
        }, Kind.DENIED);
        assertTrue(e.getMessage().endsWith(": grant " + permission + " in project p to flannel@p.iam.gserviceaccount.com"), e.getMessage());
    }

    @Test
    void theRoleSufficesForEverything() throws Exception {
        put();
        routes.delete(list(), listed(ROUTE));
        google.compute.put(ROUTE, NETWORK, "10.40.5.0/24", "projects/p/zones/z/instances/gone");
        put();
        routes.rehearse(list(), SUBNET);
        assertEquals(List.of(node), google.compute.hops(NETWORK, CONTAINER));
    }
}
