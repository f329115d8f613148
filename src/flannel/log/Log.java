package flannel.log;

import java.io.PrintStream;
import java.time.LocalDateTime;
import java.time.ZoneId;

/**
 * Log lines in the form of glog, which the operators' greps know: {@code I1122 10:13:57.669109   23048 NetworkSession.java:120] text}.
 * One event, one line. Safe for use by all threads.
 */
public final class Log {

    private final PrintStream out;
    private final int verbosity;
    private final long pid = ProcessHandle.current().pid();

    /** @param verbosity level of {@code -v}: lines guarded by {@link #v} up to this level are written */
    public Log(PrintStream out, int verbosity) {
        this.out = out;
        this.verbosity = verbosity;
    }

    /** True when lines of that level of detail are wanted. */
    public boolean v(int level) {
        return level <= verbosity;
    }

    public void info(String message) {
        write('I', message);
    }

    public void warning(String message) {
        write('W', message);
    }

    public void error(String message) {
        write('E', message);
    }

    private void write(char severity, String message) {
        out.println(severity + " " + LocalDateTime.now(ZoneId.systemDefault()) + " " + pid + " " + message);
    }
}
