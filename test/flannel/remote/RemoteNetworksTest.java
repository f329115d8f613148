package flannel.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.NetworkCatalog;
import flannel.lease.NetworkCatalog.News;
import flannel.lease.NetworkConfig;
import flannel.lease.ServedStore;
import flannel.lease.StoreEvent;
import flannel.lease.SubnetStore.Wish;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.server.ServedMemories;
import flannel.server.ServedMemory;
import flannel.server.TestServer;
import flannel.tls.Tls;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Networks with names, that come and go behind a server in this process. */
@Timeout(60)
class RemoteNetworksTest {

    private static final String CONFIG = "{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"host-gw\"}}";
    private static final LeaseAttributes US = new LeaseAttributes(Ipv4.parse("192.168.32.211"), "host-gw", null, "us");

    private final Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);
    private final ServedMemories there = new ServedMemories(Map.of("", new ServedMemory(log), "blue", memory(CONFIG)));
    private final List<AutoCloseable> opened = new ArrayList<>();
    private final HttpClient http = HttpClient.newHttpClient();
    private TestServer server;
    private NetworkCatalog client;

    @BeforeEach
    void start() throws Exception {
        server = open(new TestServer(0, null, Duration.ofSeconds(60), there, log));
        client = open(RemoteNetworks.open(new RemoteOptions("127.0.0.1:" + server.port(), new Tls.Options("remote", "flannel server", "", "", "")), log));
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : opened.reversed()) {
            each.close();
        }
        http.shutdownNow();
    }

    private <T extends AutoCloseable> T open(T each) {
        opened.add(each);
        return each;
    }

    private ServedMemory memory(String config) {
        ServedMemory memory = new ServedMemory(log);
        memory.change(store -> store.config(config));
        return memory;
    }

    private HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return http.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path)).build(), HttpResponse.BodyHandlers.ofString());
    }

    private <T> BlockingQueue<T> following(Following<T> following) {
        BlockingQueue<T> told = new LinkedBlockingQueue<>();
        Thread follower = Thread.ofVirtual().start(() -> {
            try {
                following.follow(told);
            } catch (InterruptedException e) {
                // the test is over
            }
        });
        opened.add(follower::interrupt);
        return told;
    }

    private interface Following<T> {
        void follow(BlockingQueue<T> told) throws InterruptedException;
    }

    /** Waits until the networks are these. */
    private static void awaitNames(BlockingQueue<News> told, Set<String> names) throws InterruptedException {
        while (!(told.poll(30, TimeUnit.SECONDS) instanceof NetworkCatalog.Listed(var listed, var at) && listed.equals(names))) {
            Thread.onSpinWait();
        }
    }

    private static StoreEvent.Listed awaitListed(BlockingQueue<StoreEvent> told, boolean withConfig) throws InterruptedException {
        while (true) {
            if (told.poll(30, TimeUnit.SECONDS) instanceof StoreEvent.Listed list && (list.config() != null) == withConfig) {
                return list;
            }
        }
    }

    @Test
    void networksAreToldAsTheyComeAndGo() throws Exception {
        BlockingQueue<News> told = following(queue -> client.follow(queue::add));
        awaitNames(told, Set.of("blue"));
        there.add("green & pink", memory(CONFIG.replace("10.1", "10.2")));
        awaitNames(told, Set.of("blue", "green & pink"));
        there.remove("blue");
        awaitNames(told, Set.of("green & pink"));
        String config = awaitListed(following(queue -> client.network("green & pink").follow(queue::add)), true).config();
        assertEquals("10.2.0.0/16", NetworkConfig.parse(config).network().toString());
    }

    @Test
    void eachHasLeasesOfItsOwn() throws Exception {
        there.add("green", memory(CONFIG));
        BlockingQueue<News> told = following(queue -> client.follow(queue::add));
        awaitNames(told, Set.of("blue", "green"));
        ServedStore blue = (ServedStore) client.network("blue");
        BlockingQueue<StoreEvent> blueTold = following(queue -> blue.follow(queue::add));
        NetworkConfig config = NetworkConfig.parse(awaitListed(blueTold, true).config());
        Lease lease = blue.take(new Wish(config, US, Ipv4Subnet.parse("10.1.9.0/24"), Set.of(), Set.of()), List.of()).lease();
        assertEquals("10.1.9.0/24", lease.subnet().toString());
        assertEquals(1, blue.read().size());
        assertEquals(0, client.network("green").read().size());
        assertTrue(blue.renew(lease, US).asOf() > lease.asOf());
        blue.giveBack(blue.reserve(lease.subnet(), US.publicIp()));
        assertEquals(0, blue.read().size());
    }

    /** As with -networks=NAME, which waits for its config wherever that comes from. */
    @Test
    void aNetworkThatIsNotThereHasNoConfigUntilItComes() throws Exception {
        BlockingQueue<StoreEvent> told = following(queue -> client.network("green").follow(queue::add));
        assertEquals(List.of(), awaitListed(told, false).entries());
        assertEquals("config of network green in the store of the flannel server 127.0.0.1:" + server.port() + " (-remote)",
                client.network("green").configPlace());
        there.add("green", memory(CONFIG));
        awaitListed(told, true);
        there.remove("green");
        awaitListed(told, false);
        there.add("green", memory(CONFIG));
        awaitListed(told, true);
    }

    @Test
    void aGoDaemonHasTheListAndItsNews() throws Exception {
        while (get("/v1/").statusCode() == 503) {
            Thread.onSpinWait(); // until the store has told
        }
        String first = get("/v1/").body();
        assertTrue(first.matches("\\{\"events\":null,\"snapshot\":\\[\"blue\"],\"cursor\":\"[^\"]+\",.*}\n"), first);
        there.add("green", memory(CONFIG));
        assertTrue(get("/v1/?next=" + first.replaceFirst("(?s).*\"cursor\":\"([^\"]+)\".*", "$1")).body().startsWith(
                "{\"events\":null,\"snapshot\":[\"blue\",\"green\"],"));
        assertEquals(404, get("/v1/nosuch/config").statusCode());
        assertEquals("there is no network of that name; it is looked for at keys /n/NAME/config in a test", get("/v1/nosuch/leases").body());
        String cursor = get("/v1/blue/leases").body().replaceFirst("(?s).*\"cursor\":\"([^\"]+)\".*", "$1");
        Thread.ofVirtual().start(() -> there.remove("blue"));
        assertEquals(404, get("/v1/blue/leases?next=" + cursor).statusCode(), "who waits for the next lease of a network that goes");
    }
}
