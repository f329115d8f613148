package flannel.check;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What other programs of the host tell. */
final class Programs {

    private static final int MOST_OUTPUT = 4 << 20;
    private static final int PATIENCE_SECONDS = 3;

    private Programs() {
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
