package flannel.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import flannel.json.JsonValue;
import flannel.lab.Etcd;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.StoreEvent.ConfigChanged;
import flannel.etcd.LeaseRegistry.Snapshot;
import flannel.lease.StoreException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A real etcd that is stopped, killed, wiped or frozen, and one that wants a user. */
class EtcdTroubleTest {

    private static final EtcdTimeouts QUICK =
            new EtcdTimeouts(Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofSeconds(5), Duration.ofSeconds(2));
    private static final String CONFIG = "{\"Network\":\"10.1.0.0/16\"}";
    private static final String CONFIG_KEY = "/coreos.com/network/config";
    private static final LeaseAttributes OURS = new LeaseAttributes(Ipv4.parse("192.168.32.211"), "host-gw", null, "");

    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
    private Etcd etcd;
    private LeaseRegistry registry;

    @BeforeEach
    void needsEtcd() {
        assumeTrue(Etcd.isInstalled(), "etcd is not installed");
    }

    @AfterEach
    void close() {
        if (registry != null) {
            registry.close();
        }
        if (etcd != null) {
            etcd.close();
        }
    }

    private LeaseRegistry open(String api, String user, String... endpoints) {
        registry = EtcdSubnetStore.registry(new EtcdOptions(List.of(endpoints), "/coreos.com/network/", api, "", "", "", user,
                user.isEmpty() ? "" : "flpw"), QUICK, new Log(new PrintStream(logged, true), 0));
        return registry;
    }

    private void putConfig(String api, String value) {
        if (api.equals("v2")) {
            etcd.putV2(CONFIG_KEY, value);
        } else {
            etcd.putV3(CONFIG_KEY, value);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void restartedAndWiped(String api) throws Exception {
        etcd = Etcd.start("--enable-v2");
        putConfig(api, CONFIG);
        LeaseRegistry registry = open(api, "", etcd.endpoint());
        registry.create(Ipv4Subnet.parse("10.1.5.0/24"), OURS, Duration.ofDays(1));

        Watching watch = new Watching(registry, registry.list().cursor());
        putConfig(api, "{}");
        assertEquals(new ConfigChanged("{}"), watch.next());
        etcd.kill();
        String end = watch.end();
        assertTrue(end.equals("RESYNC") || end.startsWith("UnavailableException"), end);
        StoreException e = assertThrows(StoreException.class, registry::list);
        assertEquals("etcd cluster is unavailable: " + etcd.endpoint() + ": connection refused", e.getMessage());

        etcd.start();
        Snapshot after = registry.list();
        assertEquals("{}", after.config());
        assertEquals(1, after.leases().size());
        // the connections that were pooled before a restart are of no use after it
        etcd.restart();
        Lease renewed = registry.update(after.leases().getFirst(), OURS, Duration.ofDays(2));
        assertEquals(renewed.asOf(), registry.list().leases().getFirst().asOf());

        watch = new Watching(registry, registry.list().cursor());
        etcd.kill();
        etcd.wipe();
        etcd.start();
        end = watch.end();
        assertTrue(end.equals("RESYNC") || end.startsWith("UnavailableException"), end);
        Snapshot wiped = registry.list();
        assertNull(wiped.config());
        assertEquals(List.of(), wiped.leases());
    }

    /** Connections to a frozen member stay open: only silence tells. */
    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void frozen(String api) throws Exception {
        etcd = Etcd.start("--enable-v2");
        putConfig(api, CONFIG);
        LeaseRegistry registry = open(api, "", etcd.endpoint());
        Watching watch = new Watching(registry, registry.list().cursor());
        putConfig(api, "{}");
        watch.next();
        etcd.freeze();
        assertEquals("UnavailableException: etcd can't be watched: " + etcd.endpoint() + ": no answer within 1 s", watch.end());
        StoreException e = assertThrows(StoreException.class, registry::list);
        assertEquals("etcd cluster is unavailable: " + etcd.endpoint() + ": no answer within 1 s", e.getMessage());
        etcd.thaw();
        assertEquals("{}", registry.list().config());
    }

    /** {@code etcd --proxy on} forwards a watch's headers together with the first byte of the body. */
    @Test
    void behindEtcdsReverseProxy() throws Exception {
        etcd = Etcd.start("--enable-v2");
        etcd.putV2(CONFIG_KEY, CONFIG);
        String peers = JsonValue.parse(etcd.request("GET", "/v2/members", null, null)).list("members").getFirst().list("peerURLs").getFirst()
                .toString().replace("\"", "");
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        Process proxy = new ProcessBuilder("etcd", "--proxy=on", "--data-dir=" + etcd.directory().resolve("proxy"),
                "--listen-client-urls=http://127.0.0.1:" + port, "--initial-cluster=m=" + peers)
                .redirectErrorStream(true).redirectOutput(etcd.directory().resolve("proxy.log").toFile()).start();
        try {
            LeaseRegistry registry = open("v2", "", "http://127.0.0.1:" + port);
            Snapshot snapshot = listWhenServed(registry);
            Watching watch = new Watching(registry, snapshot.cursor());
            // two silent polls
            Thread.sleep(QUICK.poll().multipliedBy(2).plusMillis(500));
            assertEquals("goes on", watch.state());
            for (String value : List.of("{}", CONFIG, "{}")) {
                etcd.putV2(CONFIG_KEY, value);
                assertEquals(new ConfigChanged(value), watch.next());
            }
            etcd.kill();
            String end = watch.end();
            assertTrue(end.startsWith("UnavailableException") || end.equals("RESYNC"), end);
            assertThrows(StoreException.class, registry::list);
        } finally {
            proxy.destroyForcibly().waitFor();
        }
    }

    private static Snapshot listWhenServed(LeaseRegistry registry) throws Exception {
        for (int tries = 0;; tries++) {
            try {
                return registry.list();
            } catch (StoreException e) {
                if (tries == 100) {
                    throw e;
                }
                Thread.sleep(200);
            }
        }
    }

    @Test
    void aDeadMemberIsPassedOver() throws Exception {
        etcd = Etcd.start("--enable-v2=false");
        etcd.putV3(CONFIG_KEY, CONFIG);
        LeaseRegistry registry = open("auto", "", "http://127.0.0.1:9,http://[::1]:9", etcd.endpoint() + "/");
        Snapshot snapshot = registry.list();
        assertEquals(CONFIG, snapshot.config());
        try (Watching watch = new Watching(registry, snapshot.cursor())) {
            etcd.putV3(CONFIG_KEY, "{}");
            assertEquals(new ConfigChanged("{}"), watch.next());
        }
    }

    /** The default of etcd 3.4 and later. */
    @Test
    void withoutTheV2Api() throws Exception {
        etcd = Etcd.start("--enable-v2=false");
        StoreException e = assertThrows(StoreException.class, () -> open("v2", "", etcd.endpoint()).list());
        assertEquals(etcd.endpoint() + " does not serve etcd's v2 API (etcd 3.4 and 3.5 do with --enable-v2, later ones never)",
                e.getMessage());
        registry.close();

        LeaseRegistry registry = open("auto", "", etcd.endpoint());
        Snapshot empty = registry.list();
        assertNull(empty.config());
        assertTrue(logged.toString().contains("no network config at " + CONFIG_KEY + " in etcd's v3 store"), logged.toString());
        Watching watch = new Watching(registry, empty.cursor());
        etcd.putV3(CONFIG_KEY, CONFIG);
        assertEquals("RESYNC", watch.end());
        assertEquals(CONFIG, registry.list().config());
    }

    @Test
    void v2User() throws Exception {
        etcd = Etcd.start("--enable-v2");
        etcd.putV2(CONFIG_KEY, CONFIG);
        String json = "application/json";
        etcd.request("PUT", "/v2/auth/users/root", json, "{\"user\":\"root\",\"password\":\"rootpw\"}");
        etcd.request("PUT", "/v2/auth/users/fl", json, "{\"user\":\"fl\",\"password\":\"flpw\"}");
        etcd.request("PUT", "/v2/auth/roles/flr", json, "{\"role\":\"flr\",\"permissions\":{\"kv\":"
                + "{\"read\":[\"/coreos.com/network/*\"],\"write\":[\"/coreos.com/network/*\"]}}}");
        etcd.request("PUT", "/v2/auth/users/fl", json, "{\"user\":\"fl\",\"grant\":[\"flr\"]}");
        etcd.request("PUT", "/v2/auth/enable", json, "");
        etcd.etcdctl("2", "--username", "root:rootpw", "role", "revoke", "guest", "--path", "/*", "--readwrite");

        StoreException e = assertThrows(StoreException.class, () -> open("v2", "", etcd.endpoint()).list());
        assertTrue(e.getMessage().contains("The request requires user authentication"), e.getMessage());
        registry.close();
        usesTheStore(open("auto", "fl", etcd.endpoint()));
    }

    /** The original reads two keys, and so an administrator may have let a host read no more. */
    @Test
    void v2UserWhoMayReadWhatTheOriginalReads() throws Exception {
        etcd = Etcd.start("--enable-v2");
        etcd.putV2(CONFIG_KEY, CONFIG);
        String json = "application/json";
        etcd.request("PUT", "/v2/auth/users/root", json, "{\"user\":\"root\",\"password\":\"rootpw\"}");
        etcd.request("PUT", "/v2/auth/users/fl", json, "{\"user\":\"fl\",\"password\":\"flpw\"}");
        etcd.request("PUT", "/v2/auth/roles/flr", json, "{\"role\":\"flr\",\"permissions\":{\"kv\":{\"read\":[\"/coreos.com/network/config\","
                + "\"/coreos.com/network/subnets/*\"],\"write\":[\"/coreos.com/network/subnets/*\"]}}}");
        etcd.request("PUT", "/v2/auth/users/fl", json, "{\"user\":\"fl\",\"grant\":[\"flr\"]}");
        etcd.request("PUT", "/v2/auth/enable", json, "");
        etcd.etcdctl("2", "--username", "root:rootpw", "role", "revoke", "guest", "--path", "/*", "--readwrite");

        LeaseRegistry registry = open("v2", "fl", etcd.endpoint());
        usesTheStore(registry);
        Snapshot snapshot = registry.list();
        try (Watching watch = new Watching(registry, snapshot.cursor())) {
            etcd.etcdctl("2", "--username", "root:rootpw", "set", CONFIG_KEY, "{}");
            assertEquals(new ConfigChanged("{}"), watch.next());
        }
    }

    @Test
    void v3User() throws Exception {
        etcd = Etcd.start("--enable-v2");
        etcd.putV3(CONFIG_KEY, CONFIG);
        etcd.callV3("/auth/user/add", "{\"name\":\"root\",\"password\":\"rootpw\"}");
        etcd.callV3("/auth/user/add", "{\"name\":\"fl\",\"password\":\"flpw\"}");
        etcd.callV3("/auth/role/add", "{\"name\":\"root\"}");
        etcd.callV3("/auth/role/add", "{\"name\":\"flr\"}");
        etcd.etcdctl("3", "role", "grant-permission", "flr", "readwrite", "--prefix=true", "/coreos.com/network/");
        etcd.callV3("/auth/user/grant", "{\"user\":\"root\",\"role\":\"root\"}");
        etcd.callV3("/auth/user/grant", "{\"user\":\"fl\",\"role\":\"flr\"}");
        etcd.callV3("/auth/enable", "{}");

        StoreException e = assertThrows(StoreException.class, () -> open("v3", "", etcd.endpoint()).list());
        assertEquals("etcd at " + etcd.endpoint() + " refused kv/range of /coreos.com/network/ (v3 API): etcdserver: user name is empty",
                e.getMessage());
        registry.close();

        LeaseRegistry registry = open("auto", "fl", etcd.endpoint());
        usesTheStore(registry);
        // simple tokens live in the memory of the server
        Watching watch = new Watching(registry, registry.list().cursor());
        etcd.restart();
        String end = watch.end();
        assertTrue(end.equals("RESYNC") || end.startsWith("UnavailableException"), end);
        usesTheStore(registry);
        etcd.restart();
        usesTheStore(registry);
    }

    private static void usesTheStore(LeaseRegistry registry) throws Exception {
        Snapshot snapshot = registry.list();
        assertEquals(CONFIG, snapshot.config());
        try (Watching watch = new Watching(registry, snapshot.cursor())) {
            Lease lease = registry.create(Ipv4Subnet.parse("10.1.5.0/24"), OURS, Duration.ofDays(1));
            watch.next();
            registry.delete(registry.update(lease, OURS, Duration.ofDays(1)));
            watch.next();
        }
    }

    /** A user is given, and the store does not ask for one. */
    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void aUserThatIsNotNeeded(String api) throws Exception {
        etcd = Etcd.start("--enable-v2");
        putConfig(api, CONFIG);
        usesTheStore(open("auto", "fl", etcd.endpoint()));
    }
}
