package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.kernel.KernelEvent;
import flannel.lease.Moment;
import flannel.lease.NetworkCatalog;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Networks that come and go, with nothing behind them; and what two of them can't both have. */
class NetworksTest {

    private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
    private final Log log = new Log(new PrintStream(logged, true), 0);
    private final Map<String, Fake> here = new LinkedHashMap<>();
    private final List<String> started = new ArrayList<>();
    /** What waits for room in a queue. */
    private final Deque<Runnable> beside = new ArrayDeque<>();
    private Readiness readiness;

    /** A network whose queue has room for two, and which ends when the test says so. */
    private final class Fake implements Networks.Running {

        private final BlockingQueue<Message> queue = new ArrayBlockingQueue<>(2);
        private final Courier courier = new Courier(queue, beside::add);
        private final Runnable ended;
        private boolean leaving;

        private Fake(Runnable ended) {
            this.ended = ended;
        }

        @Override
        public Courier courier() {
            return courier;
        }

        @Override
        public Inquiry inquiry() {
            return new Inquiry("", queue);
        }

        @Override
        public void withdraw(boolean lease) {
            leaving = true;
        }
    }

    private Networks networks(String names, boolean watch) {
        NetworkSelection selection = NetworkSelection.parse(names, watch, Path.of("/nowhere"));
        readiness = new Readiness(new ServiceManager("", log), selection.names().isEmpty() ? List.of("") : selection.names());
        return new Networks(selection, () -> List.of("blue"), (name, ended) -> {
            started.add(name);
            Fake fake = new Fake(() -> {
                here.remove(name);
                ended.run();
            });
            here.put(name, fake);
            return fake;
        }, readiness, log);
    }

    private static NetworkCatalog.News listed(String... names) {
        return new NetworkCatalog.Listed(new TreeSet<>(List.of(names)), new Moment("", 1));
    }

    @Test
    void whatIsDeletedLeavesAndComesBackWhenItHasLeft() {
        Networks networks = networks("", true);
        networks.start();
        assertEquals(Map.of(), here, "nothing is known yet");
        networks.told(listed("blue", "green"));
        assertEquals(List.of("blue", "green"), started);
        networks.told(listed("green"));
        networks.told(listed("green"));
        Fake blue = here.get("blue");
        assertTrue(blue.leaving && !here.get("green").leaving);
        networks.told(listed("blue", "green"));
        assertEquals(List.of("blue", "green"), started, "the former one has not left yet");
        blue.ended.run();
        assertEquals(List.of("blue", "green", "blue"), started);
        assertFalse(here.get("blue").leaving);
        networks.told(listed("green"));
        here.get("blue").ended.run();
        assertEquals(List.of("blue", "green", "blue"), started);
    }

    @Test
    void whenTheStoreIsAwayTheyStay() {
        Networks networks = networks("", true);
        networks.told(listed("blue"));
        networks.told(new NetworkCatalog.Away("no etcd"));
        assertFalse(here.get("blue").leaving);
        assertTrue(readiness.text().contains("no etcd"), readiness.text());
        networks.told(listed("blue"));
        assertFalse(readiness.text().contains("no etcd"), readiness.text());
        assertEquals(List.of("blue"), started);
    }

    @Test
    void whenTheStoreIsAwayAtTheStartThoseRememberedAreHere() {
        Networks networks = networks("", true);
        networks.told(new NetworkCatalog.Away("no etcd"));
        assertEquals(List.of("blue"), started);
        networks.told(listed("green"));
        assertFalse(here.get("blue").leaving, "a store that was emptied meanwhile looks the same");
        networks.told(listed("blue", "green"));
        networks.told(listed("green"));
        assertTrue(here.get("blue").leaving);
    }

    @Test
    void onlyTheNamedOnesAndOnlyUsableNames() {
        Networks named = networks("blue, green,", true);
        named.told(listed("blue", "red"));
        assertEquals(List.of("blue"), started);
        started.clear();
        Networks all = networks("", true);
        all.told(listed("..", "_", "a\nb", "x".repeat(65), "grün"));
        all.told(listed("..", "_", "a\nb", "x".repeat(65), "grün"));
        assertTrue(List.of("grün").containsAll(started), "by the locale");
        assertEquals(1, logged.toString().split("ignoring network _", -1).length - 1, logged.toString());
        assertThrows(IllegalArgumentException.class, () -> networks("a/b", false));
    }

    @Test
    void aJunkStoreStartsNoMoreThanAHostCanHave() {
        Networks networks = networks("", true);
        TreeSet<String> many = new TreeSet<>();
        for (int i = 0; i < 10_000; i++) {
            many.add("n" + i);
        }
        networks.told(new NetworkCatalog.Listed(many, new Moment("", 1)));
        assertEquals(Networks.MOST, started.size());
    }

    @Test
    void withoutWatchingTheNamedOnesStartAtOnce() {
        networks("blue,green", false).start();
        assertEquals(List.of("blue", "green"), started);
        started.clear();
        networks("", false).start();
        assertEquals(List.of(""), started);
    }

    /** One that is stuck holds up nobody, and loses nothing that it would need. */
    @Test
    void oneThatIsStuckIsToldToLookAtEverything() throws Exception {
        Networks networks = networks("blue,green", false);
        networks.start();
        Fake stuck = here.get("blue");
        Fake well = here.get("green");
        for (int i = 0; i < 5; i++) {
            networks.heard(new KernelEvent.RulesChanged());
            assertInstanceOf(Message.Kernel.class, well.queue.poll());
        }
        networks.underlay(new Message.UnderlayGone("first"));
        networks.underlay(new Message.UnderlayGone("second"));
        assertEquals(2, well.queue.size());
        assertEquals(1, beside.size());
        assertEquals(2, stuck.queue.size());
        Thread courier = Thread.ofVirtual().start(beside.poll());
        stuck.queue.take();
        stuck.queue.take();
        assertEquals(new Message.UnderlayGone("second"), stuck.queue.take(), "the last one counts");
        assertEquals(new Message.Kernel(new KernelEvent.Overrun()), stuck.queue.take());
        courier.join();
        networks.heard(new KernelEvent.RulesChanged());
        assertEquals(new Message.Kernel(new KernelEvent.RulesChanged()), stuck.queue.poll(), "and from then on as before");
        assertNull(stuck.queue.poll());
    }

    // ---- claims ----

    private static Claims.Claim claim(String range, String device, int port, String mode) {
        return new Claims.Claim(Ipv4Subnet.parse(range), device, port, mode);
    }

    @ParameterizedTest
    @CsvSource({
        "10.1.128.0/17, flannel.2, 8472, VXLAN,    'its range 10.1.128.0/17 and 10.1.0.0/16 overlap; change \"Network\"'",
        "10.0.0.0/8,    '',        0,    '',       'its range 10.0.0.0/8 and 10.1.0.0/16 overlap; change \"Network\"'",
        "10.2.0.0/16,   flannel.1, 4789, VXLAN,    'both want the device flannel.1; change \"VNI\"'",
        "10.2.0.0/16,   flannel.2, 8472, VXLAN with GBP, 'both want UDP port 8472, one with \"GBP\" and one without; change \"Port\"'",
        "10.2.0.0/16,   '',        8472, '',       'both want UDP port 8472; change \"Port\"'"
    })
    void theLaterOneIsRefusedWithBothNames(String range, String device, int port, String mode, String clash) throws IOException {
        Claims claims = new Claims();
        claims.take("blue", claim("10.1.0.0/16", "flannel.1", 8472, "VXLAN"));
        String refusal = assertThrows(IOException.class, () -> claims.take("green", claim(range, device, port, mode))).getMessage();
        assertEquals("network green can't be had on this host beside network blue, which was here first: " + clash
                + " of its config, or remove one of the two", refusal);
        claims.release("blue");
        claims.take("green", claim(range, device, port, mode));
    }

    @Test
    void networksThatAreApartCanShareWhatVxlanShares() throws IOException {
        Claims claims = new Claims();
        claims.take("blue", claim("10.1.0.0/16", "flannel.1", 8472, "VXLAN"));
        claims.take("green", claim("10.2.0.0/16", "flannel.2", 8472, "VXLAN"));
        claims.take("red", claim("10.3.0.0/16", "", 0, ""));
        claims.take("pink", claim("10.4.0.0/16", "", 8285, ""));
        claims.take("pink", claim("10.4.0.0/16", "", 8285, ""));
    }

    /** What another session's reconciler still takes for its own is nobody else's yet. */
    @Test
    void aFormerConfigIsHeldUntilTheKernelHasTheNextOne() throws IOException {
        Claims claims = new Claims();
        Claims.Claim former = claim("10.1.0.0/16", "flannel.1", 8472, "VXLAN");
        claims.take("blue", former);
        claims.take("blue", claim("10.5.0.0/16", "flannel.1", 8472, "VXLAN"));
        assertThrows(IOException.class, () -> claims.take("green", claim("10.1.0.0/16", "flannel.2", 8472, "VXLAN")));
        claims.settle("blue");
        claims.take("green", claim("10.1.0.0/16", "flannel.2", 8472, "VXLAN"));
    }
}
