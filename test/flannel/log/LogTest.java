package flannel.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.log.LogOptions.Severity;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
}
