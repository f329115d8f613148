package flannel.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import flannel.files.FileException;
import flannel.log.LogOptions.Severity;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogTest {

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    private String written() {
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void linesHaveTheFormOfGlog() {
        new Log(new PrintStream(bytes, true), 0).info("Lease acquired: 10.1.83.0/24");
        assertTrue(written().matches("I\\d{4} \\d\\d:\\d\\d:\\d\\d\\.\\d{6} {1,6}\\d+ LogTest\\.java:\\d+] Lease acquired: 10\\.1\\.83\\.0/24\n"), written());
    }

    @Test
    void oneEventIsOneLine() {
        new Log(new PrintStream(bytes, true), 0).warning("etcd says\r\n\"no\"");
        assertEquals(1, written().lines().count());
    }

    @Test
    void theLastLinesAreKept() {
        Log log = new Log(new PrintStream(bytes, true), 0);
        for (int i = 0; i < 60; i++) {
            log.warning("line " + i + "\n");
        }
        assertEquals(50, log.last().size());
        assertEquals("line 10 ", log.last().getFirst().text());
        assertEquals("line 59 ", log.last().getLast().text());
        assertEquals(Severity.WARNING, log.last().getLast().severity());
    }

    @Test
    void detailIsChosenByLevelAndByFile() throws IOException {
        assertFalse(new Log(System.err, 0).v(1));
        assertTrue(new Log(System.err, 2).v(1));
        Log log = Log.open(new LogOptions(0, "Log*=3,other=9", true, false, Severity.ERROR, "", ""));
        assertTrue(log.v(3));
        assertFalse(log.v(4));
        assertThrows(IllegalArgumentException.class, () -> Log.open(new LogOptions(0, "x", true, false, Severity.ERROR, "", "")));
    }

    @Test
    void writesFilesWhenAskedTo(@TempDir Path folder) throws IOException {
        Log.open(new LogOptions(0, "", false, false, Severity.FATAL, folder.toString(), "")).error("to the file");
        assertTrue(Files.readString(folder.resolve("flanneld.INFO")).contains("] to the file\n"));
    }

    /** Whoever may write to the store would else write to the operator's terminal, or make lines up. */
    @Test
    void whatComesFromOutsideSteersNoTerminal() {
        new Log(new PrintStream(bytes, true, StandardCharsets.UTF_8), 0)
                .info("a\u001b]0;t\u0007b\0c\u007fd\u009be\u2028f\u202eg\u2066h\ud800i\udb40\udc41j\nE0101 k");
        assertEquals(List.of("a\\x1b]0;t\\x07b\\x00c\\x7fd\\x9be\\u2028f\\u202eg\\u2066h\\ud800i\\U000e0041j E0101 k"), texts());
    }

    @Test
    void whatPrintsStaysAsItIs() {
        new Log(new PrintStream(bytes, true, StandardCharsets.UTF_8), 0).info("Größe ≥ 5 € \\ 網 \ud83d\ude00\t.");
        assertTrue(written().endsWith("] Größe ≥ 5 € \\ 網 \ud83d\ude00 .\n"), written());
    }

    @Test
    void longLinesAreCut() {
        Log log = new Log(new PrintStream(bytes, true), 0);
        log.info("x".repeat(5_000_000));
        log.info("\0".repeat(5_000_000));
        List<String> lines = written().lines().toList();
        assertTrue(lines.getFirst().endsWith("xxx... (4998100 more characters)"), lines.getFirst());
        assertTrue(lines.stream().allMatch(line -> line.length() < 2048), "journald's LINE_MAX");
    }

    @Test
    void aFloodOfOneKindOfLineIsCounted() {
        AtomicLong nanos = new AtomicLong(-1);
        Log log = new Log(new PrintStream(bytes, true), 0, nanos::get);
        Runnable junk = () -> log.info("junk");
        Runnable trouble = () -> log.error("trouble");
        for (int i = 0; i < 100_000; i++) {
            junk.run();
        }
        trouble.run();
        List<String> lines = texts();
        assertEquals(1002, lines.size());
        assertEquals("junk", lines.get(999));
        assertEquals("more lines of this place are left out until they come less often", lines.get(1000));
        assertEquals("trouble", lines.get(1001), "another kind of line is never left out for it");

        nanos.addAndGet(TimeUnit.SECONDS.toNanos(9));
        junk.run();
        assertEquals(1002, texts().size(), "a silence lasts until there is something to say again");
        nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
        trouble.run();
        assertEquals(List.of("99001 lines of this place were left out", "trouble"), texts().subList(1002, 1004));
        for (int i = 0; i < 100; i++) {
            junk.run();
        }
        assertEquals(1004 + 50 + 1, texts().size());
    }

    /** A cluster in its usual life is far from the limit, however long it runs. */
    @Test
    void aSteadyTrickleIsLoggedWhole() {
        AtomicLong nanos = new AtomicLong();
        Log log = new Log(new PrintStream(bytes, true), 0, nanos::get);
        for (int i = 0; i < 10_000; i++) {
            log.info("line " + i);
            nanos.addAndGet(TimeUnit.SECONDS.toNanos(1) / RepeatLimit.PER_SECOND);
        }
        assertEquals(10_000, texts().size());
    }

    private List<String> texts() {
        return written().lines().map(line -> line.substring(line.indexOf("] ") + 2)).toList();
    }

    @Test
    void aLinkPlantedInPlaceOfALogFileIsNotFollowed(@TempDir Path folder) throws IOException {
        Path secret = Files.writeString(folder.resolve("shadow"), "secret");
        LocalDateTime now = LocalDateTime.now();
        String host = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        for (int seconds = 0; seconds < 300; seconds++) {
            Files.createSymbolicLink(folder.resolve(String.format("flanneld.%s.%s.log.INFO.%tY%<tm%<td-%<tH%<tM%<tS.%d",
                    host.substring(0, (host + ".").indexOf('.')), System.getProperty("user.name"), now.plusSeconds(seconds),
                    ProcessHandle.current().pid())), secret);
        }
        Files.createSymbolicLink(folder.resolve("flanneld.INFO"), secret);
        Log.open(new LogOptions(0, "", false, false, Severity.FATAL, folder.toString(), "")).error("to the file");
        assertEquals("secret", Files.readString(secret));
        assertTrue(Files.readString(folder.resolve("flanneld.INFO")).contains("] to the file\n"));
    }

    @Test
    void aMissingFolderIsToldInASentence(@TempDir Path folder) {
        LogOptions options = new LogOptions(0, "", false, false, Severity.FATAL, folder.resolve("none").toString(), "");
        assertEquals("there is no folder " + folder.resolve("none"),
                assertThrows(FileException.class, () -> Log.open(options)).getMessage());
    }

    /** In a UTS namespace, for a host's name can't be set for one process else. */
    @Test
    void aHostNameThatNobodyResolvesKeepsNobodyFromLogging(@TempDir Path folder) throws IOException, InterruptedException {
        assumeTrue(Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0), "only root can name a host");
        Process process = new ProcessBuilder("unshare", "--uts", "sh", "-c",
                "echo nowhere.invalid > /proc/sys/kernel/hostname && exec \"$@\"", "sh",
                System.getProperty("java.home") + "/bin/java", "-cp", classes(Log.class) + ":" + classes(Logs.class), Logs.class.getName(),
                folder.toString()).inheritIO().start();
        assertEquals(0, process.waitFor());
        assertTrue(Files.readSymbolicLink(folder.resolve("flanneld.INFO")).toString().startsWith("flanneld.nowhere."));
    }

    private static String classes(Class<?> of) {
        return of.getProtectionDomain().getCodeSource().getLocation().getPath();
    }

    static final class Logs {

        public static void main(String[] args) throws IOException {
            Log.open(new LogOptions(0, "", false, false, Severity.FATAL, args[0], "")).info("text");
        }
    }
}
