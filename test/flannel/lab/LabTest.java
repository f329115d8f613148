package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The lab itself, with a shell script in flanneld's place. */
class LabTest {

    private static final String STAND_IN = """
            #!/bin/bash
            echo "I1122 started with $*" >&2
            mkdir -p /run/flannel
            printf 'FLANNEL_NETWORK=10.1.0.0/16\\nFLANNEL_SUBNET=10.1.83.1/24\\nFLANNEL_MTU=1450\\nFLANNEL_IPMASQ=false\\n' > /run/flannel/subnet.env
            trap 'exit 7' TERM
            while sleep 0.05; do :; done
            """;

    @ParameterizedTest
    @EnumSource(Store.Api.class)
    void hostsReachEachOtherAndTheStoreAnswers(Store.Api api) throws Exception {
        Path program = Files.createTempFile("flt-stand-in", ".sh");
        Files.writeString(program, STAND_IN);
        program.toFile().setExecutable(true);
        try (Lab lab = new Lab(api, program)) {
            lab.host(1).run("ping", "-c", "1", "-W", "5", lab.host(2).address());
            Store store = lab.store();
            store.put("config", "{\"Network\": \"10.1.0.0/16\"}");
            store.put("subnets/10.1.83.0-24", "x y", 100);
            assertEquals("{\"Network\": \"10.1.0.0/16\"}", store.get("config"));
            assertEquals(-1, store.ttlSeconds("config"));
            assertTrue(store.ttlSeconds("subnets/10.1.83.0-24") > 50);
            assertEquals(List.of("10.1.83.0-24"), store.leasesWith("x y"));
            store.delete("subnets/10.1.83.0-24");
            assertNull(store.get("subnets/10.1.83.0-24"));

            Daemon daemon = lab.host(1).start(lab.options("-v=1"));
            daemon.awaitLog("started with -etcd-endpoints=http://192.168.32.213:2379 -etcd-prefix=/atomic.io/network -v=1");
            Await.that("subnet.env is there", () -> Files.exists(lab.host(1).file("/run/flannel/subnet.env")));
            NetworkNamespace container = lab.host(1).plugContainer();
            container.run("ping", "-c", "1", "-W", "5", "10.1.83.1");
            assertEquals(7, daemon.terminate());
            lab.host(1).reset();
            assertTrue(Files.notExists(lab.host(1).file("/run/flannel/subnet.env")));
        } finally {
            Files.delete(program);
        }
        assertTrue(Files.notExists(Path.of("/run/flannel/subnet.env")));
    }
}
