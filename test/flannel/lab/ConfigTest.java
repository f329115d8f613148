package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The network's configuration is missing, wrong, or in the other store: said once, and picked up when it is put right. */
@ParameterizedClass(name = "etcd {0}")
@EnumSource(Store.Api.class)
class ConfigTest {

    private static final String GOOD = "{\"network\": \"10.1.5.9/16\", \"BACKEND\":{\"Type\":\"HOST-GW\"}}";

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
    void everyMistakeIsSaidInOneLineAndACorrectedConfigIsPickedUp() throws Exception {
        Map<String, String> mistakes = new LinkedHashMap<>();           // config -> what the line must name
        mistakes.put("{\n\"Network\" \"10.1.0.0/16\"}", "JSON.*line 2, column 11");
        mistakes.put("{}", "Network");
        mistakes.put("{\"Network\":\"10.1.0.0\"}", "10\\.1\\.0\\.0");
        mistakes.put("{\"Network\":\"10.1.0.0/31\"}", "/31");
        mistakes.put("{\"Network\":\"169.254.0.0/16\"}", "link-local");
        mistakes.put("{\"Network\":\"10.1.0.0/16\",\"SubnetLen\":31}", "SubnetLen");
        mistakes.put("{\"Network\":\"10.1.0.0/16\",\"SubnetLen\":8}", "SubnetLen");
        mistakes.put("{\"Network\":\"10.1.0.0/16\",\"SubnetMin\":\"10.2.0.0\"}", "SubnetMin");
        mistakes.put("{\"Network\":\"10.1.0.0/16\",\"SubnetMax\":\"abc\"}", "SubnetMax|abc");
        mistakes.put("{\"Network\":\"fd00::/64\"}", "fd00|IPv6");
        mistakes.put("{\"Network\":\"192.168.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}", "192\\.168");
        mistakes.put("{\"Network\":\"10.1.0.0/16\",\"Backend\":\"vxlan\"}", "Backend");
        mistakes.put("{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"nosuch\"}}", "nosuch");
        mistakes.put("{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"vxlan\",\"VNI\":\"x\"}}", "VNI");

        Host one = lab.host(1);
        Daemon daemon = one.start(lab.options());
        daemon.awaitLog("^E.*" + Lab.PREFIX + "/config in etcd \\(-etcd-prefix\\).*write \\{\"Network\"");
        List<String> said = new ArrayList<>();
        for (Map.Entry<String, String> mistake : mistakes.entrySet()) {
            int before = daemon.logSize();
            lab.store().put("config", mistake.getKey());
            said.add(daemon.awaitLog(before, "^E.*(" + mistake.getValue() + ")"));
        }
        assertTrue(daemon.told().stream().noneMatch("READY=1"::equals), "not ready before there is a network");
        List<String> errors = daemon.log().stream().filter(line -> line.startsWith("E")).toList();
        assertTrue(errors.size() <= said.size() + 2, "one line for each mistake:\n" + String.join("\n", errors));

        long before = System.nanoTime();
        lab.store().put("config", GOOD);
        daemon.awaitReady();
        System.out.printf("    etcd %s: corrected config to READY in %d ms%n", api, Duration.ofNanos(System.nanoTime() - before).toMillis());
        assertEquals("10.1.0.0/16", one.subnetEnv().get("FLANNEL_NETWORK"));
        assertTrue(lab.store().get("subnets/" + one.subnet().replace('/', '-')).contains("\"host-gw\""));
    }

    @Test
    void aConfigInTheOtherStoreIsFound() throws Exception {
        Store other = lab.store(api == Store.Api.V2 ? Store.Api.V3 : Store.Api.V2);
        Host one = lab.host(1);
        Daemon daemon = one.start(lab.options());
        daemon.awaitLog("^E.*" + Lab.PREFIX);
        other.put("config", GOOD);
        try {
            daemon.awaitReady();
            assertEquals(List.of(one.subnet().replace('/', '-')), other.leases());
            assertEquals(List.of(), lab.store().leases());
        } finally {
            one.daemon().kill();
            other.leases().forEach(key -> other.delete("subnets/" + key));
            other.delete("config");
        }
    }

    @Test
    void badLeasesHoldNobodyUp() throws Exception {
        lab.store().put("config", GOOD);
        lab.store().put("subnets/10.1.30.0-24", "garbage");
        lab.store().put("subnets/hello", "{\"PublicIP\":\"192.168.32.98\",\"BackendType\":\"host-gw\"}");
        Host one = lab.host(1);
        lab.startAll(one);
        lab.store().put("subnets/10.1.31.0-24", "more garbage");
        lab.store().put("subnets/world", "x");
        lab.store().put("subnets/10.1.32.0-24", "{\"PublicIP\":\"192.168.32.98\",\"BackendType\":\"host-gw\"}");
        Await.that("a route to the good peer", () -> KernelView.mentions(one, "10.1.32.0/24 via 192.168.32.98"));
        for (String bad : List.of("10.1.30.0", "hello", "10.1.31.0", "world")) {
            one.daemon().awaitLog("^W.*" + bad);
            assertEquals(1, one.daemon().log().stream().filter(line -> line.contains(bad)).count(), "one warning about " + bad);
        }
    }

    @Test
    void anEtcdThatIsNotThereYetIsWaitedFor() throws Exception {
        lab.store().put("config", GOOD);
        lab.etcd().stop();
        Host one = lab.host(1);
        Daemon daemon = one.start(lab.options());
        daemon.awaitLog("^[WE].*192\\.168\\.32\\.213");
        daemon.awaitTold("^STATUS=.*");
        assertTrue(daemon.told().stream().noneMatch(line -> line.startsWith("EXTEND_TIMEOUT_USEC")), "the unit has the last word");
        lab.etcd().start();
        daemon.awaitReady();
    }
}
