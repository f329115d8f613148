package flannel.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.log.LogOptions.Severity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The journal takes priorities; a terminal, a file or a pipe shall not show them. */
class JournalStreamTest {

    private static Process logger(Path stderr, String journalStream) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(ProcessHandle.current().info().command().orElseThrow(), "-XX:TieredStopAtLevel=1",
                "-cp", classes(Log.class) + ":" + classes(JournalStreamTest.class), Logger.class.getName());
        builder.environment().put("JOURNAL_STREAM", journalStream);
        return builder.redirectError(stderr.toFile()).start();
    }

    private static String classes(Class<?> of) {
        return of.getProtectionDomain().getCodeSource().getLocation().getPath();
    }

    /** Writes one line of each severity. */
    static final class Logger {

        public static void main(String[] args) throws Exception {
            Log log = Log.open(LogOptions.quiet(), System.getenv("JOURNAL_STREAM"));
            log.info("one");
            log.warning("two");
            log.error("three");
        }
    }

    @Test
    void linesHavePriorities(@TempDir Path folder) throws Exception {
        Path stderr = Files.createFile(folder.resolve("stderr"));
        String told = Files.getAttribute(stderr, "unix:dev") + ":" + Files.getAttribute(stderr, "unix:ino");
        assertEquals(0, logger(stderr, told).waitFor());
        assertEquals("<6>I <4>W <3>E ", Files.readString(stderr).replaceAll("(?m)^(...)(.).*\n", "$1$2 "));
    }

    @Test
    void anotherStreamHasNone(@TempDir Path folder) throws Exception {
        Path stderr = Files.createFile(folder.resolve("stderr"));
        assertEquals(0, logger(stderr, "8:12345").waitFor());
        assertEquals("I W E ", Files.readString(stderr).replaceAll("(?m)^(.).*\n", "$1 "));
    }

    @Test
    void whatSystemdTells(@TempDir Path folder) throws IOException {
        assertFalse(JournalStream.isStderr(null));
        Path file = Files.createFile(folder.resolve("file"));
        String inode = String.valueOf(Files.getAttribute(file, "unix:ino"));
        assertFalse(JournalStream.is(file, inode));
        assertFalse(JournalStream.is(folder.resolve("none"), "8:" + inode));
        assertTrue(JournalStream.is(file, Files.getAttribute(file, "unix:dev") + ":" + inode));
        assertEquals("<2>", JournalStream.priority(Severity.FATAL));
    }
}
