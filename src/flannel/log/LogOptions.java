package flannel.log;

/**
 * The switches of glog, as the original has them.
 *
 * @param verbosity       {@code -v}: detail up to this level is written
 * @param vmodule         {@code -vmodule}: {@code pattern=N,...}, a verbosity for source files by name ({@code *} and {@code ?} allowed)
 * @param toStderr        {@code -logtostderr}: lines go to standard error, not to files
 * @param alsoToStderr    {@code -alsologtostderr}: to standard error as well as to files
 * @param stderrThreshold {@code -stderrthreshold}: when logging to files, lines of this severity and above go to standard error too
 * @param directory       {@code -log_dir}: folder of the log files; empty for the system's temporary folder
 * @param backtraceAt     {@code -log_backtrace_at}: {@code file:line} of a log call that shall print its stack; empty for none
 */
public record LogOptions(int verbosity, String vmodule, boolean toStderr, boolean alsoToStderr, Severity stderrThreshold,
        String directory, String backtraceAt) {

    /** In rising order. */
    public enum Severity {
        INFO, WARNING, ERROR, FATAL
    }

    /** Everything to standard error, no detail. */
    public static LogOptions quiet() {
        return new LogOptions(0, "", true, false, Severity.ERROR, "", "");
    }
}
