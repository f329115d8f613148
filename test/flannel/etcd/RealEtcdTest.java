package flannel.etcd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import flannel.json.JsonValue;
import flannel.lab.Etcd;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.LeaseKey;
import flannel.lease.StoreEvent.ConfigChanged;
import flannel.etcd.LeaseRegistry.Cursor;
import flannel.lease.StoreEvent.Gone;
import flannel.lease.StoreEvent.Put;
import flannel.etcd.LeaseRegistry.Snapshot;
import flannel.lease.StoreException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Both APIs of one real etcd: what the daemon does with it on a good day, and what it does to the store. */
class RealEtcdTest {

    private static final Duration DAY = Duration.ofDays(1);
    private static final EtcdTimeouts QUICK =
            new EtcdTimeouts(Duration.ofSeconds(2), Duration.ofSeconds(5), Duration.ofSeconds(10), Duration.ofMillis(700));
    private static final String CONFIG = "{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}";

    private static Etcd etcd;
    private static int prefixes;

    private final String prefix = "/test" + ++prefixes + "/network";
    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
    private LeaseRegistry registry;

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
    void close() {
        if (registry != null) {
            registry.close();
        }
    }

    private LeaseRegistry open(String api) {
        registry = EtcdSubnetStore.registry(new EtcdOptions(List.of(etcd.endpoint()), prefix, api, "", "", "", "", ""), QUICK,
                new Log(new PrintStream(logged, true), 0));
        return registry;
    }

    private static LeaseAttributes vxlan(String publicIp, String mac) {
        return new LeaseAttributes(Ipv4.parse(publicIp), "vxlan", JsonValue.object("VtepMAC", mac).toString(), "");
    }

    private static Ipv4Subnet subnet(String cidr) {
        return Ipv4Subnet.parse(cidr);
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

    private static void assertExpiresIn(Duration expected, Lease lease) {
        Instant expiry = assertInstanceOf(Lease.At.class, lease.expiry()).instant();
        Duration left = Duration.between(Instant.now(), expiry);
        assertTrue(left.compareTo(expected) <= 0 && left.compareTo(expected.minusSeconds(60)) > 0, "left: " + left);
    }

    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void emptyStoreThenLifeOfALease(String api) throws Exception {
        LeaseRegistry registry = open(api);
        Snapshot empty = registry.list();
        assertNull(empty.config());
        assertEquals(List.of(), empty.leases());

        try (Watching watch = new Watching(registry, empty.cursor())) {
            put(api, "/config", CONFIG);
            assertEquals(new ConfigChanged(CONFIG), watch.next());

            Lease created = registry.create(subnet("10.1.83.0/24"), vxlan("192.168.32.211", "02:00:00:00:00:01"), DAY);
            assertExpiresIn(DAY, created);
            Lease seen = watch.nextLease();
            assertEquals(created.subnet(), seen.subnet());
            assertEquals(created.attributes(), seen.attributes());
            assertEquals(created.asOf(), seen.asOf());

            Lease changed = registry.update(created, vxlan("192.168.32.211", "02:00:00:00:00:02"), DAY);
            assertTrue(changed.asOf() > created.asOf());
            assertExpiresIn(DAY, changed);
            assertEquals(changed.attributes(), watch.nextLease().attributes());

            Lease renewed = registry.update(changed, changed.attributes(), DAY);
            assertExpiresIn(DAY, renewed);
            assertEquals(renewed.asOf(), registry.list().leases().getFirst().asOf());

            registry.delete(renewed);
            if (api.equals("v2")) {
                assertInstanceOf(Put.class, watch.next());
            }
            assertEquals(new Gone(new LeaseKey("10.1.83.0-24")), watch.next());
            delete(api, "/config");
            assertEquals(new ConfigChanged(null), watch.next());
            assertEquals("goes on", watch.state());
        }
        assertEquals(List.of(), registry.list().leases());
    }

    /** The value's bytes and the key are what Go flannels read. */
    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void storesWhatTheOriginalStores(String api) throws Exception {
        Lease lease = open(api).create(subnet("10.1.83.0/24"), vxlan("192.168.32.211", "6a:c2:56:ce:ab:ac"), DAY);
        String key = prefix + "/subnets/10.1.83.0-24";
        String stored = api.equals("v2") ? etcd.etcdctl("2", "get", key) : etcd.etcdctl("3", "get", "--print-value-only", key);
        assertEquals("{\"PublicIP\":\"192.168.32.211\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"6a:c2:56:ce:ab:ac\"}}",
                stored.strip());
        if (api.equals("v2")) {
            assertTrue(JsonValue.parse(etcd.getV2(key)).get("node").integer("ttl") > 86_000);
        } else {
            JsonValue alive = JsonValue.parse(etcd.callV3("/lease/timetolive", "{\"ID\":\"" + etcdLease(lease) + "\",\"keys\":true}"));
            assertEquals(86_400, alive.integer("grantedTTL"));
            assertEquals(1, alive.list("keys").size());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void writesAreCompareAndSwap(String api) throws Exception {
        LeaseRegistry registry = open(api);
        Lease first = registry.create(subnet("10.1.5.0/24"), vxlan("192.168.32.211", "02:00:00:00:00:01"), DAY);
        assertThrows(LeaseConflictException.class,
                () -> registry.create(subnet("10.1.5.0/24"), vxlan("192.168.32.212", "02:00:00:00:00:02"), DAY));
        Lease second = registry.update(first, vxlan("192.168.32.211", "02:00:00:00:00:03"), DAY);
        assertThrows(LeaseConflictException.class, () -> registry.update(first, vxlan("192.168.32.212", "02:00:00:00:00:02"), DAY));
        assertThrows(LeaseConflictException.class, () -> registry.update(first, first.attributes(), DAY));
        assertThrows(LeaseConflictException.class, () -> registry.delete(first));
        registry.delete(second);
        assertThrows(LeaseConflictException.class, () -> registry.delete(second));
        assertThrows(LeaseConflictException.class, () -> registry.update(second, second.attributes(), DAY));
    }

    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void reservationsStayWithoutEnd(String api) throws Exception {
        put(api, "/subnets/10.1.7.0-24", "{\"PublicIP\":\"192.168.32.211\"}");
        LeaseRegistry registry = open(api);
        Lease reserved = registry.list().leases().getFirst();
        assertTrue(reserved.isReservation());
        Lease taken = registry.update(reserved, vxlan("192.168.32.211", "02:00:00:00:00:01"), DAY);
        assertTrue(taken.isReservation());
        Lease again = registry.list().leases().getFirst();
        assertTrue(again.isReservation());
        assertEquals(taken, again);
    }

    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void expiryIsAnEvent(String api) throws Exception {
        LeaseRegistry registry = open(api);
        Snapshot before = registry.list();
        registry.create(subnet("10.1.9.0/24"), vxlan("192.168.32.211", "02:00:00:00:00:01"), Duration.ofSeconds(1));
        try (Watching watch = new Watching(registry, before.cursor())) {
            assertInstanceOf(Put.class, watch.next());
            assertEquals(new Gone(new LeaseKey("10.1.9.0-24")), watch.next());
        }
    }

    /** What can't be read is there all the same and holds nobody up; other folders are not looked at. */
    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void nonsenseInTheStore(String api) throws Exception {
        put(api, "/config", CONFIG);
        put(api, "/subnets/hello", "x");
        put(api, "/subnets/10.1.1.0-24", "garbage");
        put(api, "/subnets/10.1.2.7-24", "{\"PublicIP\":\"192.168.32.212\"}");
        put(api, "/subnets/10.1.3.0-24", "{\"PublicIP\":\"192.168.32.213\",\"PublicIPv6\":null,\"BackendType\":\"host-gw\"}");
        put(api, "/subnets/10.1.4.0-24&fd00::-64", "{\"PublicIP\":\"192.168.32.214\",\"PublicIPv6\":\"fd00::1\"}");
        put(api, "/blue/subnets/10.9.9.0-24", "{\"PublicIP\":\"192.168.32.215\"}");
        LeaseRegistry registry = open(api);
        Snapshot snapshot = registry.list();
        assertEquals(CONFIG, snapshot.config());
        assertEquals(List.of(subnet("10.1.3.0/24"), subnet("10.1.4.0/24")), snapshot.leases().stream().map(Lease::subnet).sorted().toList());
        assertEquals(List.of("10.1.1.0-24", "10.1.2.7-24", "hello"), snapshot.entries().stream()
                .filter(Entry.Occupied.class::isInstance).map(entry -> entry.key().name()).sorted().toList());

        try (Watching watch = new Watching(registry, snapshot.cursor())) {
            put(api, "/subnets/bye", "x");
            put(api, "/subnets/10.1.3.0-24", "garbage now");
            put(api, "/subnets/10.1.6.0-24", "{\"PublicIP\":\"192.168.32.216\"}");
            assertEquals("bye", occupied(watch).key().name());
            assertEquals("10.1.3.0-24", occupied(watch).key().name());
            assertEquals(subnet("10.1.6.0/24"), watch.nextLease().subnet());
        }
        assertEquals("", logged.toString());
    }

    private static Entry.Occupied occupied(Watching watch) throws Exception {
        return assertInstanceOf(Entry.Occupied.class, assertInstanceOf(Put.class, watch.next()).entry());
    }

    /** Polls end and begin all the time here; nothing is missed or told twice. */
    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void nothingIsLostBetweenPolls(String api) throws Exception {
        LeaseRegistry registry = EtcdSubnetStore.registry(new EtcdOptions(List.of(etcd.endpoint()), prefix, api, "", "", "", "", ""),
                new EtcdTimeouts(QUICK.connect(), QUICK.answer(), QUICK.body(), Duration.ofMillis(20)),
                new Log(new PrintStream(logged, true), 0));
        try (registry; Watching watch = new Watching(registry, registry.list().cursor())) {
            for (int i = 0; i < 200; i++) {
                put(api, "/subnets/10.1." + i + ".0-24", "{\"PublicIP\":\"192.168.32." + i + "\"}");
                Thread.sleep(i % 7);
            }
            for (int i = 0; i < 200; i++) {
                assertEquals(Ipv4.parse("192.168.32." + i), watch.nextLease().attributes().publicIp());
            }
            assertTrue(watch.isSilent());
            assertEquals("goes on", watch.state());
        }
    }

    @Test
    void v3UpdateMovesTheKeyToANewEtcdLeaseAndDropsTheOldOne() throws Exception {
        LeaseRegistry registry = open("v3");
        Lease first = registry.create(subnet("10.1.5.0/24"), vxlan("192.168.32.211", "02:00:00:00:00:01"), DAY);
        long firstEtcdLease = etcdLease(first);
        Lease kept = registry.update(first, first.attributes(), DAY);
        assertEquals(firstEtcdLease, etcdLease(kept));
        assertEquals(first.asOf(), kept.asOf());

        etcd.callV3("/lease/grant", "{\"TTL\":60,\"ID\":4711}");
        etcd.putV3(prefix + "/subnets/10.1.6.0-24", "{\"PublicIP\":\"192.168.32.211\"}", 4711);
        etcd.putV3("/elsewhere", "hangs on the same etcd lease", 4711);
        Lease shared = registry.list().leases().stream().filter(lease -> lease.subnet().equals(subnet("10.1.6.0/24"))).findFirst().orElseThrow();
        assertInstanceOf(Lease.Unknown.class, shared.expiry());
        Lease longer = registry.update(shared, shared.attributes(), DAY);
        assertFalse(etcdLease(longer) == 4711, "an etcd lease of 60 s can't be kept for a day");
        assertEquals("60", JsonValue.parse(etcd.callV3("/lease/timetolive", "{\"ID\":4711}")).text("grantedTTL"));

        Lease moved = registry.update(kept, vxlan("192.168.32.211", "02:00:00:00:00:02"), DAY);
        assertFalse(etcdLease(moved) == firstEtcdLease);
        assertEquals("-1", JsonValue.parse(etcd.callV3("/lease/timetolive", "{\"ID\":\"" + firstEtcdLease + "\"}")).text("TTL"));
    }

    /** Written over by somebody who knows nothing of leases: kept alive it would stay as it is. */
    @Test
    void v3UpdateWritesAValueThatWasMadeUnreadable() throws Exception {
        LeaseRegistry registry = open("v3");
        Lease lease = registry.create(subnet("10.1.5.0/24"), vxlan("192.168.32.211", "02:00:00:00:00:01"), DAY);
        etcd.putV3(prefix + "/subnets/10.1.5.0-24", "x", etcdLease(lease));
        Entry seen = registry.list().entries().getFirst();
        assertInstanceOf(Entry.Occupied.class, seen);
        registry.update(new Lease(lease.subnet(), lease.attributes(), lease.expiry(), seen.asOf()), lease.attributes(), DAY);
        assertEquals(lease.attributes(), registry.list().leases().getFirst().attributes());
    }

    private long etcdLease(Lease lease) throws Exception {
        String key = Base64.getEncoder().encodeToString((prefix + "/subnets/" + lease.key()).getBytes());
        return JsonValue.parse(etcd.callV3("/kv/range", "{\"key\":\"" + key + "\"}")).list("kvs").getFirst().integer("lease");
    }

    @Test
    void v3RenewalAfterTheEtcdLeaseWasRevoked() throws Exception {
        LeaseRegistry registry = open("v3");
        Lease lease = registry.create(subnet("10.1.5.0/24"), vxlan("192.168.32.211", "02:00:00:00:00:01"), DAY);
        etcd.callV3("/lease/revoke", "{\"ID\":\"" + etcdLease(lease) + "\"}");
        assertThrows(LeaseConflictException.class, () -> registry.update(lease, lease.attributes(), DAY));
    }

    @Test
    void v2HistoryThatIsClearedMeansResync() throws Exception {
        LeaseRegistry registry = open("v2");
        Cursor old = registry.list().cursor();
        for (int i = 0; i < 1100; i++) {
            etcd.putV2("/elsewhere/k" + i % 10, "x");
        }
        assertEquals("RESYNC", new Watching(registry, old).end());
    }

    /** A watch that was open all the time is not outdated by other people's writes, however many. */
    @Test
    void v2WatchOutlivesOtherPeoplesWrites() throws Exception {
        LeaseRegistry registry = open("v2");
        try (Watching watch = new Watching(registry, registry.list().cursor())) {
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < 600; i++) {
                    etcd.putV2("/elsewhere/k" + i % 10, "x");
                }
                Thread.sleep(QUICK.poll().plusMillis(300));
            }
            etcd.putV2(prefix + "/config", CONFIG);
            assertEquals(new ConfigChanged(CONFIG), watch.next());
            assertEquals("goes on", watch.state());
        }
    }

    @Test
    void v2FolderDeletedMeansResync() throws Exception {
        etcd.putV2(prefix + "/subnets/10.1.6.0-24", "{\"PublicIP\":\"192.168.32.216\"}");
        LeaseRegistry registry = open("v2");
        Watching watch = new Watching(registry, registry.list().cursor());
        etcd.deleteV2(prefix + "/subnets?recursive=true");
        assertEquals("RESYNC", watch.end());
        assertTrue(watch.isSilent());
    }

    @Test
    void v3CompactionMeansResync() throws Exception {
        LeaseRegistry registry = open("v3");
        Cursor old = registry.list().cursor();
        etcd.putV3("/elsewhere", "1");
        long revision = JsonValue.parse(etcd.putV3("/elsewhere", "2")).get("header").integer("revision");
        etcd.callV3("/kv/compaction", "{\"revision\":\"" + revision + "\"}");
        assertEquals("RESYNC", new Watching(registry, old).end());
    }

    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void aCursorOfTheFutureOrOfAnotherClusterIsNotWaitedFor(String api) throws Exception {
        LeaseRegistry registry = open(api);
        Cursor cursor = registry.list().cursor();
        String expected = "UnavailableException: etcd can't be watched: " + etcd.endpoint() + " has not seen what was listed";
        assertEquals(expected, new Watching(registry, new Cursor(cursor.revision() + 1000, cursor.cluster())).end());
        assertEquals(expected, new Watching(registry, new Cursor(cursor.revision(), "4711")).end());
    }

    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void interruptAndCloseEndAWatch(String api) throws Exception {
        LeaseRegistry registry = open(api);
        Watching interrupted = new Watching(registry, registry.list().cursor());
        Watching closed = new Watching(registry, registry.list().cursor());
        put(api, "/config", CONFIG);
        interrupted.next();
        closed.next();
        interrupted.close();
        assertEquals("InterruptedException: null", interrupted.end());
        registry.close();
        assertTrue(closed.end().startsWith("UnavailableException: ") || closed.end().equals("RESYNC"), closed.end());
        assertThrows(StoreException.class, registry::list);
    }

    @Test
    void autoTakesTheStoreThatHasTheConfig() throws Exception {
        etcd.putV3(prefix + "/config", CONFIG);
        assertEquals(CONFIG, open("auto").list().config());
        registry.create(subnet("10.1.5.0/24"), vxlan("192.168.32.211", "02:00:00:00:00:01"), DAY);
        assertTrue(etcd.getV3(prefix + "/subnets/10.1.5.0-24").contains("\"lease\""));
        assertTrue(logged.toString().contains("found in etcd's v3 store"), logged.toString());
    }

    @Test
    void autoTakesV2WhenBothHaveIt() throws Exception {
        etcd.putV3(prefix + "/config", "{\"Network\":\"10.3.0.0/16\"}");
        etcd.putV2(prefix + "/config", CONFIG);
        assertEquals(CONFIG, open("auto").list().config());
        for (int i = 0; i < 100 && !logged.toString().contains("in etcd's v2 store and in its v3 store"); i++) {
            Thread.sleep(50);
        }
        assertTrue(logged.toString().contains("in etcd's v2 store and in its v3 store"), logged.toString());
    }

    /** The config appears in one store while both are watched, goes, and comes back in the other. */
    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void autoFindsAConfigThatAppearsLater(String api) throws Exception {
        String other = api.equals("v2") ? "v3" : "v2";
        LeaseRegistry registry = open("auto");
        assertNull(registry.list().config());
        Snapshot empty = registry.list();
        assertEquals(1, logged.toString().lines().count(), logged.toString());
        assertTrue(logged.toString().contains(prefix + "/config") && logged.toString().contains("v2 or v3"), logged.toString());

        Watching waiting = new Watching(registry, empty.cursor());
        put(api, "/config", CONFIG);
        assertEquals("RESYNC", waiting.end());
        Snapshot found = registry.list();
        assertEquals(CONFIG, found.config());

        Watching watch = new Watching(registry, found.cursor());
        delete(api, "/config");
        assertEquals(new ConfigChanged(null), watch.next());
        assertEquals("RESYNC", watch.end());
        empty = registry.list();
        assertNull(empty.config());

        waiting = new Watching(registry, empty.cursor());
        put(other, "/config", CONFIG);
        assertEquals("RESYNC", waiting.end());
        assertEquals(CONFIG, registry.list().config());
    }

    /** Whatever becomes of the config: the other store's emptiness says nothing of the leases here. */
    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void autoStaysWithTheStoreThatHasThisHostsLease(String api) throws Exception {
        put(api, "/config", CONFIG);
        LeaseRegistry registry = open("auto");
        Snapshot before = registry.list();
        Lease held = registry.create(subnet("10.1.5.0/24"), vxlan("192.168.32.211", "02:00:00:00:00:01"), DAY);
        try (Watching watch = new Watching(registry, before.cursor())) {
            assertEquals(held.attributes(), watch.nextLease().attributes());
            delete(api, "/config");
            assertEquals(new ConfigChanged(null), watch.next());
            assertEquals("RESYNC", watch.end());
        }
        try (Watching watch = new Watching(registry, registry.list().cursor())) {
            put(api, "/subnets/10.1.6.0-24", "{\"PublicIP\":\"192.168.32.212\"}");
            assertEquals(subnet("10.1.6.0/24"), watch.nextLease().subnet());
            Snapshot without = registry.list();
            assertNull(without.config());
            assertEquals(2, without.leases().size());
            put(api.equals("v2") ? "v3" : "v2", "/config", CONFIG);
            assertEquals(2, registry.list().leases().size());
        }
    }

    /** Config and leases were copied, and are deleted where they were: this host's lease in the other store is its own. */
    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void autoFollowsConfigAndLeaseToTheOtherStore(String api) throws Exception {
        String other = api.equals("v2") ? "v3" : "v2";
        put(api, "/config", CONFIG);
        LeaseRegistry registry = open("auto");
        Snapshot before = registry.list();
        Lease held = registry.create(subnet("10.1.5.0/24"), vxlan("192.168.32.211", "02:00:00:00:00:01"), DAY);
        try (Watching watch = new Watching(registry, before.cursor())) {
            assertEquals(held.attributes(), watch.nextLease().attributes());
            put(other, "/subnets/10.1.5.0-24", held.attributes().toJson());
            put(other, "/config", CONFIG);
            delete(api, "/config");
            assertEquals(new ConfigChanged(null), watch.next());
            assertEquals("RESYNC", watch.end());
        }
        Snapshot after = registry.list();
        assertEquals(CONFIG, after.config());
        assertTrue(after.leases().getFirst().isReservation(), "as it was put there");
        assertNotEquals(before.cursor().cluster(), after.cursor().cluster(), "what is missing now is not proven to be gone");
        registry.update(after.leases().getFirst(), held.attributes(), DAY);
        assertTrue(logged.toString().contains("has moved to etcd's " + other + " store"), logged.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"v2", "v3"})
    void aForcedApiHintsOnceAtTheOtherStore(String api) throws Exception {
        put(api.equals("v2") ? "v3" : "v2", "/config", CONFIG);
        LeaseRegistry registry = open(api);
        assertNull(registry.list().config());
        assertNull(registry.list().config());
        assertEquals(1, logged.toString().lines().count(), logged.toString());
        assertTrue(logged.toString().contains("-etcd-api=" + api), logged.toString());
    }
}
