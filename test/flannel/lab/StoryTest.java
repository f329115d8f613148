package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.json.JsonValue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The two-host tutorial, with etcd's v2 and v3 store. */
@ParameterizedClass(name = "etcd {0}")
@EnumSource(Store.Api.class)
class StoryTest {

    private static final String VXLAN = "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"vxlan\"}}";

    private static Lab lab;

    @Parameter
    private Store.Api api;

    @BeforeParameterizedClassInvocation
    static void build(Store.Api api) throws Exception {
        lab = Needs.lab(api);
    }

    @AfterParameterizedClassInvocation
    static void takeDown() {
        lab.close();
    }

    @AfterEach
    void asNew() throws Exception {
        lab.reset();
    }

    @Test
    void containersTalkOverVxlan() throws Exception {
        lab.store().put("config", VXLAN);
        Host one = lab.host(1);
        Host two = lab.host(2);
        lab.startAll(one, two);

        one.daemon().awaitLog("^I.*Lease acquired: 10\\.1\\.\\d+\\.0/24");
        Path subnetFile = one.file("/run/flannel/subnet.env");
        String own = one.subnet();
        assertEquals("FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=" + own.replace(".0/", ".1/")
                + "\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=false\n", Files.readString(subnetFile));
        assertEquals("rw-r--r--", PosixFilePermissions.toString(Files.getPosixFilePermissions(subnetFile)));
        assertFalse(Files.exists(subnetFile.resolveSibling(".subnet.env")), "the temporary name was renamed");
        assertNotEquals(own, two.subnet());

        JsonValue link = KernelView.link(one, "flannel.1");
        JsonValue vxlan = link.get("linkinfo").get("info_data");
        assertTrue(link.list("flags").toString().contains("\"UP\""), link.toString());
        assertEquals(1450, link.integer("mtu"));
        assertEquals(1, vxlan.integer("id"));
        assertEquals(8472, vxlan.integer("port"));
        assertEquals(one.address(), vxlan.text("local"));
        assertEquals("eth0", vxlan.text("link"));
        assertFalse(vxlan.isTrue("learning"));
        assertTrue(one.run("ip", "-4", "address", "show", "dev", "flannel.1").contains("inet " + own.replace("/24", "/32") + " scope global"));

        String key = own.replace('/', '-');
        JsonValue lease = JsonValue.parse(lab.store().get("subnets/" + key));
        assertEquals(List.of("PublicIP", "BackendType", "BackendData", "Node"), List.copyOf(((JsonValue.Obj) lease).members().keySet()));
        assertEquals(one.address(), lease.text("PublicIP"));
        assertEquals("vxlan", lease.text("BackendType"));
        assertEquals(link.text("address"), lease.get("BackendData").text("VtepMAC"));
        long ttl = lab.store().ttlSeconds("subnets/" + key);
        assertTrue(ttl > 86_000 && ttl <= 86_400, "TTL " + ttl);

        Await.that("host 1 knows host 2", () -> KernelView.hasVxlanPeer(one, two));
        Await.that("host 2 knows host 1", () -> KernelView.hasVxlanPeer(two, one));
        NetworkNamespace container = one.plugContainer();
        two.plugContainer();
        assertTrue(container.run("ping", "-c", "2", "-i", "0.1", "-W", "5", two.containerAddress()).contains("ttl=62"));
        container.run("ping", "-c", "1", "-W", "5", "-M", "do", "-s", "1422", two.containerAddress());
        assertNotEquals(0, container.tryRun("ping", "-c", "1", "-W", "1", "-M", "do", "-s", "1423", two.containerAddress()).exitCode());
    }

    @Test
    void nothingIsLostWhileDaemonsStopDieAndStart() throws Exception {
        lab.store().put("config", VXLAN);
        Host one = lab.host(1);
        Host two = lab.host(2);
        lab.startAll(one, two);
        String subnet = one.subnet();
        String mac = KernelView.vtepMac(one);
        NetworkNamespace container = one.plugContainer();
        two.plugContainer();
        Await.that("both know each other", () -> KernelView.hasVxlanPeer(one, two) && KernelView.hasVxlanPeer(two, one));
        try (Ping ping = Ping.start(container, two.containerAddress())) {
            long before = System.nanoTime();
            assertEquals(0, one.daemon().terminate(), "exit code after SIGTERM");
            System.out.printf("    etcd %s: SIGTERM to exit in %d ms%n", api, (System.nanoTime() - before) / 1_000_000);
            ping.awaitReplies(5);
            one.start(lab.options()).awaitReady();
            ping.awaitReplies(5);
            one.daemon().kill();
            two.daemon().kill();
            ping.awaitReplies(5);
            lab.startAll(one, two);
            ping.awaitReplies(5);
            assertEquals(0, ping.lost());
        }
        assertEquals(subnet, one.subnet());
        assertEquals(mac, KernelView.vtepMac(one));
    }

    @Test
    void threeHostsOneLeaves() throws Exception {
        lab.store().put("config", VXLAN);
        Host one = lab.host(1);
        Host two = lab.host(2);
        Host three = lab.host(3);
        lab.startAll(one, two);
        lab.startAll(three);                                            // joins while the others run
        for (Host host : List.of(one, two, three)) {
            for (Host peer : List.of(one, two, three)) {
                if (host != peer) {
                    Await.that(host.address() + " knows " + peer.address(), () -> KernelView.hasVxlanPeer(host, peer));
                }
            }
        }
        one.run("ping", "-c", "1", "-W", "5", three.subnet().replace("/24", ""));
        String subnet = three.subnet();
        String mac = KernelView.vtepMac(three);
        three.daemon().terminate();
        lab.store().delete("subnets/" + subnet.replace('/', '-'));
        for (Host host : List.of(one, two)) {
            Await.that("nothing of host 3 is left at " + host.address(),
                    () -> !KernelView.mentions(host, subnet) && !KernelView.mentions(host, mac) && !KernelView.mentions(host, three.address()));
        }
        assertTrue(KernelView.hasVxlanPeer(one, two), "host 2 is still known");
    }

    @Test
    void containersTalkOverPlainRoutes() throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"host-gw\"}}");
        Host one = lab.host(1);
        Host two = lab.host(2);
        lab.startAll(one, two);
        assertEquals("1500", one.subnetEnv().get("FLANNEL_MTU"));
        assertTrue(lab.store().get("subnets/" + one.subnet().replace('/', '-'))
                .startsWith("{\"PublicIP\":\"" + one.address() + "\",\"BackendType\":\"host-gw\""));
        Await.that("a route to host 2", () -> KernelView.mentions(one, two.subnet() + " via " + two.address() + " dev eth0"));
        Await.that("a route to host 1", () -> KernelView.mentions(two, one.subnet() + " via " + one.address() + " dev eth0"));
        NetworkNamespace container = one.plugContainer();
        two.plugContainer();
        assertTrue(container.run("ping", "-c", "1", "-W", "5", "-M", "do", "-s", "1472", two.containerAddress()).contains("ttl=62"));
        try (Ping ping = Ping.start(container, two.containerAddress())) {
            one.daemon().terminate();
            two.daemon().kill();
            ping.awaitReplies(3);
            lab.startAll(one, two);
            ping.awaitReplies(3);
            assertEquals(0, ping.lost());
        }
        String gone = two.subnet();
        two.daemon().terminate();
        lab.store().delete("subnets/" + gone.replace('/', '-'));
        Await.that("the route is gone", () -> !KernelView.mentions(one, gone));
    }

    @Test
    void allocGivesALeaseAndTheFileAndNothingElse() throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"alloc\"}}");
        Host one = lab.host(1);
        List<String> before = KernelView.routes(one);
        lab.startAll(one);
        assertEquals("1500", one.subnetEnv().get("FLANNEL_MTU"));
        JsonValue lease = JsonValue.parse(lab.store().get("subnets/" + one.subnet().replace('/', '-')));
        assertEquals(one.address(), lease.text("PublicIP"));
        assertNull(lease.get("BackendType"));
        assertNull(KernelView.link(one, "flannel.1"));
        assertEquals(before, KernelView.routes(one));
    }
}
