package flannel.programs;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Runs programs of the host, none of which can hold anybody up: it is ended, with what it has started, when its time is over.
 *
 * @param folders  where they may be
 * @param patience with each of them
 */
public record Programs(List<Path> folders, Duration patience) {

    private static final int MOST_READ = 8 << 20;
    private static final int MOST_KEPT = 1 << 20;

    /** Those of the PATH, and of administrators, whose folders a service's PATH often lacks. */
    public static Programs ofPath(String path, Duration patience) {
        return new Programs(Stream.of((path + ":/usr/sbin:/sbin:/usr/bin:/bin").split(":")).filter(folder -> folder.startsWith("/")).map(Path::of)
                .toList(), patience);
    }

    /**
     * How one has ended.
     *
     * @param status as a shell would tell it; -1 when it had to be ended, or said more than is read
     * @param output its first 8 MiB
     */
    private record Ended(int status, byte[] output) {
    }

    /** What a program says to its standard output; empty when it is not here, fails, or takes too long. */
    public String answer(String... command) throws InterruptedException {
        try {
            Ended ended = run(List.of(command), ProcessBuilder.Redirect.DISCARD);
            return ended.status() == 0 ? new String(ended.output(), StandardCharsets.UTF_8) : "";
        } catch (IOException e) {
            return "";
        }
    }

    /**
     * All that a program says, its last megabyte, and a line of how it ended unless that was well.
     *
     * @throws IOException with a sentence when it is not here, or fails without a word
     */
    public String report(List<String> command) throws IOException, InterruptedException {
        Ended ended = run(command, null);
        int omitted = Math.max(0, ended.output().length - MOST_KEPT);
        String text = new String(ended.output(), omitted, ended.output().length - omitted, StandardCharsets.UTF_8);
        if (ended.status() != 0 && text.isBlank()) {
            throw new IOException(ending(command, ended.status()));
        }
        return (omitted > 0 ? "(the first " + omitted + " bytes are left out)\n" : "") + text
                + (ended.status() == 0 ? "" : "(" + ending(command, ended.status()) + ")\n");
    }

    /** @param errors where its standard error goes; null for where its output goes */
    private Ended run(List<String> command, ProcessBuilder.Redirect errors) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(command);
        words.set(0, folders.stream().map(folder -> folder.resolve(command.getFirst())).filter(Files::isExecutable).findFirst()
                .orElseThrow(() -> new IOException("there is no program " + command.getFirst() + " here")).toString());
        ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(errors == null);
        if (errors != null) {
            builder.redirectError(errors);
        }
        builder.environment().put("LC_ALL", "C");
        Process process = builder.start();
        Thread watch = Thread.ofVirtual().start(() -> endLate(process));
        try (InputStream out = process.getInputStream()) {
            process.getOutputStream().close();
            byte[] all = out.readNBytes(MOST_READ);
            boolean whole = all.length < MOST_READ && process.waitFor(1, TimeUnit.SECONDS);
            return new Ended(whole ? process.exitValue() : -1, all);
        } finally {
            watch.interrupt();
            end(process);
        }
    }

    private String ending(List<String> command, int status) {
        return String.join(" ", command) + (status == 128 + 9 || status < 0 ? " took longer than " + patience.toSeconds() + " s, or has no end"
                : " ended with status " + status);
    }

    private void endLate(Process process) {
        try {
            if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                end(process);
            }
        } catch (InterruptedException e) {
            // it has ended
        }
    }

    private static void end(Process process) {
        List<ProcessHandle> descendants = process.descendants().toList(); // they may hold its output open
        process.destroyForcibly();
        descendants.forEach(ProcessHandle::destroyForcibly);
    }
}
