package flannel.report;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The host's own programs.
 *
 * @param folders  where they may be
 * @param patience with each of them
 */
record Programs(List<Path> folders, Duration patience) {

    private static final int MOST_READ = 8 << 20;
    private static final int MOST_KEPT = 1 << 20;

    /**
     * What a program prints, its last megabyte, and a line of how it ended unless that was well.
     *
     * @throws IOException with a sentence when it is not here, or fails without a word
     */
    String output(List<String> command) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(command);
        words.set(0, folders.stream().map(folder -> folder.resolve(command.getFirst())).filter(Files::isExecutable).findFirst()
                .orElseThrow(() -> new IOException("there is no program " + command.getFirst() + " here")).toString());
        ProcessBuilder builder = new ProcessBuilder(words).redirectErrorStream(true);
        builder.environment().put("LC_ALL", "C");
        Process process = builder.start();
        Thread watch = Thread.ofVirtual().start(() -> endLate(process));
        try (InputStream out = process.getInputStream()) {
            process.getOutputStream().close();
            byte[] all = out.readNBytes(MOST_READ);
            boolean whole = all.length < MOST_READ && process.waitFor(1, TimeUnit.SECONDS);
            int status = whole ? process.exitValue() : -1;
            String text = new String(all, Math.max(0, all.length - MOST_KEPT), Math.min(all.length, MOST_KEPT), StandardCharsets.UTF_8);
            if (status != 0 && text.isBlank()) {
                throw new IOException(ending(command, status));
            }
            return (all.length > MOST_KEPT ? "(the first " + (all.length - MOST_KEPT) + " bytes are left out)\n" : "") + text
                    + (status == 0 ? "" : "(" + ending(command, status) + ")\n");
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
