package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** How a host keeps its subnet, and when it gives it up: with etcd's v2 and v3 store. */
@ParameterizedClass(name = "etcd {0}")
@EnumSource(Store.Api.class)
class LeaseLifeTest {

    private static final String CONFIG = "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"host-gw\"}}";

    private static Lab lab;

    @Parameter
    private Store.Api api;

    private String valueBefore;

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
    void aRestartKeepsTheSubnetWithAndWithoutALeaseAndAfterAReboot() throws Exception {
        lab.store().put("config", CONFIG);
        Host one = lab.host(1);
        lab.startAll(one);
        String subnet = one.subnet();
        one.daemon().terminate();
        lab.startAll(one);
        assertEquals(subnet, one.subnet(), "found by the lease");

        one.daemon().terminate();
        lab.store().delete(key(subnet));
        lab.startAll(one);
        assertEquals(subnet, one.subnet(), "found by subnet.env");

        one.daemon().terminate();
        lab.store().delete(key(subnet));
        Lab.deleteTree(one.file("/run/flannel/subnet.env").getParent());         // a tmpfs: empty after a reboot
        lab.startAll(one);
        assertEquals(subnet, one.subnet(), "found by the copy in /var/lib/flannel");
        assertEquals(List.of(subnet.replace('/', '-')), lab.store().leases());
    }

    @Test
    void anOwnLeaseThatWasDeletedIsTakenAgain() throws Exception {
        lab.store().put("config", CONFIG);
        Host one = lab.host(1);
        lab.startAll(one);
        String subnet = one.subnet();
        lab.store().delete(key(subnet));
        Await.that("the lease is back", () -> String.valueOf(lab.store().get(key(subnet))).contains(one.address()));
        assertTrue(lab.store().ttlSeconds(key(subnet)) > 86_000);
        assertEquals(List.of(subnet.replace('/', '-')), lab.store().leases());
        assertEquals(subnet, one.subnet());
    }

    @Test
    void aLeaseThatIsAboutToExpireIsRenewed() throws Exception {
        lab.store().put("config", CONFIG);
        Host one = lab.host(1);
        lab.startAll(one);
        String subnet = one.subnet();
        lab.store().put(key(subnet), lab.store().get(key(subnet)), 60);
        Await.that("the lease has its time again", () -> lab.store().ttlSeconds(key(subnet)) > 86_000);
    }

    @Test
    void theSubnetIsGivenUpWhenSomebodyElseHoldsIt() throws Exception {
        lab.store().put("config", CONFIG);
        Host one = lab.host(1);
        lab.startAll(one);
        String subnet = one.subnet();
        lab.store().put(key(subnet), "{\"PublicIP\":\"192.168.32.99\",\"BackendType\":\"host-gw\"}", 86_400);
        one.daemon().awaitLog("^[WE].*" + subnet);
        Await.that("subnet.env tells another subnet", () -> !one.subnet().equals(subnet));
        assertEquals("{\"PublicIP\":\"192.168.32.99\",\"BackendType\":\"host-gw\"}", lab.store().get(key(subnet)));
        assertEquals(1, lab.store().leasesWith(one.address()).size());
        assertTrue(one.daemon().isAlive());
    }

    @Test
    void aReservationStaysOne() throws Exception {
        lab.store().put("config", CONFIG);
        Host one = lab.host(1);
        lab.store().put("subnets/10.1.77.0-24", "{\"PublicIP\":\"" + one.address() + "\"}");
        for (int start = 0; start < 2; start++) {
            lab.startAll(one);
            assertEquals("10.1.77.0/24", one.subnet());
            Await.that("its value is the daemon's", () -> lab.store().get("subnets/10.1.77.0-24").contains("host-gw"));
            assertEquals(-1, lab.store().ttlSeconds("subnets/10.1.77.0-24"));
            one.daemon().terminate();
        }
    }

    @Test
    void aLeaseThatNoLongerFitsTheConfigIsReplaced() throws Exception {
        lab.store().put("config", "{\"Network\":\"10.1.0.0/16\",\"SubnetMin\":\"10.1.10.0\",\"SubnetMax\":\"10.1.20.0\",\"Backend\":{\"Type\":\"host-gw\"}}");
        Host one = lab.host(1);
        lab.store().put("subnets/10.1.77.0-24", "{\"PublicIP\":\"" + one.address() + "\",\"BackendType\":\"host-gw\"}", 86_400);
        lab.startAll(one);
        int third = Integer.parseInt(one.subnet().split("\\.")[2]);
        assertTrue(third >= 10 && third <= 20, one.subnet());
        assertEquals(List.of(one.subnet().replace('/', '-')), lab.store().leases());
    }

    @Test
    void twoHostsThatClaimOnePublicIpAreNamedAndDoNotShare() throws Exception {
        lab.store().put("config", CONFIG.replace("host-gw", "vxlan"));
        Host one = lab.host(1);
        Host two = lab.host(2);
        lab.startAll(one);
        two.start(lab.options("-public-ip=" + one.address()));
        two.daemon().awaitLog("^E.*" + one.address().replace(".", "\\."));
        Await.that("each has a subnet of its own", () -> Files.exists(two.file("/run/flannel/subnet.env"))
                && !one.subnet().equals(two.subnet()) && lab.store().leasesWith(one.address()).size() == 2);
    }

    @Test
    void anEtcdThatGoesAwayAndComesBackIsFollowed() throws Exception {
        lab.store().put("config", CONFIG);
        Host one = lab.host(1);
        lab.startAll(one);
        String peer = "10.1.200.0/24 via 192.168.32.98";
        lab.store().put("subnets/10.1.200.0-24", "{\"PublicIP\":\"192.168.32.98\",\"BackendType\":\"host-gw\"}", 86_400);
        Await.that("a route to the peer", () -> KernelView.mentions(one, peer));
        lab.etcd().kill();
        int before = one.daemon().logSize();
        one.daemon().awaitLog(before, "^[WE].*192.168.32.213");
        assertTrue(KernelView.mentions(one, peer), "routes stay while etcd is away");
        lab.etcd().start();
        lab.store().put("subnets/10.1.201.0-24", "{\"PublicIP\":\"192.168.32.97\",\"BackendType\":\"host-gw\"}", 86_400);
        Await.that("a route to a new peer", () -> KernelView.mentions(one, "10.1.201.0/24 via 192.168.32.97"));
        assertTrue(KernelView.mentions(one, peer));
    }

    @Test
    void afterEtcdLostItsDataEveryHostTakesItsSubnetAgain() throws Exception {
        lab.store().put("config", CONFIG);
        Host one = lab.host(1);
        Host two = lab.host(2);
        lab.startAll(one, two);
        List<String> subnets = List.of(one.subnet(), two.subnet());
        lab.etcd().stop();
        lab.etcd().wipe();
        lab.etcd().start();
        lab.store().put("config", CONFIG);
        Await.that("both leases are back", () -> lab.store().leases().size() == 2);
        assertEquals(subnets, List.of(one.subnet(), two.subnet()));
        for (Host host : List.of(one, two)) {
            assertEquals(List.of(host.subnet().replace('/', '-')), lab.store().leasesWith(host.address()));
        }
        Await.that("the route between them stands", () -> KernelView.mentions(one, two.subnet() + " via " + two.address()));
    }

    private static String key(String subnet) {
        return "subnets/" + subnet.replace('/', '-');
    }

    @Test
    void anotherHostThatGotTheSubnetFromAnEmptiedStoreIsMovedAwayFrom() throws Exception {
        Host one = stoppedWhileTheStoreIsEmptied();
        String subnet = one.subnet();
        lab.store().put(key(subnet), "{\"PublicIP\":\"192.168.32.99\",\"BackendType\":\"host-gw\"}", 86_400);
        one.daemon().signal("CONT");
        Await.that("subnet.env tells another subnet", () -> !one.subnet().equals(subnet));
        assertEquals(1, lab.store().leasesWith(one.address()).size());
    }

    @Test
    void aStoreRestoredFromABackupKeepsTheLeaseRenewed() throws Exception {
        Host one = stoppedWhileTheStoreIsEmptied();
        String subnet = one.subnet();
        lab.store().put(key(subnet), valueBefore, 60);
        one.daemon().signal("CONT");
        Await.that("the lease has its time again", () -> lab.store().ttlSeconds(key(subnet)) > 86_000);
        assertEquals(subnet, one.subnet());
    }

    /** A host with a lease whose daemon does not see how the store loses everything but the config; its revisions start anew. */
    private Host stoppedWhileTheStoreIsEmptied() throws Exception {
        lab.store().put("config", CONFIG);
        for (int i = 0; i < 50; i++) {
            lab.store().put("history", "makes the revisions of the store large");
        }
        Host one = lab.host(1);
        lab.startAll(one);
        valueBefore = lab.store().get(key(one.subnet()));
        one.daemon().signal("STOP");
        lab.etcd().stop();
        lab.etcd().wipe();
        lab.etcd().start();
        lab.store().put("config", CONFIG);
        return one;
    }
}
