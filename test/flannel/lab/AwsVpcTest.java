package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.aws.FakeAws;
import flannel.backend.aws.FakeMetadata;
import flannel.backend.aws.FakeVpc.Eni;
import flannel.backend.aws.Policy;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Containers that reach each other by nothing but the routes that flanneld writes to a VPC's tables: the lab's switch forwards by these. */
class AwsVpcTest {

    private static final String EC2 = "http://192.168.32.1:8000";
    private static final String METADATA = "169.254.169.254";

    private final FakeAws aws = new FakeAws(InstantSource.system());
    private final Map<Host, Eni> interfaces = new HashMap<>();
    private Policy policy;
    private Lab lab;
    private FakeAwsServer server;
    private VpcRouter router;
    private String table;

    @BeforeEach
    void region() throws Exception {
        policy = Policy.ofTheManual();
        lab = Needs.lab(Store.Api.V2);
        lab.outside().run("ip", "address", "add", METADATA + "/32", "dev", "br0");
        server = new FakeAwsServer(lab.outside(), aws, new InetSocketAddress("192.168.32.1", 8000), new InetSocketAddress(METADATA, 80));
        router = new VpcRouter(lab.outside(), aws.vpc());
        table = aws.vpc().table(true, "net=flannel");
        router.associate("subnet-1", table);
        lab.store().put("config", "{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"aws-vpc\"}}");
    }

    @AfterEach
    void close() {
        if (lab != null) {
            lab.close();
        }
        if (server != null) {
            server.close();
        }
    }

    /** A host as an instance with a role of the manual's policy. */
    private Host instance(int number, String subnet) throws Exception {
        Host host = lab.host(number);
        String mac = host.run("ip", "-o", "link", "show", "eth0").replaceFirst("(?s).*link/ether ([0-9a-f:]{17}).*", "$1");
        Eni eni = aws.vpc().instance(mac, host.address(), subnet);
        interfaces.put(host, eni);
        server.instance(host.address(), new FakeMetadata(aws, eni, InstantSource.system(), policy));
        router.add(eni);
        return host;
    }

    private void start(Host... hosts) throws Exception {
        start(List.of(), hosts);
    }

    private void start(List<String> options, Host... hosts) throws Exception {
        for (Host host : hosts) {
            host.start(lab.options(options.toArray(String[]::new)), Map.of("AWS_ENDPOINT_URL_EC2", EC2));
        }
        for (Host host : hosts) {
            host.daemon().awaitReady();
        }
    }

    private void awaitRoute(Host host) throws Exception {
        String subnet = host.subnet();
        Await.that("the route of " + subnet, () -> interfaces.get(host).id().equals(aws.vpc().routes(table).get(subnet)));
    }

    @Test
    void containersOfThreeInstancesReachEachOtherThroughTheRoutesThatFlanneldWrites() throws Exception {
        Host[] hosts = {instance(1, "subnet-1"), instance(2, "subnet-1"), instance(3, "subnet-1")};
        start(hosts);
        for (Host host : hosts) {
            awaitRoute(host);
            assertFalse(interfaces.get(host).sourceDestCheck());
            assertEquals("1500", host.subnetEnv().get("FLANNEL_MTU"));
        }
        assertEquals(3, lab.store().leases().size());
        assertEquals(0, lab.store().leasesWith("Backend").size(), "a lease says nothing of the backend, as in 0.7.1");
        NetworkNamespace[] containers = {hosts[0].plugContainer(), hosts[1].plugContainer(), hosts[2].plugContainer()};
        for (int from = 0; from < 3; from++) {
            try (Ping ping = Ping.start(containers[from], hosts[(from + 1) % 3].containerAddress())) {
                ping.awaitReplies(3);
                assertEquals(64 - 3, ping.ttl(), "its host, the VPC's router, the other host");
            }
        }
    }

    @Test
    void packetsFlowOnWhileDaemonsAreKilledAndStartedAgain() throws Exception {
        Host one = instance(1, "subnet-1");
        Host two = instance(2, "subnet-1");
        start(one, two);
        awaitRoute(one);
        awaitRoute(two);
        NetworkNamespace container = one.plugContainer();
        two.plugContainer();
        try (Ping ping = Ping.start(container, two.containerAddress())) {
            two.daemon().kill();
            one.daemon().terminate();
            ping.awaitReplies(5);
            int rehearsals = aws.calls("DeleteRoute");
            start(one, two);
            Await.that("both have looked at everything again", () -> aws.calls("DeleteRoute") >= rehearsals + 2);
            ping.awaitReplies(5);
            assertEquals(0, ping.lost());
        }
    }

    @Test
    void aDeadInstancesRouteGoesWithItsLeaseAndItsSuccessorIsReached() throws Exception {
        Host one = instance(1, "subnet-1");
        Host two = instance(2, "subnet-1");
        Host three = instance(3, "subnet-1");
        start(one, two, three);
        awaitRoute(three);
        String lost = three.subnet();
        three.daemon().kill();
        aws.vpc().terminate(interfaces.get(three));
        three.reset();

        // its lease is there still: the successor, an instance of the same address, has its subnet and takes its route over
        Host successor = instance(3, "subnet-1");
        start(successor);
        assertEquals(lost, successor.subnet());
        awaitRoute(successor);
        NetworkNamespace container = one.plugContainer();
        successor.plugContainer();
        try (Ping ping = Ping.start(container, successor.containerAddress())) {
            ping.awaitReplies(3);
        }

        // now it dies for good
        successor.daemon().kill();
        aws.vpc().terminate(interfaces.get(successor));
        lab.store().delete("subnets/" + lost.replace('/', '-'));
        for (Host host : List.of(one, two)) {       // looks at once, and not within the next minutes
            host.daemon().terminate();
            start(host);
        }
        Await.that("the dead route is gone", () -> !aws.vpc().routes(table).containsKey(lost));
        assertEquals(2, aws.vpc().routes(table).size());
    }

    @Test
    void instancesOfSubnetsWithTablesOfTheirOwnReachEachOtherByATag() throws Exception {
        String second = aws.vpc().table(false, "net=flannel", "subnet-2");
        router.associate("subnet-2", second);
        lab.store().put("config", "{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"aws-vpc\",\"RouteTableFilter\":[\"tag:net=flannel\"]}}");
        Host one = instance(1, "subnet-1");
        Host two = instance(2, "subnet-2");
        start(one, two);
        Await.that("both routes in both tables", () -> aws.vpc().routes(table).size() == 2 && aws.vpc().routes(second).size() == 2);
        NetworkNamespace container = one.plugContainer();
        two.plugContainer();
        try (Ping ping = Ping.start(container, two.containerAddress())) {
            ping.awaitReplies(3);
        }
    }

    /** With masquerading it would be this host's own key that another host's container is given. */
    @Test
    void noContainerOfAnotherHostReachesTheMetadataServiceThroughThisOne() throws Exception {
        Host one = instance(1, "subnet-1");
        Host two = instance(2, "subnet-1");
        start(List.of("-ip-masq"), one, two);
        awaitRoute(one);
        awaitRoute(two);
        NetworkNamespace container = two.plugContainer();
        two.run("ip", "route", "add", METADATA, "via", one.address());
        assertFalse(isReached(container), "the metadata service, by way of another host");
        one.run("ping", "-c", "1", "-W", "10", METADATA);
        two.run("ip", "route", "del", METADATA);
        container.run("ping", "-c", "1", "-W", "10", METADATA);       // its own host's is its own host's affair

        one.daemon().terminate();
        lab.store().put("config", "{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"aws-vpc\",\"ForwardMetadata\":true}}");
        start(List.of("-ip-masq"), one);
        two.run("ip", "route", "add", METADATA, "via", one.address());
        assertTrue(isReached(container), "when the configuration wants it");
    }

    /** Whether pings to the metadata service come back. */
    private static boolean isReached(NetworkNamespace container) {
        return container.tryRun("ping", "-c", "3", "-i", "0.2", "-W", "1", METADATA).exitCode() == 0;
    }

    @Test
    void noOtherBackendLoadsAClassOfTheClouds() throws Exception {
        Path program = Files.createTempFile("flt-classes", ".sh");
        try {
            Files.writeString(program, "#!/bin/sh\nexec " + System.getProperty("java.home") + "/bin/java @etc/jvm.options -Xlog:class+load"
                    + " -p build/flanneld.jar -m flannel \"$@\"\n");
            program.toFile().setExecutable(true);
            lab.host(1, program);
            Host host = instance(1, "subnet-1");
            for (String type : List.of("host-gw", "vxlan", "udp", "alloc", "aws-vpc", "gce")) {
                lab.store().put("config", "{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"" + type + "\"}}");
                start(host);
                String loaded = String.join("\n", host.daemon().log());
                assertEquals(type.equals("aws-vpc"), loaded.contains(" flannel.backend.aws."), type);
                assertEquals(type.equals("gce"), loaded.contains(" flannel.backend.gce."), type);
                assertEquals(type.equals("aws-vpc") || type.equals("gce"), loaded.contains(" flannel.backend.cloud."), type);
                host.reset();
            }
        } finally {
            Files.delete(program);
        }
    }
}
