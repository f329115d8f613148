package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.gce.FakeCompute.Instance;
import flannel.backend.gce.FakeGoogle;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whole hosts in a cloud whose router does what its routes say: containers talk by what flanneld wrote there, and by nothing else. */
class GceTest {

    private static final String NETWORK = "projects/p/global/networks/fnet";

    private final FakeGoogle google = new FakeGoogle(new FakeGoogle.RealTime());
    private final Map<Host, Instance> instances = new HashMap<>();
    private Lab lab;
    private GceRouter router;
    private CloudServer metadata;
    private CloudServer api;

    @BeforeEach
    void build() throws Exception {
        lab = Needs.lab(Store.Api.V3);
        google.compute.operationTime = Duration.ofMillis(300);
        lab.outside().run("ip", "address", "add", CloudServer.METADATA + "/32", "dev", "br0");
        router = new GceRouter(lab.outside(), google, NETWORK);
        metadata = new CloudServer(lab.outside(), new InetSocketAddress(CloudServer.METADATA, 80), google::answerTo);
        api = new CloudServer(lab.outside(), new InetSocketAddress(lab.gateway(), 8080), google::answerTo);
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"gce\"}}");
    }

    @AfterEach
    void takeDown() {
        if (router != null) {
            router.close();
        }
        if (lab != null) {
            lab.close();
        }
        if (api != null) {
            metadata.close();
            api.close();
        }
    }

    private Host instance(int number, String name) throws Exception {
        Host host = lab.host(number);
        instances.put(host, google.instance("p", name, KernelView.link(host, "eth0").text("address"), host.address(), NETWORK));
        return host;
    }

    private void start(Host host) throws Exception {
        host.start(lab.options(), Map.of("CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE", "http://" + lab.gateway() + ":8080/compute/v1/",
                "CLOUDSDK_CONFIG", "/nonexistent")).awaitReady();
    }

    private String route(Host host) throws Exception {
        return "flannel-" + host.subnet().replaceAll("[./]", "-") + " " + host.subnet() + " " + instances.get(host).name;
    }

    @Test
    void containersTalkByTheCloudsRoutesWhichOutliveDaemonAndMachine() throws Exception {
        Host one = instance(1, "node-1");
        Host two = instance(2, "node-2");
        Host three = instance(3, "node-3");
        for (Host host : List.of(one, two, three)) {
            start(host);
        }
        for (Host host : List.of(one, two, three)) {
            host.daemon().awaitLog("Route added to table " + NETWORK + ": " + host.subnet() + " - instance " + instances.get(host).name);
        }
        assertEquals(List.of(route(one), route(two), route(three)).stream().sorted().toList(), google.routes(NETWORK));
        assertEquals(Long.toString(KernelView.link(one, "eth0").integer("mtu")), one.subnetEnv().get("FLANNEL_MTU"));
        NetworkNamespace container = one.plugContainer();
        two.plugContainer();
        three.plugContainer();
        assertFalse(one.run("ip", "route").contains("via " + two.address()), "the host knows no way of its own");
        try (Ping toTwo = Ping.start(container, two.containerAddress()); Ping toThree = Ping.start(container, three.containerAddress())) {
            assertEquals(61, toTwo.ttl(), "through both hosts and the cloud's router");
            google.calls.clear();
            two.daemon().terminate();
            toTwo.awaitReplies(5);
            start(two);
            two.daemon().awaitLog("Following the leases");
            Await.that("the new daemon has looked",
                    () -> List.copyOf(google.calls).stream().anyMatch(call -> call.endsWith("/global/routes")));
            toTwo.awaitReplies(20);
            assertEquals(0, toTwo.lost(), "0.7.1 deletes its route at each start");
            assertTrue(List.copyOf(google.calls).stream().allMatch(call -> call.startsWith("GET ")), List.copyOf(google.calls).toString());

            // the machine is made anew under another name, with the same address; its lease and its subnet are still its own
            three.daemon().kill();
            google.delete(instances.get(three));
            instance(3, "node-3-again");
            start(three);
            three.daemon().awaitLog("Replacing the route " + three.subnet() + " - instance node-3 in route table");
            three.daemon().awaitLog("Route added to table .* - instance node-3-again");
            toThree.awaitReplies(20);
        }
        List<String> routes = google.routes(NETWORK);
        assertEquals(3, routes.size(), routes.toString());
        String subnet = three.subnet();
        assertTrue(routes.stream().anyMatch(route -> route.endsWith(subnet + " node-3-again")), routes.toString());
    }

    @Test
    void whatIsMissingIsOneSentence() throws Exception {
        Host one = instance(1, "node-1");
        instances.get(one).canIpForward = false;
        google.permissions.put(instances.get(one).account + " p", Set.of("compute.routes.list", "compute.instances.get"));
        start(one);
        one.daemon().awaitLog("E.* canIpForward is off");
        one.daemon().awaitLog("E.*routes.insert on .*: grant compute.routes.create in project p to flannel@p.iam.gserviceaccount.com");
        assertTrue(one.daemon().log().stream().noneMatch(line -> line.contains("ya29")), "no token is told");
    }
}
