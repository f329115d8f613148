package flannel.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.files.FileException;
import flannel.lease.Lease;
import flannel.lease.ServedStore;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A store's file that was cut off, overwritten or changed: what was answered is there, or a sentence says what is not. */
@Timeout(60)
class DamageTest {

    private static final long SEED = 11;

    @TempDir
    private Path folder;
    private byte[] file;
    /** What had been answered when the file had that length. */
    private final NavigableMap<Integer, Set<String>> answered = new TreeMap<>();

    /** Leases taken, renewed, reserved, given back, each one answered before the next. */
    @BeforeEach
    void history() throws Exception {
        Path path = folder.resolve("first");
        try (Bench bench = new Bench(path)) {
            ServedStore network = bench.store.network("");
            byte[] start = Files.readAllBytes(path.resolve("journal"));
            Records.Payload first = Records.scan(start).payloads().getFirst();
            answered.put(first.at() + first.length(), Set.of());
            answered.put(start.length, Set.of());                       // with its config
            for (int host = 1; host <= 2; host++) {
                Lease lease = network.take(Bench.wish(host), network.read()).lease();
                note(network, path);
                network.renew(lease, Bench.host(host));
                note(network, path);
            }
            network.reserve(Ipv4Subnet.parse("10.77.0.0/24"), Ipv4.parse("192.168.32.9"));
            note(network, path);
            network.giveBack((Lease) network.read().iterator().next());
            note(network, path);
        }
        file = Files.readAllBytes(path.resolve("journal"));
        assertEquals(file.length, answered.lastKey());
    }

    private void note(ServedStore network, Path path) throws Exception {
        answered.put((int) Files.size(path.resolve("journal")), leases(network));
    }

    private static Set<String> leases(ServedStore network) throws Exception {
        Set<String> leases = new TreeSet<>();
        network.read().forEach(entry -> leases.add(entry.key() + " " + ((Lease) entry).attributes() + ((Lease) entry).isReservation() + entry.asOf()));
        return leases;
    }

    private interface Outcome {
    }

    private record Opened(Set<String> leases, String log) implements Outcome {
    }

    private record Refused(String sentence) implements Outcome {
    }

    private int opened;

    /** Starts a server with such a file. */
    private Outcome open(byte[] journal) throws Exception {
        Path path = Files.createDirectory(folder.resolve("store" + opened++));
        Files.write(path.resolve("journal"), journal);
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        try (SmallStore store = SmallStore.open(path, true, Map.of(), new TestDisk(0), StoreClock.system(), Bench.LOOK, new Log(new PrintStream(log), 0))) {
            Opened found = new Opened(leases(store.network("")), log.toString(StandardCharsets.UTF_8));
            // and goes on from there
            Lease lease = store.network("").reserve(Ipv4Subnet.parse("10.99.0.0/24"), Ipv4.parse("192.168.32.99"));
            store.network("").giveBack(lease);
            return found;
        } catch (FileException e) {
            assertTrue(Arrays.equals(journal, Files.readAllBytes(path.resolve("journal"))), "what can't be read is left as it is");
            return new Refused(e.getMessage());
        } finally {
            Files.delete(path.resolve("journal"));
            Files.delete(path.resolve("lock"));
            Files.delete(path);
        }
    }

    @Test
    void cutOffAtEveryByteItHasAllThatWasAnsweredUntilThere() throws Exception {
        int first = answered.firstEntry().getKey();
        int records = 0;
        for (int length = 0; length <= file.length; length++) {
            Map.Entry<Integer, Set<String>> before = answered.floorEntry(length);
            switch (open(Arrays.copyOf(file, length))) {
                case Opened(Set<String> leases, String log) -> {
                    assertEquals(before.getValue(), leases, "cut at " + length);
                    boolean whole = before.getKey() == length;
                    records += whole ? 1 : 0;
                    assertEquals(!whole, log.contains("cut " + (length - before.getKey()) + " bytes off"), "cut at " + length + ": " + log);
                }
                case Refused(String sentence) -> {
                    assertTrue(length < first, "cut at " + length + ": " + sentence); // not a write's, but the file's beginning
                    assertTrue(sentence.contains("damaged at byte 0, its beginning"), sentence);
                }
                default -> throw new AssertionError();
            }
        }
        assertEquals(answered.size(), records);
    }

    @Test
    void aChangedByteIsToldAndLosesNothing() throws Exception {
        Random random = new Random(SEED);
        int told = 0;
        for (int i = 0; i < 1_000; i++) {
            byte[] changed = file.clone();
            int at = random.nextInt(file.length);
            changed[at] ^= (byte) (1 << random.nextInt(8));
            switch (open(changed)) {
                case Opened(Set<String> leases, String log) -> assertEquals(answered.lastEntry().getValue(), leases, "byte " + at + ": " + log);
                case Refused(String sentence) -> {
                    told++;
                    assertTrue(sentence.matches("the store's file \\S+/journal is damaged at byte \\d+, (behind change \\d+|its beginning)"
                            + "(; \\d+ records? behind that can be read)?\\. Put a copy of the file in its place, or have"
                            + " \"flanneld store repair -store=\\S+\" keep what can be read"), sentence);
                }
                default -> throw new AssertionError();
            }
        }
        assertTrue(told > 950, told + " times"); // the rest: a digit's other case
    }

    @Test
    void manyBytesOfRubbishAreToldOrCutOffAndNeverTaken() throws Exception {
        Random random = new Random(SEED);
        for (int i = 0; i < 500; i++) {
            byte[] changed = Arrays.copyOf(file, random.nextInt(file.length + 1) + random.nextInt(50));
            byte[] rubbish = new byte[1 + random.nextInt(60)];
            random.nextBytes(rubbish);
            int at = random.nextInt(Math.max(1, changed.length - rubbish.length));
            System.arraycopy(rubbish, 0, changed, at, Math.min(rubbish.length, changed.length - at));
            int good = Arrays.mismatch(changed, file) < 0 ? file.length : Arrays.mismatch(changed, file);
            if (open(changed) instanceof Opened(Set<String> leases, String log)) {
                assertEquals(answered.floorEntry(good).getValue(), leases, "from byte " + at + " on: " + log);
            }
        }
    }

    @Test
    void aWriteWhoseBlocksWereNotAllWrittenIsCutOff() throws Exception {
        int last = answered.lowerKey(file.length);
        byte[] torn = file.clone();
        Arrays.fill(torn, last + 30, Math.min(last + 60, torn.length), (byte) 0);
        assertEquals(answered.get(last), ((Opened) open(torn)).leases());
        byte[] head = file.clone();
        Arrays.fill(head, last, last + 40, (byte) 0);
        assertEquals(answered.get(last), ((Opened) open(head)).leases());
        byte[] longer = Arrays.copyOf(file, file.length + 4_096);
        assertEquals(answered.get(file.length), ((Opened) open(longer)).leases(), "room that was made for a write that did not come");
    }

    @Test
    void aBlockOfZerosInTheMiddleIsDamage() throws Exception {
        int record = answered.higherKey(answered.firstKey());
        Arrays.fill(file, record, record + 100, (byte) 0);
        assertTrue(((Refused) open(file)).sentence().contains("damaged at byte " + record));
    }

    @Test
    void aRecordThatIsMissingWholeIsNoticed() throws Exception {
        int from = answered.higherKey(answered.firstKey());
        int to = answered.higherKey(from);
        byte[] without = new byte[file.length - (to - from)];
        System.arraycopy(file, 0, without, 0, from);
        System.arraycopy(file, to, without, from, file.length - to);
        assertTrue(((Refused) open(without)).sentence().contains("where records are missing"));
    }

    @Test
    void aFileOfAnotherFormatIsNotTouched() throws Exception {
        byte[] newer = Records.frame("{\"format\":2,\"store\":\"x\"}\n".getBytes(StandardCharsets.UTF_8));
        String sentence = ((Refused) open(newer)).sentence();
        assertTrue(sentence.contains("it is of format 2, and this flanneld knows format 1"), sentence);
    }

    @Test
    void whatWasCutOffDoesNotComeBack() throws Exception {
        Path path = folder.resolve("again");
        Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);
        Files.createDirectory(path);
        Files.write(path.resolve("journal"), Arrays.copyOf(file, file.length - 3));
        for (int i = 0; i < 2; i++) {
            try (SmallStore store = SmallStore.open(path, true, Map.of(), new TestDisk(0), StoreClock.system(), Bench.LOOK, log)) {
                assertEquals(answered.lowerEntry(file.length).getValue(), leases(store.network("")));
            }
        }
        Files.write(path.resolve("journal"), "0000".getBytes(StandardCharsets.UTF_8), StandardOpenOption.APPEND);
        try (SmallStore store = SmallStore.open(path, true, Map.of(), new TestDisk(0), StoreClock.system(), Bench.LOOK, log)) {
            assertNotEquals(Set.of(), leases(store.network("")));
        }
        assertThrows(FileException.class, () -> SmallStore.open(path.resolve("journal"), true, Map.of(), new TestDisk(0), StoreClock.system(), Bench.LOOK, log));
    }
}
