package flannel.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import flannel.json.JsonValue;
import flannel.lab.Etcd;
import flannel.lab.Store;
import flannel.log.Log;
import flannel.store.SmallStore;
import flannel.store.StoreOptions;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** flanneld lease and flanneld store, as operators call them, with a real etcd and a stopped server's store. */
@Timeout(60)
class LeaseCommandTest {

    private static final String CONFIG = "{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}";
    private static final String LEASE = "{\"PublicIP\":\"192.168.32.211\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"6a:c2:56:ce:ab:ac\"}}";

    private static Etcd etcd;
    private static int prefixes;

    @TempDir
    private Path folder;
    private final String prefix = "/lease" + ++prefixes + "/network";

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

    private record Outcome(int status, String out, String err) {
    }

    private Outcome run(String... arguments) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int status = new Command(new PrintStream(out, true, StandardCharsets.UTF_8), new PrintStream(err, true, StandardCharsets.UTF_8),
                folder.resolve("sysconfig"), OptionsTest.NO_DAEMON).run(arguments, Map.of());
        return new Outcome(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private Outcome etcd(String... arguments) throws Exception {
        return run(Stream.concat(Stream.of(arguments), Stream.of("--etcd-endpoints=" + etcd.endpoint(), "-etcd-prefix", prefix)).toArray(String[]::new));
    }

    private Store keys(Store.Api api) {
        return Store.of(api, etcd, prefix);
    }

    @ParameterizedTest
    @EnumSource(Store.Api.class)
    void listsReservesAndReleases(Store.Api api) throws Exception {
        Store keys = keys(api);
        keys.put("config", CONFIG);
        keys.put("subnets/10.1.5.0-24", LEASE, 7_319);
        keys.put("subnets/10.1.6.0-24", "no lease\u001b[2J", 7_319);
        keys.put("subnets/10.1.7.0-24&fd00:10:1:7::-64", LEASE, 7_319);
        assertEquals(new Outcome(0, "10.1.9.0/24 is reserved for 192.168.32.88, for ever\n", ""), etcd("lease", "reserve", "10.1.9.0/24", "192.168.32.88"));
        assertEquals("{\"PublicIP\":\"192.168.32.88\"}", keys.get("subnets/10.1.9.0-24"), "0.7.1's form");
        assertEquals(-1, keys.ttlSeconds("subnets/10.1.9.0-24"));
        Outcome listed = etcd("lease", "list");
        String why = listed.out().lines().filter(line -> line.contains("10.1.6.0")).findFirst().orElseThrow();
        assertTrue(why.matches("10\\.1\\.6\\.0/24 +- +- +occupied: the value is not a lease: .*") && !why.contains("\u001b"), why);
        assertEquals("""
                SUBNET                        PUBLIC IP       BACKEND  ENDS IN
                10.1.5.0/24                   192.168.32.211  vxlan    2 h 1 min
                %s
                10.1.7.0-24&fd00:10:1:7::-64  192.168.32.211  vxlan    2 h 1 min
                10.1.9.0/24                   192.168.32.88   -        reserved
                """.formatted(why), listed.out());

        assertEquals("subnet 10.1.9.0/24 is already held by 192.168.32.88\n", etcd("lease", "reserve", "10.1.9.0/24", "192.168.32.89").err());
        assertEquals(1, etcd("lease", "reserve", "10.1.6.0/24", "192.168.32.89").status(), "occupied");
        assertEquals(1, etcd("lease", "reserve", "10.2.6.0/24", "192.168.32.89").status(), "not the network's");
        assertEquals(2, etcd("lease", "reserve", "10.1.6.9/24", "192.168.32.89").status());
        assertEquals(0, etcd("lease", "reserve", "10.1.5.0/24", "192.168.32.211").status(), "a host's own lease becomes a reservation");
        assertEquals(-1, keys.ttlSeconds("subnets/10.1.5.0-24"));
        assertEquals(0, etcd("lease", "release", "10.1.5.0-24").status());
        assertTrue(keys.ttlSeconds("subnets/10.1.5.0-24") > 86_000);
        Outcome asked = etcd("lease", "release", "10.1.5.0/24");
        assertEquals(1, asked.status());
        assertTrue(asked.err().contains("no reservation but a lease of 192.168.32.211"), asked.err());
        assertEquals(0, etcd("lease", "release", "-yes", "10.1.5.0/24").status());
        assertEquals(null, keys.get("subnets/10.1.5.0-24"));
        JsonValue json = JsonValue.parse(etcd("lease", "list", "-json").out());
        assertEquals("10.1.0.0/16", json.get("config").text("Network"));
        assertEquals(2, json.list("leases").size());
        assertEquals("10.1.6.0-24", json.list("occupied").getFirst().text("key"));
    }

    @Test
    void aWrongCommandLineIsToldByItsForm() throws Exception {
        for (String[] wrong : new String[][] {{"lease"}, {"lease", "lsit"}, {"lease", "list", "x"}, {"lease", "reserve", "10.1.5.0/24"}, {"store"},
            {"store", "import"}, {"store", "repair"}, {"lease", "copy"}, {"lease", "list", "-iface=eth0"}, {"lease", "a", "b", "c", "d"}}) {
            Outcome outcome = run(wrong);
            assertEquals(2, outcome.status(), String.join(" ", wrong) + ": " + outcome);
            assertEquals(1, outcome.err().lines().count(), outcome.err());
        }
        Outcome away = run("lease", "list", "-etcd-endpoints=http://127.0.0.1:9");
        assertEquals(1, away.status());
        assertEquals(1, away.err().lines().count(), away.err());
    }

    @Test
    void byHandOnAHostTheServicesSettingsCount() throws Exception {
        keys(Store.Api.V3).put("config", CONFIG);
        Files.writeString(folder.resolve("sysconfig"), "# a comment\nFLANNEL_ETCD_ENDPOINTS=\"" + etcd.endpoint() + "\"\nFLANNEL_ETCD_PREFIX='" + prefix
                + "'\nFLANNEL_OPTIONS=\"-ip-masq -etcd-api=v2\"\n");
        Outcome none = run("lease", "list");
        assertTrue(none.err().startsWith("there is no key " + prefix + "/config in etcd"), none.err());
        assertEquals("", none.out(), "no table without a row either");
        assertEquals(0, run("lease", "list", "-etcd-api=v3").status());
        Files.writeString(folder.resolve("sysconfig"), "FLANNEL_ETCD=http://127.0.0.1:9\nFLANNEL_OPTIONS=-listen=:9\n");
        assertTrue(run("lease", "list").err().startsWith("no flannel server can serve: 127.0.0.1:9: "), "a server's host asks the server");
        assertFalse(etcd("lease", "list").err().contains("127.0.0.1:9"), "unless something else is said");
    }

    @Test
    void fromV2ToV3() throws Exception {
        Store from = keys(Store.Api.V2);
        Store to = keys(Store.Api.V3);
        from.put("config", CONFIG);
        from.put("subnets/10.1.5.0-24", LEASE, 7_319);
        from.put("subnets/10.1.77.0-24", "{\"PublicIP\":\"192.168.32.88\"}");
        from.put("subnets/nonsense", "x");
        String[] copy = {"lease", "copy", "-from", "v2", "--to=v3"};
        Outcome told = etcd(copy);
        assertEquals(new Outcome(0, "would write to etcd's v3 store: the network config, 2 leases; -yes does it\n",
                "not copied: nonsense: the name is not a subnet of the form a.b.c.d-len\n"), told);
        assertEquals(null, to.get("config"));
        to.put("subnets/10.1.5.0-24", LEASE.replace("211", "99"));
        assertEquals(1, etcd("lease", "copy", "-from=v2", "-to=v3", "-yes").status(), "another host's");
        assertEquals(null, to.get("config"));
        to.delete("subnets/10.1.5.0-24");
        for (int i = 0; i < 2; i++) { // and again
            assertEquals(0, etcd("lease", "copy", "-from=v2", "-to=v3", "-yes").status());
            assertEquals(CONFIG, to.get("config"));
            assertEquals(JsonValue.parse(LEASE), JsonValue.parse(to.get("subnets/10.1.5.0-24")));
            assertTrue(to.ttlSeconds("subnets/10.1.5.0-24") > 7_200 && to.ttlSeconds("subnets/10.1.5.0-24") <= 7_319);
            assertEquals(-1, to.ttlSeconds("subnets/10.1.77.0-24"));
        }
        to.put("config", CONFIG.replace("vxlan", "host-gw"));
        assertTrue(etcd("lease", "copy", "-from=v2", "-to=v3", "-yes").err().contains("has another network config already: {"));
    }

    @Test
    void aServersOwnStoreGoesToEtcd() throws Exception {
        Path store = folder.resolve("store");
        Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);
        SmallStore.open(new StoreOptions(store, List.of(CONFIG)), log).close();
        assertEquals(0, run("lease", "reserve", "10.1.5.0/24", "192.168.32.211", "-store=" + store).status());
        assertEquals(0, run("lease", "reserve", "10.1.6.0/24", "192.168.32.212", "-store=" + store).status());
        assertEquals(0, run("lease", "release", "10.1.6.0/24", "-store=" + store).status());
        Outcome dump = run("store", "export", "-store=" + store);
        Path file = Files.writeString(folder.resolve("network.json"), dump.out());
        assertEquals(2, etcd("store", "import", file.toString()).status(), "v2 or v3?");
        Outcome told = etcd("store", "import", file.toString(), "-etcd-api=v2", "-yes");
        assertEquals(new Outcome(0, "written to etcd's v2 store: the network config, 2 leases\n", ""), told);
        Store keys = keys(Store.Api.V2);
        assertEquals("{\"PublicIP\":\"192.168.32.211\"}", keys.get("subnets/10.1.5.0-24"));
        assertEquals(-1, keys.ttlSeconds("subnets/10.1.5.0-24"));
        assertTrue(keys.ttlSeconds("subnets/10.1.6.0-24") > 86_000);
        assertEquals(1, etcd("store", "import", Files.writeString(folder.resolve("other"), "{}").toString(), "-etcd-api=v2").status());
        assertEquals(1, run("lease", "list", "-store=" + folder.resolve("nothing")).status());
    }

    @ParameterizedTest
    @EnumSource(Store.Api.class)
    void aNetworkByItsName(Store.Api api) throws Exception {
        Path store = folder.resolve("store");
        SmallStore.open(new StoreOptions(store, List.of("blue=" + CONFIG, "green=" + CONFIG)), new Log(new PrintStream(OutputStream.nullOutputStream()), 0))
                .close();
        assertEquals(0, run("lease", "reserve", "10.1.5.0/24", "192.168.32.211", "-network=blue", "-store=" + store).status());
        assertEquals(1, run("lease", "list", "-network=green", "-store=" + store).out().lines().count());
        Outcome unnamed = run("lease", "list", "-store=" + store);
        assertEquals(1, unnamed.status());
        assertTrue(unnamed.err().endsWith("; the networks there are blue, green (-network=NAME)\n"), unnamed.err());
        Path file = Files.writeString(folder.resolve("blue.json"), run("store", "export", "-network=blue", "-store=" + store).out());

        String to = api.name().toLowerCase(Locale.ROOT);
        assertEquals(0, etcd("store", "import", file.toString(), "-network=blue", "-etcd-api=" + to, "-yes").status());
        assertEquals("{\"PublicIP\":\"192.168.32.211\"}", keys(api).get("blue/subnets/10.1.5.0-24"));
        assertEquals(1, etcd("lease", "list").status(), "there is no other one");
        assertEquals(0, etcd("lease", "reserve", "10.1.6.0/24", "192.168.32.212", "-network=blue").status());
        assertEquals(3, etcd("lease", "list", "-network=blue").out().lines().count());
        assertEquals(0, etcd("lease", "release", "10.1.6.0/24", "-network=blue").status());
        assertEquals(0, etcd("lease", "copy", "-network=blue", "-from=" + to, "-to=" + (to.equals("v2") ? "v3" : "v2"), "-yes").status());
        assertEquals(2, etcd("lease", "list", "-network=a/b").status());
    }

    @Test
    void aDamagedStoreIsRepaired() throws Exception {
        Path store = folder.resolve("store");
        SmallStore.open(new StoreOptions(store, List.of(CONFIG)), new Log(new PrintStream(OutputStream.nullOutputStream()), 0)).close();
        assertEquals(0, run("lease", "reserve", "10.1.5.0/24", "192.168.32.211", "-store=" + store).status());
        long damaged = Files.size(store.resolve("journal"));
        assertEquals(0, run("lease", "reserve", "10.1.6.0/24", "192.168.32.212", "-store=" + store).status());
        assertEquals(0, run("lease", "reserve", "10.1.7.0/24", "192.168.32.213", "-store=" + store).status());
        byte[] bytes = Files.readAllBytes(store.resolve("journal"));
        bytes[(int) damaged + 40] ^= 1;
        Files.write(store.resolve("journal"), bytes);
        assertEquals(1, run("lease", "list", "-store=" + store).status());
        Outcome repaired = run("store", "repair", "-store=" + store);
        assertTrue(repaired.out().startsWith("kept 2 leases and the network config; the damaged file is " + store + "/journal.damaged-"), repaired.toString());
        Outcome listed = run("lease", "list", "-store=" + store);
        assertTrue(listed.out().contains("10.1.5.0/24") && !listed.out().contains("10.1.6.0/24") && listed.out().contains("10.1.7.0/24"), listed.toString());
    }
}
