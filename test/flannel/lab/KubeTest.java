package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import flannel.kube.FakeApiServer;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two nodes of a cluster whose API server is in this process: -kube-subnet-mgr. */
class KubeTest {

    private static Lab lab;

    @TempDir
    private Path folder;

    @BeforeAll
    static void build() throws Exception {
        lab = Needs.lab(Store.Api.V3);
    }

    @AfterAll
    static void takeDown() {
        if (lab != null) {
            lab.close();
        }
    }

    @Test
    void containersTalkWhileTheApiServerForgets() throws Exception {
        Path config = Files.writeString(folder.resolve("net-conf.json"), "{\"Network\":\"10.244.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
        HttpServer http = lab.outside().call(() -> HttpServer.create(new InetSocketAddress(lab.gateway(), 8080), 0));
        Host one = lab.host(1);
        Host two = lab.host(2);
        try (FakeApiServer api = new FakeApiServer(http)) {
            api.node("n1", "10.244.1.0/24", Map.of());
            api.node("n2", null, Map.of());
            List<String> options = List.of("-kube-subnet-mgr", "-kube-api-url=http://" + lab.gateway() + ":8080", "-net-config-path=" + config);
            one.start(options, Map.of("NODE_NAME", "n1"));
            two.start(options, Map.of("NODE_NAME", "n2")).awaitLog("node \"n2\" pod cidr not assigned");
            api.node("n2", "10.244.2.0/24", Map.of());
            one.daemon().awaitReady();
            two.daemon().awaitReady();
            assertEquals("10.244.1.0/24", one.subnet());
            assertEquals("10.244.2.0/24", two.subnet());
            Await.that("both know each other", () -> KernelView.hasVxlanPeer(one, two) && KernelView.hasVxlanPeer(two, one));
            Await.that("the node is told to have its network", () -> api.conditions("n1").toString().contains("FlannelIsUp"));
            assertEquals(one.address(), api.annotations("n1").get("flannel.alpha.coreos.com/public-ip"));

            NetworkNamespace container = one.plugContainer();
            two.plugContainer();
            try (Ping ping = Ping.start(container, two.containerAddress())) {
                ping.awaitReplies(3);
                synchronized (api) { // what happens while nobody watches is forgotten
                    api.cutWatches();
                    api.goNode("n3", "10.244.3.0/24", "192.168.32.99", "vxlan", "{\"VtepMAC\":\"6a:c2:56:ce:ab:99\"}");
                    api.forget();
                }
                Await.that("host 1 knows a Go flannel's node",
                        () -> KernelView.hasVxlanPeer(one, "10.244.3.0/24", "6a:c2:56:ce:ab:99", "192.168.32.99"));
                api.delete("n3");
                Await.that("and that it is gone", () -> !one.run("ip", "route").contains("10.244.3.0"));
                ping.awaitReplies(3);
                assertEquals(0, ping.lost());
            }
            assertEquals(0, one.daemon().terminate());
            assertTrue(one.run("ip", "route").contains("10.244.2.0/24"), "the data path stays");
        }
    }
}
