package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Two hosts that know no etcd, and a third that serves them leases in front of one. */
@ParameterizedClass(name = "etcd {0}")
@EnumSource(Store.Api.class)
class RemoteTest {

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
    void containersTalkWhileTheServerComesAndGoes() throws Exception {
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"vxlan\"}}");
        Host one = lab.host(1);
        Host two = lab.host(2);
        Host server = lab.host(3);
        lab.store().put("subnets/10.1.77.0-24", "{\"PublicIP\":\"" + one.address() + "\"}");
        List<String> client = List.of("-remote=192.168.32.1:9," + server.address() + ":8888");  // the first is none
        one.start(client);
        server.start(lab.options("-listen=:8888")).awaitReady();
        two.start(client).awaitReady();
        one.daemon().awaitReady();
        assertEquals("10.1.77.0/24", one.subnet(), "a reservation");
        assertEquals(-1, lab.store().ttlSeconds("subnets/10.1.77.0-24"), "which stays one");
        assertTrue(lab.store().ttlSeconds("subnets/" + two.subnet().replace('/', '-')) > 86_000);

        Await.that("both know each other", () -> KernelView.hasVxlanPeer(one, two) && KernelView.hasVxlanPeer(two, one));
        NetworkNamespace container = one.plugContainer();
        two.plugContainer();
        try (Ping ping = Ping.start(container, two.containerAddress())) {
            ping.awaitReplies(5);
            assertEquals(0, server.daemon().terminate());
            one.daemon().awaitLog("no flannel server can serve: .*packets flow on as before");
            lab.store().put("subnets/10.1.88.0-24",
                    "{\"PublicIP\":\"192.168.32.99\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"6a:c2:56:ce:ab:99\"}}");
            server.start(lab.options("-listen=:8888")).awaitReady();
            Await.that("host 1 knows what was written meanwhile",
                    () -> KernelView.hasVxlanPeer(one, "10.1.88.0/24", "6a:c2:56:ce:ab:99", "192.168.32.99"));
            lab.store().delete("subnets/10.1.88.0-24");
            Await.that("and that it is gone", () -> !one.run("ip", "route").contains("10.1.88.0"));
            ping.awaitReplies(5);
            assertEquals(0, ping.lost());
        }
        String subnet = two.subnet();
        two.daemon().terminate();
        two.start(client).awaitReady();
        assertEquals(subnet, two.subnet());
    }
}
