package flannel.kernel;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The programs iptables, iptables-save and iptables-restore, of whichever variant (nft, legacy) the distribution has chosen. Every run
 * has a time limit.
 */
final class IptablesPrograms {

    private static final int LIMIT_SECONDS = 10;
    private static final int LOCK_WAIT_SECONDS = 5;

    private final Path directory;
    /** Until one is met that does not: version numbers say little, distributions have put it into old ones. */
    private boolean knowsWait = true;

    /** @param directory where the programs are */
    IptablesPrograms(Path directory) {
        this.directory = directory;
    }

    /** Where the three programs are; the PATH of a service often lacks the sbin directories. */
    static Optional<IptablesPrograms> find() {
        List<String> directories = new ArrayList<>(List.of(System.getenv().getOrDefault("PATH", "").split(":")));
        directories.addAll(List.of("/usr/sbin", "/sbin"));
        return directories.stream().filter(name -> name.startsWith("/")).map(Path::of)
                .filter(path -> Files.isExecutable(path.resolve("iptables-save")) && Files.isExecutable(path.resolve("iptables-restore")))
                .findFirst().map(IptablesPrograms::new);
    }

    /** Whether these programs write nftables, of whose changes the kernel tells; the older variant's change in silence. */
    boolean usesNftables() {
        try {
            return run("", "iptables-restore", "--version").lines().stream().anyMatch(line -> line.contains("nf_tables"));
        } catch (IOException e) {
            return false;   // a broken one will be noticed by what comes next
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** The tables that are there, or those that the arguments name, line by line. */
    List<String> save(String... arguments) throws IOException, InterruptedException {
        return run("", "iptables-save", arguments).orThrow().lines();
    }

    /** Works a text off, each table's part as one transaction. What it does not name stays as it is. */
    void restore(String text) throws IOException, InterruptedException {
        if (knowsWait) {
            Ended ended = run(text, "iptables-restore", "--noflush", "--wait=" + LOCK_WAIT_SECONDS);
            knowsWait = ended.lines().stream().noneMatch(line -> line.contains("unrecognized option") && line.contains("wait"));
            if (knowsWait || ended.exitCode() == 0) {
                ended.orThrow();
                return;
            }
        }
        run(text, "iptables-restore", "--noflush").orThrow();
    }

    /** How a program ended and what it wrote. */
    private record Ended(String command, int exitCode, List<String> lines) {

        Ended orThrow() throws IOException {
            if (exitCode != 0) {
                List<String> last = lines.subList(Math.max(0, lines.size() - 3), lines.size());
                throw new IOException(command + " ended with " + exitCode + ": " + String.join(" ", last));
            }
            return this;
        }
    }

    private Ended run(String input, String program, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(directory.resolve(program).toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("LC_ALL", "C");
        Process process = builder.redirectErrorStream(true).start();
        Thread limit = Thread.ofVirtual().start(() -> killWhenLate(process));
        try (OutputStream in = process.getOutputStream()) {
            in.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // it ended without reading: its exit code and words tell why
        }
        List<String> lines;
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            lines = out.lines().toList();
        }
        int exitCode = process.waitFor();
        limit.interrupt();
        return new Ended(String.join(" ", command), exitCode, lines);
    }

    private static void killWhenLate(Process process) {
        try {
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            // it has ended
        }
    }
}
