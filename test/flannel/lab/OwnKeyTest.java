package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** What stands in the place of a host's own lease and can't be read as one, with etcd's v2 and v3 store. */
@ParameterizedClass(name = "etcd {0}")
@EnumSource(Store.Api.class)
class OwnKeyTest {

    private static final String CONFIG = "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"host-gw\"}}";
    private static final String TWO_SUBNETS = CONFIG.replace("16\",", "16\", \"SubnetMin\": \"10.1.5.0\", \"SubnetMax\": \"10.1.6.0\",");

    private static Lab lab;

    private final Store.Api api;

    OwnKeyTest(Store.Api api) {
        this.api = api;
    }

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

    private static String keyOf(Host host) throws Exception {
        return "subnets/" + host.subnet().replace('/', '-');
    }

    @Test
    void aRunningHostWritesItAgainAndThePairNeverStopsTalking() throws Exception {
        lab.store().put("config", CONFIG);
        Host one = lab.host(1);
        Host two = lab.host(2);
        lab.startAll(one, two);
        String subnet = one.subnet();
        try (Talk talk = Talk.of(one, two)) {
            for (String rubbish : List.of("x", "{\"PublicIP\":7}", "", "y".repeat(100_000))) {
                lab.store().put(keyOf(one), rubbish);
                Await.that("the lease is back", () -> lab.store().get(keyOf(one)).contains(one.address()));
                Await.that("with its time", () -> lab.store().ttlSeconds(keyOf(one)) > 86_000);
            }
            assertEquals(0, talk.lost("own key overwritten with rubbish, etcd " + api));
        }
        assertEquals(subnet, one.subnet());
        assertTrue(KernelView.mentions(two, subnet + " via " + one.address()));
    }

    @Test
    void aHostThatStartsPicksAnother() throws Exception {
        lab.store().put("config", CONFIG);
        Host one = lab.host(1);
        lab.startAll(one);
        String subnet = one.subnet();
        String key = keyOf(one);
        one.daemon().terminate();
        lab.store().put(key, "x");
        lab.startAll(one);
        assertNotEquals(subnet, one.subnet());
        assertEquals("x", lab.store().get(key));
        assertEquals(1, lab.store().leasesWith(one.address()).size());
        one.daemon().awaitLog("ignoring " + key.substring("subnets/".length()) + " in the store.*taken");
    }

    /** A newer flannel's, of two address families: its subnet is taken, and what it says is not ours to change. */
    @Test
    void aKeyOfTwoAddressFamiliesIsLeftAlone() throws Exception {
        Host one = lab.host(1);
        Host two = lab.host(2);
        String dual = "subnets/10.1.5.0-24&fd00:10:1:5::-64";
        String value = "{\"PublicIP\":\"" + one.address() + "\",\"PublicIPv6\":\"fd00::211\",\"BackendType\":\"host-gw\"}";
        lab.store().put("config", TWO_SUBNETS);
        lab.store().put(dual, value);
        lab.startAll(one);
        assertEquals("10.1.6.0/24", one.subnet());
        lab.store().put(dual.replace("1.5", "1.6").replace("1:5", "1:6"), value);
        lab.store().put(keyOf(one), "x");
        Await.that("the own lease is back", () -> lab.store().get(keyOf(one)).contains(one.address()));
        two.start(lab.options());
        two.daemon().awaitTold("STATUS=.*out of subnets");
        assertEquals(value, lab.store().get(dual));
        assertEquals("10.1.6.0/24", one.subnet());
    }
}
