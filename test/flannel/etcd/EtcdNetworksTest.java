package flannel.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import flannel.lab.Etcd;
import flannel.lease.NetworkCatalog;
import flannel.lease.ServedCatalog;
import flannel.lease.StoreEvent;
import flannel.log.Log;
import java.io.OutputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which networks a real etcd has, in either of its stores. */
@Timeout(60)
class EtcdNetworksTest {

    private static final String CONFIG = "{\"Network\":\"10.1.0.0/16\"}";

    private static Etcd etcd;
    private static int number;

    private final String prefix = "/networks/" + ++number;
    private final Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);
    private final BlockingQueue<NetworkCatalog.News> told = new LinkedBlockingQueue<>();
    private ServedCatalog catalog;
    private Thread follower;

    @BeforeAll
    static void startEtcd() {
        assumeTrue(Etcd.isInstalled(), "etcd is not installed");
        etcd = Etcd.start("--enable-v2");
    }

    @AfterAll
    static void stopEtcd() {
        if (etcd != null) {
            etcd.close();
        }
    }

    @AfterEach
    void close() throws Exception {
        follower.interrupt();
        catalog.close();
        follower.join();
    }

    private void follow(String api) {
        catalog = EtcdNetworks.open(new EtcdOptions(List.of(etcd.endpoint()), prefix, api, "", "", "", "", ""), log);
        follower = Thread.ofVirtual().start(() -> {
            try {
                catalog.follow(told::add);
            } catch (InterruptedException e) {
                // the test is over
            }
        });
    }

    /** Waits until exactly these are told. */
    private void await(String... names) throws InterruptedException {
        while (true) {
            NetworkCatalog.News news = told.poll(30, TimeUnit.SECONDS);
            assertNotNull(news, "not told: " + List.of(names));
            if (news instanceof NetworkCatalog.Listed listed && listed.names().equals(Set.of(names))) {
                return;
            }
        }
    }

    private void put(String api, String key, String value) {
        if (api.equals("v2")) {
            etcd.putV2(prefix + key, value);
        } else {
            etcd.putV3(prefix + key, value);
        }
    }

    private void delete(String api, String key) {
        if (api.equals("v2")) {
            etcd.deleteV2(prefix + key);
        } else {
            etcd.deleteV3(prefix + key);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void eachFolderWithAConfig(String api) throws Exception {
        put(api, "/config", CONFIG);
        put(api, "/subnets/10.1.5.0-24", "{}");
        put(api, "/blue/config", CONFIG);
        put(api, "/red/subnets/10.1.5.0-24", "{}");
        put(api, "/a/b/config", CONFIG);
        follow(api);
        await("blue");
        put(api, "/green/config", "not JSON");
        await("blue", "green");
        put(api, "/green/subnets/10.1.5.0-24", "{}");
        delete(api, "/blue/config");
        await("green");
        delete(api, "/config");
        put(api, "/blue/config", CONFIG);
        await("blue", "green");
    }

    @Test
    void aFolderThatIsDeletedAsAWhole() throws Exception {
        put("v2", "/blue/config", CONFIG);
        put("v2", "/green/config", CONFIG);
        follow("v2");
        await("blue", "green");
        etcd.deleteV2(prefix + "/blue?recursive=true");
        await("green");
        etcd.deleteV2(prefix + "?recursive=true");
        await();
    }

    /** Each network is followed in the store that it is in; one connection serves them all. */
    @Test
    void bothStoresTogether() throws Exception {
        put("v2", "/blue/config", CONFIG);
        follow("auto");
        await("blue");
        put("v3", "/green/config", CONFIG);
        await("blue", "green");
        put("v3", "/blue/config", CONFIG);
        delete("v2", "/blue/config");
        delete("v3", "/green/config");
        await("blue");
        BlockingQueue<StoreEvent> events = new LinkedBlockingQueue<>();
        Thread blue = Thread.ofVirtual().start(() -> {
            try {
                catalog.network("blue").follow(events::add);
            } catch (InterruptedException e) {
                // see below
            }
        });
        StoreEvent first = events.poll(30, TimeUnit.SECONDS);
        assertEquals(CONFIG, first instanceof StoreEvent.Listed listed ? listed.config() : first);
        blue.interrupt();
        blue.join();
    }
}
