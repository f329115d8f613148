package flannel.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Locale;
import java.util.Random;
import java.util.Set;

/**
 * Gives one target input after input, each by a seed of its own, on a thread with a daemon's stack, and watches what it does with it: it may
 * throw what it documents; it may not take long, nor for ever.
 */
final class Fuzzer {

    /** As {@code -Xss} in etc/jvm.options. */
    private static final int STACK_BYTES = 256 << 10;

    /** Of a processor, for input of 256 KB at most. */
    private static final long SLOW_MILLIS = 1_500;

    /** By the clock, however busy the machine is: for ever. */
    private static final long STUCK_MILLIS = 30_000;

    /** A target that fails has failed: more than so many kinds of failure tell nothing new. */
    private static final int MOST_FAILURES = 10;

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private final Target target;
    private final Path folder;
    private final Set<String> failures = new HashSet<>();
    private volatile long seed;
    private volatile long startNanos;
    private volatile boolean done;
    private long inputs;
    private long refused;
    private long slowestNanos;

    /** @param folder where input that made it fail is kept */
    Fuzzer(Target target, Path folder) {
        this.target = target;
        this.folder = folder;
    }

    /** Goes on for a while; returns the seed of the next input. */
    long run(long first, long nanos) throws InterruptedException {
        seed = first;
        done = false;
        startNanos = System.nanoTime();
        long end = startNanos + nanos;
        Thread thread = Thread.ofPlatform().name(target.name()).daemon().stackSize(STACK_BYTES).start(() -> {
            do {
                one();
                seed++;
            } while (System.nanoTime() - end < 0 && failures.size() < MOST_FAILURES);
            done = true;
        });
        while (!thread.join(Duration.ofMillis(500))) {
            if (!done && System.nanoTime() - startNanos > STUCK_MILLIS * 1_000_000) {
                AssertionError stuck = new AssertionError("not done after " + STUCK_MILLIS / 1_000 + " s");
                stuck.setStackTrace(thread.getStackTrace());
                fail(stuck, input(new Random(scattered(seed))));
                return seed + 1;                        // the thread is left behind; so is the target
            }
        }
        return seed;
    }

    boolean isAtAnEnd() {
        return failures.size() >= MOST_FAILURES || !done;
    }

    /** Seeds of neighbours would begin alike. */
    private static long scattered(long seed) {
        return seed * 0x9E3779B97F4A7C15L;
    }

    private byte[] input(Random dice) {
        return target.mutator().mutate(target.samples(), dice);
    }

    private void one() {
        Random dice = new Random(scattered(seed));
        byte[] input = {};
        startNanos = System.nanoTime();
        long cpu = THREADS.getCurrentThreadCpuTime();
        try {
            input = input(dice);
            target.reader().read(input, dice);
        } catch (Throwable t) {
            refused++;
            if (!target.documented().contains(t.getClass())) {
                fail(t, input);
            } else if (t.getMessage() == null || t.getMessage().isBlank()) {
                fail(new AssertionError("refused without a word: " + t, t), input);
            }
        }
        long took = THREADS.getCurrentThreadCpuTime() - cpu;
        slowestNanos = Math.max(slowestNanos, took);
        if (took > SLOW_MILLIS * 1_000_000) {
            fail(new AssertionError("it took long"), input);
        }
        inputs++;
    }

    private void fail(Throwable t, byte[] input) {
        StackTraceElement[] stack = t.getStackTrace();
        String kind = t.getClass() + (t instanceof AssertionError ? t.getMessage().replaceAll("(?s)[^a-z ].*", "") : "")
                + (stack.length > 0 ? stack[0].toString() : "");
        if (!failures.add(kind)) {
            return;
        }
        Path file = folder.resolve(target.name().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9.]+", "-") + "-" + seed);
        StringBuilder at = new StringBuilder();
        for (int i = 0; i < Math.min(12, stack.length); i++) {
            at.append("\n        at ").append(stack[i]);
        }
        String message = String.valueOf(t.getMessage());
        System.out.println("FAILED: again by --target '" + target.name() + "' --seed " + seed + " (input of " + input.length + " bytes kept as "
                + file + "): " + t.getClass().getName() + ": " + message.substring(0, Math.min(2_000, message.length())) + at);
        try {
            Files.createDirectories(folder);
            Files.write(file, input);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int failed() {
        return failures.size();
    }

    String row() {
        return String.format("%-36s %10d %9.0f %% %12.1f %9d", target.name(), inputs, inputs == 0 ? 0 : 100.0 * refused / inputs,
                slowestNanos / 1e6,
                failures.size());
    }

    long inputs() {
        return inputs;
    }
}
