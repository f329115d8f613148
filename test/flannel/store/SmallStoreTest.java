package flannel.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.files.FileException;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.LeaseKey;
import flannel.lease.ServedStore;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.SubnetStore.Taken;
import flannel.lease.SubnetStore.Wish;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a small store does with leases, time, other processes, and a disk that is slow, full or broken. */
@Timeout(60)
class SmallStoreTest {

    private static final Ipv4Subnet SUBNET = Ipv4Subnet.parse("10.0.42.0/24");
    private static final long HOUR = 3_600_000;

    @TempDir
    private Path folder;
    private TestDisk disk = new TestDisk(0);
    private Bench bench;
    private ServedStore network;

    @BeforeEach
    void open() throws Exception {
        bench = new Bench(folder.resolve("store"), disk);
        network = bench.store.network("");
    }

    @AfterEach
    void close() throws Exception {
        bench.close();
    }

    private void restart(long awayMillis) throws Exception {
        bench.restart(awayMillis);
        network = bench.store.network("");
    }

    private Lease take(int host) throws Exception {
        return network.take(Bench.wish(host), List.of()).lease();
    }

    private List<Lease> leases() throws Exception {
        return network.read().stream().map(Lease.class::cast).toList();
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private static void await(Condition condition) throws Exception {
        while (!condition.holds()) { // until the test's time-out
            Thread.sleep(2);
        }
    }

    // ---- leases ----

    @Test
    void aHostGetsItsLeaseAgainAlsoAfterARestart() throws Exception {
        Lease lease = take(1);
        assertEquals(lease.subnet(), take(1).subnet());
        restart(1_000);
        assertEquals(lease.subnet(), take(1).subnet());
        assertEquals(1, leases().size());
        Ipv4Subnet previous = Ipv4Subnet.parse("10.0.199.0/24"); // which a random choice among the first hundred never gives
        assertEquals(previous, network.take(new Wish(Bench.wish(2).config(), Bench.host(2), previous, Set.of(), Set.of()), List.of()).lease().subnet());
    }

    @Test
    void whatAnotherMayObjectToIsTold() throws Exception {
        Lease lease = take(1);
        Wish moved = new Wish(Bench.wish(1).config(), new LeaseAttributes(Ipv4.parse("192.168.32.9"), "vxlan", null,
                Bench.host(1).node()), null, Set.of(), Set.of());
        Taken taken = network.take(moved, List.of());
        assertEquals(lease.subnet(), taken.lease().subnet());
        assertEquals(Bench.host(1), taken.from());
    }

    @Test
    void writesAreComparedWithWhatWasSeen() throws Exception {
        Lease first = take(1);
        Lease second = network.renew(first, Bench.host(1));
        assertTrue(second.asOf() > first.asOf());
        assertThrows(LeaseConflictException.class, () -> network.renew(first, Bench.host(1)));
        assertThrows(LeaseConflictException.class, () -> network.giveBack(first));
        network.giveBack(second);
        assertThrows(LeaseConflictException.class, () -> network.renew(second, Bench.host(1)));
        assertEquals(List.of(), leases());
    }

    @Test
    void reservationsStayAndOverwriteNobody() throws Exception {
        Ipv4 us = Ipv4.parse("192.168.32.211");
        assertTrue(network.reserve(SUBNET, us).isReservation());
        assertEquals("{\"PublicIP\":\"192.168.32.211\"}", leases().getFirst().attributes().toJson());
        assertEquals("subnet 10.0.42.0/24 is already held by 192.168.32.211",
                assertThrows(LeaseConflictException.class, () -> network.reserve(SUBNET, Ipv4.parse("192.168.32.9"))).getMessage());
        assertThrows(LeaseConflictException.class, () -> network.reserve(Ipv4Subnet.parse("10.0.42.0/25"), us), "another length");
        bench.pass(1_000 * HOUR);
        restart(1_000 * HOUR);
        Lease there = leases().getFirst();
        assertTrue(network.renew(there, there.attributes()).isReservation());
        assertFalse(network.release(SUBNET).isReservation());
        assertThrows(LeaseConflictException.class, () -> network.release(Ipv4Subnet.parse("10.0.43.0/24")));
    }

    @Test
    void networksDoNotSeeEachOther() throws Exception {
        ServedStore blue = bench.store.network("blue");
        blue.reserve(SUBNET, Ipv4.parse("192.168.32.211"));
        assertEquals(List.of(), leases());
        assertEquals(1, blue.read().size());
        restart(0);
        assertEquals(1, bench.store.network("blue").read().size());
        assertEquals(Set.of(), bench.store.names(), "those with a config");
    }

    // ---- following ----

    private BlockingQueue<StoreEvent> follow(ExecutorService threads) {
        BlockingQueue<StoreEvent> told = new ArrayBlockingQueue<>(10_000);
        ServedStore followed = network;
        threads.submit((Callable<Void>) () -> {
            followed.follow(told::add);
            return null;
        });
        return told;
    }

    private static StoreEvent next(BlockingQueue<StoreEvent> told) throws Exception {
        return told.poll(30, TimeUnit.SECONDS);
    }

    @Test
    void changesAreToldInTheirOrder() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            BlockingQueue<StoreEvent> told = follow(threads);
            StoreEvent.Listed listed = assertInstanceOf(StoreEvent.Listed.class, next(told));
            assertEquals(Bench.CONFIG, listed.config());
            Lease lease = take(1);
            assertEquals(new StoreEvent.Put(lease), next(told));
            network.giveBack(lease);
            assertEquals(new StoreEvent.Gone(LeaseKey.of(lease.subnet())), next(told));
            threads.shutdownNow();
        }
    }

    // ---- time ----

    @Test
    void aLeaseEndsAfterADayHoweverTheWallClockIsSet() throws Exception {
        Lease lease = take(1);
        assertEquals(new Lease.At(Instant.parse("2026-11-26T08:00:00Z")), lease.expiry());
        bench.wall.addAndGet(1_000 * 24 * HOUR);
        await(() -> leases().getFirst().expiry().equals(new Lease.At(Instant.parse("2026-11-26T08:00:00Z").plus(Duration.ofDays(1_000)))));
        bench.pass(23 * HOUR);
        assertEquals(1, leases().size());
        bench.pass(HOUR);
        await(() -> leases().isEmpty());
        restart(0);
        assertEquals(List.of(), leases(), "it does not come back");
    }

    @Test
    void whoIsFollowedTellsTheEndsAnewWhenTheWallClockWasSet() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Lease lease = take(1);
            BlockingQueue<StoreEvent> told = follow(threads);
            next(told);
            bench.wall.addAndGet(-HOUR);
            StoreEvent.Listed listed = assertInstanceOf(StoreEvent.Listed.class, next(told));
            assertTrue(listed.continued());
            assertEquals(lease.asOf(), listed.entries().getFirst().asOf());
            assertEquals(new Lease.At(Instant.parse("2026-11-26T07:00:00Z")), ((Lease) listed.entries().getFirst()).expiry());
            threads.shutdownNow();
        }
    }

    @Test
    void noLeaseEndsWithinAnHourOfAStart() throws Exception {
        for (long away : new long[] {0, 30 * HOUR, 500_000 * HOUR, -500_000 * HOUR}) {  // as from 1970 to now, and back
            take(1);
            restart(away);
            bench.pass(HOUR - 1_000);
            assertEquals(1, leases().size(), "away for " + away);
        }
        bench.pass(24 * HOUR);
        await(() -> leases().isEmpty());
    }

    @Test
    void timeGoesOnWhileTheServerIsAway() throws Exception {
        take(1);
        restart(20 * HOUR);
        bench.pass(3 * HOUR);
        assertEquals(1, leases().size());
        bench.pass(HOUR);
        await(() -> leases().isEmpty());
    }

    // ---- files ----

    @Test
    void nobodyElseReadsItOrHasItAtTheSameTime() throws Exception {
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(bench.folder)));
        for (String name : List.of("journal", "lock")) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(bench.folder.resolve(name))), name);
        }
        assertEquals("the store " + bench.folder + " is in use by another flanneld (process " + ProcessHandle.current().pid()
                + "): one server at a time can have it (several servers want etcd)", assertThrows(FileException.class, bench::open).getMessage());
    }

    @Test
    void theNetworkIsSetAtTheFirstStartOnly() throws Exception {
        String other = Bench.CONFIG.replace("vxlan", "host-gw");
        bench.store.close();
        bench.store = SmallStore.open(bench.folder, true, Map.of("", other, "blue", other), disk, StoreClock.system(), Bench.LOOK, new Log(new PrintStream(OutputStream.nullOutputStream()), 0));
        assertEquals(Set.of("blue"), bench.store.names());
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            network = bench.store.network("");
            assertEquals(Bench.CONFIG, ((StoreEvent.Listed) next(follow(threads))).config());
            network = bench.store.network("blue");
            assertEquals(other, ((StoreEvent.Listed) next(follow(threads))).config());
            threads.shutdownNow();
        }
    }

    @Test
    void aWrongConfigIsTold() throws Exception {
        Path file = Files.writeString(folder.resolve("net.json"), "{\"Network\":\"10.1.0.0/33\"}");
        for (Map.Entry<String, String> wrong : Map.of("{\"Network\"", "-net-config \\{\"Network\": it is not JSON: .*",
                "/nonexistent/x", "-net-config: /nonexistent/x does not exist",
                "blue=" + file, "-net-config " + file + ": Network: \"10.1.0.0/33\" is not an IPv4 subnet.*").entrySet()) {
            String sentence = assertThrows(IllegalArgumentException.class,
                    () -> new StoreOptions(folder, List.of(wrong.getKey())).configs()).getMessage();
            assertTrue(sentence.matches(wrong.getValue()), sentence);
        }
        Files.writeString(file, Bench.CONFIG + "\n");
        assertEquals(Map.of("", Bench.CONFIG, "blue", Bench.CONFIG), new StoreOptions(folder, List.of(file.toString(), "blue=" + Bench.CONFIG)).configs());
    }

    @Test
    void aLongFileIsWrittenAnewWhileOthersAreAppendedTo() throws Exception {
        List<Lease> held = new ArrayList<>();
        for (int host = 1; host <= 20; host++) {
            held.add(take(host));
        }
        long longest = 0;
        boolean shrunk = false;
        while (!shrunk) {
            for (int i = 0; i < held.size(); i++) {
                held.set(i, network.renew(held.get(i), held.get(i).attributes()));
            }
            long length = Files.size(bench.folder.resolve("journal"));
            shrunk = length < longest;
            longest = Math.max(longest, length);
        }
        assertTrue(longest < 2 << 20, longest + " bytes");
        restart(0);
        assertEquals(Set.copyOf(held.stream().map(Lease::asOf).toList()), Set.copyOf(leases().stream().map(Lease::asOf).toList()));
        assertFalse(Files.exists(bench.folder.resolve("journal.new")));
    }

    // ---- the disk ----

    @Test
    void manyWritesShareOneLookAtTheDisk() throws Exception {
        bench.close();
        disk = new TestDisk(5);
        bench = new Bench(folder.resolve("slow"), disk);
        network = bench.store.network("");
        int before = disk.forces.get();
        Set<Ipv4Subnet> subnets = new HashSet<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Lease>> taken = new ArrayList<>();
            for (int host = 1; host <= 200; host++) {
                int one = host;
                taken.add(threads.submit(() -> take(one)));
            }
            for (Future<Lease> lease : taken) {
                subnets.add(lease.get().subnet());
            }
        }
        assertEquals(200, subnets.size());
        assertTrue(disk.forces.get() - before < 100, disk.forces.get() - before + " times");
        assertEquals(200, leases().size());
    }

    @Test
    void whatCouldNotBeWrittenHasNotHappened() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            Lease lease = take(1);
            BlockingQueue<StoreEvent> told = follow(threads);
            next(told);
            for (boolean write : new boolean[] {true, false}) {
                disk.writeFailure = write ? "No space left on device" : "";
                disk.forceFailure = write ? "" : "Input/output error";
                String reason = assertThrows(StoreException.class, () -> take(2)).getMessage();
                assertEquals("cannot write " + bench.folder + "/journal: " + disk.writeFailure + disk.forceFailure, reason);
                assertEquals(new StoreEvent.Away(reason), next(told));
                disk.writeFailure = "";
                disk.forceFailure = "";
                StoreEvent.Listed again = assertInstanceOf(StoreEvent.Listed.class, next(told), "without a request, the disk is tried again");
                assertEquals(List.of(lease), again.entries());
                assertTrue(again.continued());
            }
            Lease other = take(3);
            assertNotEquals(lease.subnet(), other.subnet());
            threads.shutdownNow();
        }
        restart(0);
        assertEquals(2, leases().size());
    }
}
