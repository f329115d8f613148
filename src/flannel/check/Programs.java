package flannel.check;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What other programs of the host tell. */
final class Programs {

    private static final int MOST_OUTPUT = 4 << 20;
    private static final int PATIENCE_SECONDS = 3;

    private Programs() {
    }

    static String commandLine(Path process) {
        try {
            return new String(Files.readAllBytes(process.resolve("cmdline")), StandardCharsets.UTF_8).replace('\0', ' ').strip();
        } catch (IOException e) {
            return ""; // it has ended meanwhile
        }
    }

    /** A program's output; empty when it is not there, fails, or takes too long. */
    static String output(String... command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(List.of(command)).redirectError(ProcessBuilder.Redirect.DISCARD).start();
            process.getOutputStream().close();
            Thread.ofVirtual().start(() -> endLate(process));
            try (InputStream out = process.getInputStream()) {
                String text = new String(out.readNBytes(MOST_OUTPUT), StandardCharsets.UTF_8);
                return process.waitFor() == 0 ? text : "";
            }
        } catch (IOException e) {
            return "";
        }
    }

    private static void endLate(Process process) {
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
        }
    }
}
