package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Who may write to the store writes whatever etcd takes: no daemon ends, their logs stay readable, and udp's tunnel, which is in the same
 * process, goes on. What etcd does not take is played by the daemon's own HostileStoreTest.
 */
class HostileStoreLabTest {

    private static final String CONFIG = "{\"Network\": \"10.0.0.0/8\", \"SubnetLen\": 24, \"SubnetMin\": \"10.200.0.0\","
            + " \"Backend\": {\"Type\": \"udp\"}}";
    private static final int MB = 1 << 20;

    /** etcd's --max-txn-ops is 128. */
    private static final int PUTS_A_REQUEST = 120;

    /** A thousand lines of a place at once, and five a second. */
    private static final int MOST_LINES = 8_000;

    /** Where journald of systemd 219 would make two lines of one. */
    private static final int LONGEST_LINE = 2_048;

    private static Lab lab;
    private static Host one;
    private static Host two;

    @BeforeAll
    static void twoHosts() throws Exception {
        lab = Needs.lab(Store.Api.V3);
        lab.store().put("config", CONFIG);
        one = lab.host(1);
        two = lab.host(2);
        lab.startAll(one, two);
    }

    @AfterAll
    static void takeDown() {
        if (lab != null) {
            lab.close();
        }
    }

    @Test
    void noDaemonEndsAndTheTunnelGoesOn() throws Exception {
        try (Talk talk = Talk.of(one, two)) {
            for (int i = 0; i < 60; i++) {
                String large = "x".repeat(MB) + i;
                lab.store().put("subnets/10.1.1.0-24", i % 2 == 0 ? "{\"PublicIP\":\"172.16.1.1\",\"BackendType\":\"" + large + "\"}"
                        : "{\"PublicIP\":\"172.16.1.1\",\"BackendData\":{\"VtepMAC\":\"" + large + "\"}}");
            }
            for (int i = 0; i < 38; i++) {
                lab.store().put("subnets/10.2." + i + ".0-24", "{\"PublicIP\":\"172.16.2.2\",\"BackendData\":[0"
                        + ",0".repeat(700_000) + "]}");
                lab.store().put("subnets/" + "x".repeat(1_400_000) + i, "x");
            }
            survived(talk, "a key rewritten 60 times with a megabyte, 38 values and 38 names of 1.4 MB");

            putMany(12_500, HostileStoreLabTest::subnet, i -> "{\"PublicIP\":\"172.16." + i / 250 + "." + (1 + i % 250)
                    + "\",\"BackendData\":{\"x\":\"" + "x".repeat(250) + "\",\"y\":\"" + "y".repeat(90) + "\"}}");
            putMany(12_500, HostileStoreLabTest::subnet, i -> "{\"PublicIP\":\"172.17." + i / 250 + "." + (1 + i % 250) + "\"}");
            survived(talk, "12,500 of the largest leases, and all of them with other values");
            deleteFrom("10.3", "10.9");

            putMany(3_000, i -> "junk-" + i, i -> "\u001b[31m\n" + i);
            for (int i = 0; i < 200; i++) {
                lab.store().put("config", "{\"Network\": \"10.0.0.0/8\", \"x\": \"" + "y".repeat(i % 2 == 0 ? 10_000 : 20_000) + i + "\"}");
            }
            lab.store().put("config", CONFIG);
            survived(talk, "most of them deleted at once, 3,000 junk keys, 200 configs of 10 and 20 KB");
            assertEquals(0, talk.lost("whatever the store was filled with"));
        }
        one.daemon().kill();
        one.start(lab.options());
        System.out.printf("    ready %d ms after a restart with the full store%n", one.daemon().awaitReady().toMillis());
        try (Talk talk = Talk.of(one, two)) {
            survived(talk, "a restart");
        }
        lab.store().deleteAll();
    }

    /**
     * A daemon that writes its lease again, which was made rubbish, has dealt with all that the store told before. From the fourth time on
     * that is slowed down.
     */
    private static void survived(Talk talk, String what) throws Exception {
        for (Host host : new Host[] {one, two}) {
            String key = "subnets/" + host.subnet().replace('/', '-');
            lab.store().put(key, "rubbish");
            Await.that(host.address() + " deals with: " + what, () -> {
                assertTrue(host.daemon().isAlive(), () -> "ended by " + what + ": " + host.daemon().log().getLast());
                return lab.store().get(key).contains("PublicIP");
            });
        }
        talk.awaitReplies(10);
        for (Host host : new Host[] {one, two}) {
            int lines = host.daemon().logSize();
            int longest = host.daemon().log().stream().mapToInt(String::length).max().orElse(0);
            System.out.printf("    %s after %s: %d lines, RSS %d MiB%n", host.address(), what, lines, host.daemon().residentKib() / 1024);
            assertTrue(lines < MOST_LINES && longest < LONGEST_LINE, () -> lines + " lines, the longest of " + longest);
            assertTrue(host.daemon().log().stream().noneMatch(line -> line.indexOf('\u001b') >= 0), "what steers a terminal is escaped");
        }
    }

    private static void putMany(int count, IntFunction<String> key, IntFunction<String> value) throws Exception {
        for (int from = 0; from < count; from += PUTS_A_REQUEST) {
            String puts = IntStream.range(from, Math.min(count, from + PUTS_A_REQUEST))
                    .mapToObj(i -> "{\"request_put\":{\"key\":\"" + path(key.apply(i)) + "\",\"value\":\"" + base64(value.apply(i))
                            + "\"}}")
                    .collect(Collectors.joining(","));
            call("/kv/txn", "{\"success\":[" + puts + "]}");
        }
    }

    private static String subnet(int number) {
        return "10." + (3 + number / 256) + "." + number % 256 + ".0-24";
    }

    private static void deleteFrom(String first, String behindLast) throws Exception {
        call("/kv/deleterange", "{\"key\":\"" + path(first) + "\",\"range_end\":\"" + path(behindLast) + "\"}");
    }

    private static void call(String method, String json) throws Exception {
        String answer = lab.outside().call(() -> lab.etcd().callV3(method, json));
        assertTrue(answer.contains("\"revision\""), answer);
    }

    private static String path(String key) {
        return base64(Lab.PREFIX + "/subnets/" + key);
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
