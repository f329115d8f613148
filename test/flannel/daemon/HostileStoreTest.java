package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.etcd.FakeEtcd;
import flannel.json.JsonValue;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whatever a store tells, a daemon with the installed one's heap of 64 MB lives, and goes on with what it has to do. */
class HostileStoreTest {

    private static final String CONFIG = "{\"Network\":\"10.0.0.0/8\",\"SubnetMin\":\"10.200.0.0\",\"Backend\":{\"Type\":\"vxlan\"}}";
    private static final int MB = 1 << 20;

    /** What of the 64 MB may be in use after a collection of the whole heap. */
    private static final int MOST_HEAP_MB = 48;

    private static final int MOST_LINES_AN_ATTACK = 6_000;

    /** Part of a list or of a watch's events: key and value; the value is null for a deletion. */
    private record Kv(String key, String value) {
    }

    private final AtomicLong revision = new AtomicLong(100);
    private final LinkedBlockingQueue<Kv> written = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<Object> events = new LinkedBlockingQueue<>();
    /** What a list holds beside the config and the daemon's own lease. */
    private volatile Supplier<Stream<Kv>> list = Stream::empty;
    private volatile Kv own;
    private final FakeEtcd etcd = new FakeEtcd(this::answer);
    private Process daemon;
    private int collections;
    private final List<String> log = new ArrayList<>();

    @BeforeEach
    void start() throws Exception {
        daemon = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "@etc/jvm.options",
                "-Xlog:gc", "-cp", folder(NetworkSession.class) + ":" + folder(HostileStoreTest.class), SmallDaemon.class.getName(),
                etcd.endpoint()).redirectErrorStream(true).start();
        Thread.ofVirtual().start(this::readLog);
        awaitWrite();
    }

    private void readLog() {
        try (BufferedReader lines = daemon.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                synchronized (log) {
                    log.add(line);
                }
            }
        } catch (IOException e) {
            // the daemon was killed: the test is over
        }
    }

    @AfterEach
    void end() {
        daemon.destroyForcibly();
        etcd.close();
    }

    private static String folder(Class<?> type) throws URISyntaxException {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
    }

    // ---- the store ----

    private String header() {
        return "\"header\":{\"cluster_id\":\"7\",\"revision\":\"" + revision.get() + "\"}";
    }

    private void answer(FakeEtcd.Call call) throws Exception {
        switch (call.line()) {
            case "POST /v3/kv/range" -> range(call);
            case "POST /v3/lease/grant" -> call.json(200, "{" + header() + ",\"ID\":\"9\",\"TTL\":\"86400\"}");
            case "POST /v3/kv/txn" -> {
                JsonValue put = JsonValue.parse(call.body()).list("success").getFirst().get("request_put");
                revision.incrementAndGet();
                own = new Kv(decode(put.text("key")), decode(put.text("value")));
                written.add(own);
                call.json(200, "{" + header() + ",\"succeeded\":true}");
            }
            case "POST /v3/watch" -> watch(call);
            default -> call.text(404, "404 page not found");
        }
    }

    private void range(FakeEtcd.Call call) throws Exception {
        if (!call.body().contains("range_end")) {
            Kv kv = own;
            call.json(200, "{" + header() + (kv == null ? "" : ",\"kvs\":[" + json(kv, revision.get()) + "]") + "}");
            return;
        }
        call.open().chunk("{" + header() + ",\"kvs\":[" + json(new Kv("/n/config", CONFIG), 1));
        StringBuilder some = new StringBuilder();
        for (Kv kv : (Iterable<Kv>) list.get()::iterator) {
            some.append(',').append(json(kv, revision.get()));
            if (some.length() > 100_000) {
                call.chunk(some.toString());
                some.setLength(0);
            }
        }
        Kv kv = own;
        call.chunk(some + (kv == null ? "" : "," + json(kv, revision.get())) + "]}");
    }

    private void watch(FakeEtcd.Call call) throws Exception {
        call.open().chunk("{\"result\":{" + header() + ",\"created\":true}}");
        while (true) {
            Object next = events.take();
            if (!(next instanceof Kv kv)) {
                return; // hangs up: the daemon lists again
            }
            call.chunk("{\"result\":{\"header\":{\"cluster_id\":\"7\",\"revision\":\"" + revision.incrementAndGet() + "\"},\"events\":[{"
                    + (kv.value() == null ? "\"type\":\"DELETE\"," : "") + "\"kv\":" + json(kv, revision.get()) + "}]}}");
        }
    }

    private static String json(Kv kv, long revision) {
        return "{\"key\":\"" + encode(kv.key()) + "\",\"mod_revision\":\"" + revision + "\",\"lease\":\"9\""
                + (kv.value() == null ? "" : ",\"value\":\"" + encode(kv.value()) + "\"") + "}";
    }

    private static String encode(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String decode(String base64) {
        return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    }

    // ---- the attacks ----

    private static String subnet(int number) {
        return "/n/subnets/10." + number / 256 % 200 + "." + number % 256 + ".0-24";
    }

    /** A lease as hosts write them, of host number 1, 2, 3 ... */
    private static Kv lease(int number, String more) {
        return new Kv(subnet(number), "{\"PublicIP\":\"192.168." + number / 250 % 250 + "." + (1 + number % 250)
                + "\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"" + String.format("02:77:00:%02x:%02x:%02x", number >> 16,
                        number >> 8 & 255, number & 255) + "\"" + more + "}}");
    }

    private static Stream<Kv> many(int count, IntFunction<Kv> kv) {
        return IntStream.range(0, count).mapToObj(kv);
    }

    private void list(Supplier<Stream<Kv>> kvs) {
        list = kvs;
        events.add("hang up");
    }

    private void tell(Stream<Kv> kvs) {
        kvs.forEach(events::add);
    }

    private String awaitWrite() throws Exception {
        Kv kv = written.poll(60, TimeUnit.SECONDS);
        assertTrue(kv != null, () -> "the daemon does not write its lease; "
                + (daemon.isAlive() ? "it lives" : "it ended") + ":\n" + tail());
        return kv.key();
    }

    /** Waits for one more line than so many before in which the regular expression is found. */
    private void awaitLog(String regex, int before) throws Exception {
        Pattern wanted = Pattern.compile(regex);
        for (long end = System.nanoTime() + 60_000_000_000L;; Thread.sleep(20)) {
            synchronized (log) {
                if (log.stream().filter(wanted.asPredicate()).count() > before) {
                    return;
                }
            }
            assertTrue(daemon.isAlive() && System.nanoTime() < end, () -> "no " + regex + ":\n" + tail());
        }
    }

    private String tail() {
        synchronized (log) {
            return String.join("\n", log.subList(Math.max(0, log.size() - 30), log.size()).stream()
                    .map(line -> line.substring(0, Math.min(300, line.length()))).toList());
        }
    }

    private static final Pattern HEAP_AFTER = Pattern.compile("Pause Full .*->(\\d+)M");

    /** The daemon deals with all that it was told before it writes its lease again. */
    private void survives(String attack) throws Exception {
        long startNanos = System.nanoTime();
        while (etcd.count("POST /v3/watch") == 0) {
            Thread.sleep(10);
        }
        events.add(new Kv(own.key(), null));
        own = null;
        awaitWrite();
        daemon.getOutputStream().write('\n');
        daemon.getOutputStream().flush();
        awaitLog("Pause Full .System.gc", collections++);
        int heap = 0;
        long lines = 0;
        int longest = 0;
        synchronized (log) {
            for (String line : log) {
                Matcher after = HEAP_AFTER.matcher(line);
                if (after.find()) {
                    heap = Math.max(heap, Integer.parseInt(after.group(1)));
                } else if (!line.contains("[gc]")) {
                    lines++;
                    longest = Math.max(longest, line.length());
                }
            }
        }
        System.out.printf("    %s: %d MB of heap, %d lines, %d ms%n", attack, heap, lines, (System.nanoTime() - startNanos) / 1_000_000);
        assertTrue(daemon.isAlive() && heap <= MOST_HEAP_MB && lines < MOST_LINES_AN_ATTACK && longest < 2048, this::tail);
    }

    @Test
    void valuesOfAMegabyte() throws Exception {
        tell(many(60, i -> new Kv(subnet(1), "{\"PublicIP\":\"192.168.32.9\",\"BackendType\":\"" + "x".repeat(MB) + i + "\"}")));
        list(() -> Stream.concat(
                many(38, i -> new Kv(subnet(i), "{\"PublicIP\":\"192.168.32.9\",\"BackendData\":[0" + ",0".repeat(700_000) + "]}")),
                many(60, i -> new Kv("/n/subnets/" + "x".repeat(1_400_000) + i, "x"))));
        survives("values of a megabyte");
    }

    @Test
    void leasesWithoutEnd() throws Exception {
        list(() -> many(100_000, i -> lease(i, "")));
        awaitLog("more than 16000 elements of .kvs.*packets flow on", 0);
        list = Stream::empty;
        survives("a list of 100,000 leases");
    }

    @Test
    void theLargestLeases() throws Exception {
        for (String filler : new String[] {"x", "y"}) {
            list(() -> many(12_500, i -> lease(i, largest(filler))));
            survives("12,500 of the largest leases");
        }
        tell(many(20_000, i -> lease(i, largest("z"))));
        survives("20,000 of the largest leases, one by one");
    }

    private static String largest(String filler) {
        return ",\"x\":\"" + filler.repeat(250) + "\",\"y\":\"" + filler.repeat(90) + "\"";
    }

    @Test
    void leasesThatAreRefused() throws Exception {
        list(() -> many(15_000, i -> new Kv(subnet(i), "{\"PublicIP\":\"192.168.1.1\",\"BackendType\":\"" + "x".repeat(250) + "\"}")));
        survives("15,000 refused leases");
    }

    @Test
    void configsWithoutEnd() throws Exception {
        tell(many(3_000, i -> new Kv("/n/config", "{\"Network\":\"10.0.0.0/8\",\"x\":\"" + "☺".repeat(3_800) + i + "\"}")));
        tell(many(1_000, i -> new Kv("/n/config", "x".repeat(20_000) + i)));
        survives("4,000 configs of 11 to 20 KB");
    }

    @Test
    void keysWithoutEnd() throws Exception {
        tell(many(30_000, i -> new Kv("/n/subnets/junk" + "x".repeat(80) + i, "x")));
        tell(many(30_000, i -> new Kv("/n/junk" + i, "x")));
        survives("60,000 junk keys");
        tell(many(20_000, i -> i % 2 == 0 ? lease(i, "") : new Kv(subnet(i - 1), null)));
        survives("10,000 leases that come and go");
    }
}
