package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A network outgrows its server's own store, goes to etcd's v2 store and from there to v3: under a ping, and without changing a subnet. */
class MoveTest {

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

    private static String command(Host host, String... words) {
        NetworkNamespace.Result result = host.flanneld(words);
        assertEquals(0, result.exitCode(), result.output());
        return result.output();
    }

    private static String[] etcd(String... words) {
        return Stream.concat(Stream.of(words), lab.options().stream()).toArray(String[]::new);
    }

    @Test
    void fromAServersStoreToV2ToV3UnderAPing() throws Exception {
        Host one = lab.host(1);
        Host two = lab.host(2);
        Host server = lab.host(3);
        Store v2 = lab.store(Store.Api.V2);
        Store v3 = lab.store(Store.Api.V3);
        server.start(List.of("-listen=:8888", "-store=/var/lib/flannel/store",
                "-net-config={\"Network\": \"10.1.0.0/16\", \"Backend\":{\"Type\":\"vxlan\"}}")).awaitReady();
        String remote = "-remote=" + server.address() + ":8888";
        one.start(List.of(remote));
        two.start(List.of(remote)).awaitReady();
        one.daemon().awaitReady();
        List<String> subnets = List.of(one.subnet(), two.subnet());
        Await.that("both know each other", () -> KernelView.hasVxlanPeer(one, two) && KernelView.hasVxlanPeer(two, one));
        NetworkNamespace container = one.plugContainer();
        two.plugContainer();
        try (Ping ping = Ping.start(container, two.containerAddress())) {
            // the server is restarted: what it answered is there
            server.daemon().kill();
            server.start(List.of("-listen=:8888", "-store=/var/lib/flannel/store")).awaitReady();
            assertTrue(command(two, "lease", "list", remote).contains(one.subnet()));

            Path dump = Files.writeString(server.file("/run/network.json"), command(one, "store", "export", remote));
            assertTrue(command(server, etcd("store", "import", "/run/network.json", "-etcd-api=v2", "-yes")).contains("2 leases"), dump.toString());
            for (Host host : List.of(one, two)) {
                host.daemon().terminate();
                host.start(lab.options()).awaitReady();
            }
            server.daemon().terminate();
            assertEquals(subnets, List.of(one.subnet(), two.subnet()));
            assertEquals(2, v2.leases().size());

            int before = one.daemon().logSize();
            command(one, etcd("lease", "copy", "-from=v2", "-to=v3", "-yes"));
            v2.deleteAll();
            for (Host host : List.of(one, two)) {
                host.daemon().awaitLog(before, "network has moved to etcd's v3 store");
            }
            assertEquals(List.of(), v2.leases());
            // and each goes on there: the other's next lease reaches it
            v3.put("subnets/10.1.88.0-24",
                    "{\"PublicIP\":\"192.168.32.99\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"6a:c2:56:ce:ab:99\"}}");
            Await.that("host 1 hears of v3's leases", () -> KernelView.hasVxlanPeer(one, "10.1.88.0/24", "6a:c2:56:ce:ab:99", "192.168.32.99"));
            Await.that("host 2's lease is renewed in v3", () -> v3.ttlSeconds("subnets/" + subnets.getLast().replace('/', '-')) > 86_390);
            two.daemon().terminate();
            two.start(lab.options()).awaitReady();
            assertEquals(subnets, List.of(one.subnet(), two.subnet()));
            ping.awaitReplies(5);
            assertEquals(0, ping.lost());
        }
        assertEquals(List.of(), v2.leases());
        assertEquals(3, v3.leases().size());
    }
}
