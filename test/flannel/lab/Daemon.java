package flannel.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** A flanneld that runs in a {@link Host}: its process, what it logged, and what it told "systemd". */
public final class Daemon implements AutoCloseable {

    /** How long anything may take before a test gives up: far more than it does take, so that a busy machine fails nothing. */
    public static final Duration PATIENCE = Duration.ofSeconds(30);

    /** sysconf(_SC_CLK_TCK): 100 on every Linux that runs Java. */
    private static final double CLOCK_TICKS_PER_SECOND = 100;

    private final Process process;
    private final NotifySocket notify;
    private final long startNanos;
    private final List<String> log = new ArrayList<>();
    private final List<String> told = new ArrayList<>();
    private long readyNanos;
    private boolean logEnded;

    /** @param notifyPath where "systemd" listens for this daemon */
    Daemon(List<String> command, Map<String, String> environment, Path notifyPath) throws IOException {
        notify = new NotifySocket(notifyPath, this::told);
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().keySet().removeIf(name -> name.startsWith("FLANNELD_") || name.endsWith("JAVA_OPTIONS"));
        builder.environment().put("NOTIFY_SOCKET", notifyPath.toString());
        builder.environment().putAll(environment);
        startNanos = System.nanoTime();
        process = builder.start();
        process.getOutputStream().close();
        Thread.ofPlatform().daemon().name("log").start(this::readLog);
    }

    private void readLog() {
        try (BufferedReader lines = process.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                synchronized (this) {
                    log.add(line);
                    notifyAll();
                }
            }
        } catch (IOException e) {
            // the process was killed: what it wrote so far is there
        }
        synchronized (this) {
            logEnded = true;
            notifyAll();
        }
    }

    private synchronized void told(String line) {
        told.add(line);
        if (line.equals("READY=1") && readyNanos == 0) {
            readyNanos = System.nanoTime();
        }
        notifyAll();
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** Everything it wrote so far. */
    public synchronized List<String> log() {
        return List.copyOf(log);
    }

    /** How many lines it wrote so far: what comes later is told from what was by {@link #awaitLog(int, String)}. */
    public synchronized int logSize() {
        return log.size();
    }

    /** Everything it told systemd so far, line by line. */
    public synchronized List<String> told() {
        return List.copyOf(told);
    }

    /** Time since its process was started. */
    public Duration sinceStart() {
        return Duration.ofNanos(System.nanoTime() - startNanos);
    }

    /** Waits for READY=1 and returns how long it took from the start of the process. */
    public Duration awaitReady() throws IOException {
        return awaitReady(PATIENCE);
    }

    /** The same where so much else starts that it takes longer. */
    public Duration awaitReady(Duration patience) throws IOException {
        await("READY=1", patience, () -> readyNanos != 0);
        return Duration.ofNanos(readyNanos - startNanos);
    }

    /** Waits for a line in which the regular expression is found; one logged earlier counts. */
    public String awaitLog(String regex) throws IOException {
        return awaitLog(0, regex);
    }

    /** Waits for a line in which the regular expression is found, past the first {@code from} lines. */
    public String awaitLog(int from, String regex) throws IOException {
        Predicate<String> matches = Pattern.compile(regex).asPredicate();
        await("a log line with " + regex, () -> log.stream().skip(from).anyMatch(matches));
        return log().stream().skip(from).filter(matches).findFirst().orElseThrow();
    }

    /** Waits for a line of sd_notify in which the regular expression is found. */
    public String awaitTold(String regex) throws IOException {
        Predicate<String> matches = Pattern.compile(regex).asPredicate();
        await(regex + " by sd_notify", () -> told.stream().anyMatch(matches));
        return told().stream().filter(matches).findFirst().orElseThrow();
    }

    private void await(String what, BooleanSupplier holds) throws IOException {
        await(what, PATIENCE, holds);
    }

    private synchronized void await(String what, Duration patience, BooleanSupplier holds) throws IOException {
        long deadline = System.nanoTime() + patience.toNanos();
        while (!holds.getAsBoolean()) {
            long leftMillis = (deadline - System.nanoTime()) / 1_000_000;
            if (leftMillis <= 0 || logEnded) {
                throw new IOException((logEnded ? "the daemon ended without " : "no ") + what + "; its log:\n" + String.join("\n", log));
            }
            try {
                wait(leftMillis);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while waiting for " + what);
            }
        }
    }

    /** Sends a signal by its name, as {@code TERM}, {@code STOP}, {@code CONT}. */
    public void signal(String name) throws IOException {
        new ProcessBuilder("sh", "-c", "kill -" + name + " " + pid()).inheritIO().start().onExit().join();
    }

    /** Waits for the process to end and returns its exit code (128 + number when a signal ended it). */
    public int awaitExit() throws IOException {
        try {
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new IOException("the daemon does not end; its log:\n" + String.join("\n", log()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for the daemon's end");
        }
        return process.exitValue();
    }

    /** SIGTERM, as by systemctl stop; the exit code. */
    public int terminate() throws IOException {
        signal("TERM");
        int exit = awaitExit();
        close();
        return exit;
    }

    /** SIGKILL. */
    public void kill() throws IOException {
        process.destroyForcibly();
        awaitExit();
        close();
    }

    /** Resident memory now, in KiB. */
    public long residentKib() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc", Long.toString(pid()), "status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        throw new IOException("no VmRSS of process " + pid());
    }

    /** User and system time that it has used so far, in seconds. */
    public double cpuSeconds() throws IOException {
        String stat = Files.readString(Path.of("/proc", Long.toString(pid()), "stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");     // proc(5): from field 3 on
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / CLOCK_TICKS_PER_SECOND;
    }

    /** Ends the process if it still runs. */
    @Override
    public void close() {
        process.destroyForcibly();
        notify.close();
    }
}
