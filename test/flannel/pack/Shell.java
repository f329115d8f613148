package flannel.pack;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Runs the scripts and tools that the package is made with. */
final class Shell {

    /** How a program ended, and what it wrote. */
    record Result(int status, String output, String errors) {

        /** The output of a program that must have succeeded. */
        String succeeded() {
            if (status != 0) {
                throw new AssertionError("exit code " + status + ": " + errors + output);
            }
            return output;
        }
    }

    private Shell() {
    }

    /** Runs a program in a folder; the environment is the test's own plus {@code variables}. */
    static Result run(Path folder, Map<String, String> variables, List<String> command) {
        try {
            Path errors = Files.createTempFile("flannel-test", ".err");
            try {
                ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile()).redirectError(errors.toFile());
                builder.environment().putAll(variables);
                Process process = builder.start();
                process.getOutputStream().close();
                String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                return new Result(process.waitFor(), output, Files.readString(errors));
            } finally {
                Files.delete(errors);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    static Result run(String... command) {
        return run(Path.of("."), Map.of(), List.of(command));
    }

    /** True when a program of that name can be run here. */
    static boolean has(String program) {
        return run("sh", "-c", "PATH=$PATH:/usr/sbin:/sbin command -v " + program).status() == 0;
    }
}
