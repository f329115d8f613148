package flannel.log;

import flannel.files.FileException;
import flannel.log.LogOptions.Severity;
import java.io.PrintStream;
import java.time.Instant;
import java.time.LocalDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;

/**
 * Log lines in the form of glog, which the operators' greps know:
 * {@code I1122 10:13:57.669109   23048 NetworkSession.java:120] text}. One event, one line, whatever an answer of a server may hold:
 * control characters are told by their numbers, long lines are cut, and of a flood from one place the most is counted only. Safe for use by
 * all threads.
 *
 * <p>Source: the header comment of glog's logging.cc: severity letter, month and day, time with microseconds, process id seven wide,
 * file and line of the caller.
 */
public final class Log {

    /** A line as it was written. */
    public record Line(Instant when, Severity severity, String text) {
    }

    private record ModuleLevel(Pattern file, int level) {
    }

    private static final StackWalker STACK = StackWalker.getInstance();

    /** With glog's header a line stays below 2048 bytes, where journald of systemd 219 would make two of it (its LINE_MAX). */
    private static final int MESSAGE_LIMIT = 1900;

    /** How many of the last lines are kept, for whoever asks what has happened. */
    private static final int KEPT = 50;

    /** What each message begins with. */
    private final String about;
    private final LogOptions options;
    private final PrintStream stderr;
    private final boolean journal;
    private final PrintStream file;
    private final LongSupplier nanoClock;
    private final RepeatLimit limit;
    private final List<ModuleLevel> modules;
    private final long pid = ProcessHandle.current().pid();
    private final Deque<Line> last;

    /**
     * Opens the log.
     *
     * @param journalStream the environment's $JOURNAL_STREAM: lines to the journal get their priority; null for none
     * @throws FileException            when a log file was asked for and can't be made
     * @throws IllegalArgumentException when the vmodule list can't be read
     */
    public static Log open(LogOptions options, String journalStream) throws FileException {
        return new Log(options, System.err, JournalStream.isStderr(journalStream),
                options.toStderr() ? null : LogFile.open(options.directory()), System::nanoTime);
    }

    public static Log open(LogOptions options) throws FileException {
        return open(options, null);
    }

    /** A log on a stream of the caller's, for tests and for what happens before the options are known. */
    public Log(PrintStream stream, int verbosity) {
        this(stream, verbosity, System::nanoTime);
    }

    Log(PrintStream stream, int verbosity, LongSupplier nanoClock) {
        this(new LogOptions(verbosity, "", true, false, Severity.ERROR, "", ""), stream, false, null, nanoClock);
    }

    private Log(LogOptions options, PrintStream stderr, boolean journal, PrintStream file, LongSupplier nanoClock) {
        this.about = "";
        this.options = options;
        this.stderr = stderr;
        this.journal = journal;
        this.file = file;
        this.nanoClock = nanoClock;
        this.modules = modules(options.vmodule());
        this.limit = new RepeatLimit();
        this.last = new ArrayDeque<>();
    }

    private Log(Log whole, String about) {
        this.about = whole.about + about;
        options = whole.options;
        stderr = whole.stderr;
        journal = whole.journal;
        file = whole.file;
        nanoClock = whole.nanoClock;
        modules = whole.modules;
        limit = new RepeatLimit();
        last = whole.last;
    }

    /** The same log for what concerns one of several things: its lines begin with that name, and a flood of them silences no other's. */
    public Log of(String name) {
        return name.isEmpty() ? this : new Log(this, name + ": ");
    }

    private static List<ModuleLevel> modules(String vmodule) {
        List<ModuleLevel> modules = new ArrayList<>();
        for (String part : vmodule.isEmpty() ? new String[0] : vmodule.split(",")) {
            int equals = part.lastIndexOf('=');
            if (equals <= 0 || !part.substring(equals + 1).matches("\\d{1,4}")) {
                throw new IllegalArgumentException("\"" + part + "\" of -vmodule is not of the form pattern=N");
            }
            String glob = part.substring(0, equals).replace("*", "\\E.*\\Q").replace("?", "\\E.\\Q");
            modules.add(new ModuleLevel(Pattern.compile("\\Q" + glob + "\\E"), Integer.parseInt(part.substring(equals + 1))));
        }
        return modules;
    }

    /** True when lines of that level of detail are wanted of the calling source file. */
    public boolean v(int level) {
        if (modules.isEmpty()) {
            return level <= options.verbosity();
        }
        String source = caller().getFileName().replace(".java", "");
        for (ModuleLevel module : modules) {
            if (module.file().matcher(source).matches()) {
                return level <= module.level();
            }
        }
        return level <= options.verbosity();
    }

    public void info(String message) {
        write(Severity.INFO, message);
    }

    public void warning(String message) {
        write(Severity.WARNING, message);
    }

    public void error(String message) {
        write(Severity.ERROR, message);
    }

    private void write(Severity severity, String message) {
        StackWalker.StackFrame caller = caller();
        String place = caller.getFileName() + ":" + caller.getLineNumber();
        List<RepeatLimit.Silence> silences;
        RepeatLimit.Verdict verdict;
        synchronized (limit) {
            long nowNanos = nanoClock.getAsLong();
            silences = limit.endedSilences(nowNanos);
            verdict = limit.admit(place, nowNanos);
        }
        for (RepeatLimit.Silence silence : silences) {
            write(Severity.WARNING, silence.place(), about + silence.lines() + " lines of this place were left out");
        }
        switch (verdict) {
            case WRITTEN -> write(severity, place, Printable.line(about + message, MESSAGE_LIMIT));
            case FIRST_LEFT_OUT -> write(Severity.WARNING, place, about + "more lines of this place are left out until they come less often");
            case LEFT_OUT -> { }
        }
    }

    /** The last lines, the latest last. */
    public List<Line> last() {
        synchronized (last) {
            return List.copyOf(last);
        }
    }

    private void write(Severity severity, String place, String message) {
        synchronized (last) {
            if (last.size() == KEPT) {
                last.removeFirst();
            }
            last.addLast(new Line(Instant.now(), severity, message));
        }
        StringBuilder line = new StringBuilder(96 + message.length());
        header(severity, LocalDateTime.now(), place, line);
        line.append(message).append('\n');
        if (place.equals(options.backtraceAt())) {
            STACK.forEach(frame -> line.append("    at ").append(frame).append('\n'));
        }
        String text = line.toString();
        if (file != null) {
            file.print(text);
        }
        if (file == null || options.alsoToStderr() || severity.compareTo(options.stderrThreshold()) >= 0) {
            stderr.print(journal ? JournalStream.priority(severity) + text : text);
            stderr.flush();
        }
    }

    private void header(Severity severity, LocalDateTime now, String place, StringBuilder line) {
        line.append(severity.name().charAt(0));
        padded(now.getMonthValue(), 2, '0', line);
        padded(now.getDayOfMonth(), 2, '0', line);
        line.append(' ');
        padded(now.getHour(), 2, '0', line);
        line.append(':');
        padded(now.getMinute(), 2, '0', line);
        line.append(':');
        padded(now.getSecond(), 2, '0', line);
        line.append('.');
        padded(now.getNano() / 1000, 6, '0', line);
        line.append(' ');
        padded(pid, 7, ' ', line);
        line.append(' ').append(place).append("] ");
    }

    private static void padded(long number, int width, char fill, StringBuilder line) {
        String digits = Long.toString(number);
        line.repeat(fill, Math.max(0, width - digits.length())).append(digits);
    }

    private static StackWalker.StackFrame caller() {
        return STACK.walk(frames -> frames.filter(frame -> !frame.getClassName().equals(Log.class.getName())).findFirst())
                .orElseThrow();
    }
}
