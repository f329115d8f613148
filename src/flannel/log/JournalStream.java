package flannel.log;

import flannel.log.LogOptions.Severity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether lines go straight to systemd's journal, which takes the priority of each from its beginning (sd-daemon(3)). */
final class JournalStream {

    private static final Path STDERR = Path.of("/proc/self/fd/2");

    private JournalStream() {
    }

    /**
     * Whether standard error is the journal.
     *
     * @param told what systemd says of it in $JOURNAL_STREAM, device and inode (systemd.exec(5)); null for nothing. A program that was
     * started
     *             further down has it too, and perhaps another standard error
     */
    static boolean isStderr(String told) {
        return told != null && is(STDERR, told);
    }

    static boolean is(Path file, String told) {
        try {
            return told.equals(Files.getAttribute(file, "unix:dev") + ":" + Files.getAttribute(file, "unix:ino"));
        } catch (IOException e) {
            return false;
        }
    }

    /** What a line of that severity begins with: syslog(3)'s number. */
    static String priority(Severity severity) {
        return switch (severity) {
            case INFO -> "<6>";
            case WARNING -> "<4>";
            case ERROR -> "<3>";
            case FATAL -> "<2>";
        };
    }
}
