package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A Docker that runs with the options of before is told of, with the remedy. */
class DockerHintTest {

    private static Lab lab;

    @BeforeAll
    static void build() throws Exception {
        lab = Needs.lab(Store.Api.V2);
    }

    @AfterAll
    static void takeDown() {
        if (lab != null) {
            lab.close();
        }
    }

    @Test
    void anotherAddressOrTooLargePacketsAreSaid() throws Exception {
        Host one = lab.host(1);
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"udp\"}}");
        lab.startAll(one);
        one.plugContainer();
        one.daemon().terminate();
        assertTrue(one.daemon().log().stream().noneMatch(line -> line.contains("docker0")), String.join("\n", one.daemon().log()));

        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"vxlan\"}}");
        lab.startAll(one);
        one.daemon().awaitLog("^W.*a container at docker0 has an MTU of 1472, but the network takes packets of 1450 bytes.*systemctl restart docker");

        one.run("ip", "address", "flush", "dev", "docker0"); // as Docker does that starts later than flanneld, without the options
        one.run("ip", "address", "add", "172.17.0.1/16", "dev", "docker0");
        one.daemon().awaitLog("^W.*docker0 has 172\\.17\\.0\\.1/16, but .*systemctl restart docker.*\\$DOCKER_NETWORK_OPTIONS");
    }
}
