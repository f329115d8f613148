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
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The programs iptables, iptables-save and iptables-restore, of whichever variant (nft, legacy) the distribution has chosen. Every run
 * has a time limit.
 */
final class IptablesPrograms {

    private static final int LIMIT_SECONDS = 10;
    private static final int LOCK_WAIT_SECONDS = 5;

    /** From this version on iptables-restore knows --wait. */
    private static final List<Integer> KNOWS_WAIT = List.of(1, 6, 2);

    private final Path directory;
    private List<Integer> version = List.of();
    private boolean nftables;

    private IptablesPrograms(Path directory) {
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

    /** Whether the version, asked once, is at least the given one. One that can't be told counts as old. */
    boolean isAtLeast(List<Integer> wanted) {
        askOnce();
        for (int i = 0; i < wanted.size(); i++) {
            if (!version.get(i).equals(wanted.get(i))) {
                return version.get(i) > wanted.get(i);
            }
        }
        return true;
    }

    /** Whether these programs write nftables, of whose changes the kernel tells; the older variant's change in silence. */
    boolean usesNftables() {
        askOnce();
        return nftables;
    }

    private void askOnce() {
        if (version.isEmpty()) {
            version = askVersion();
        }
    }

    private List<Integer> askVersion() {
        try {
            String told = String.join("\n", run("", "iptables-restore", "--version"));
            nftables = told.contains("nf_tables");
            Matcher matcher = Pattern.compile("v(\\d+)\\.(\\d+)\\.(\\d+)").matcher(told);
            if (matcher.find()) {
                return List.of(Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)), Integer.parseInt(matcher.group(3)));
            }
        } catch (IOException e) {
            // old ones have no such option, and a broken one will be noticed by what comes next
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return List.of(0, 0, 0);
    }

    /** All tables that are there, line by line. */
    List<String> save() throws IOException, InterruptedException {
        return run("", "iptables-save");
    }

    /** Works a text off, each table's part as one transaction. What it does not name stays as it is. */
    void restore(String text) throws IOException, InterruptedException {
        if (isAtLeast(KNOWS_WAIT)) {
            run(text, "iptables-restore", "--noflush", "--wait=" + LOCK_WAIT_SECONDS);
        } else {
            run(text, "iptables-restore", "--noflush");
        }
    }

    private List<String> run(String input, String program, String... arguments) throws IOException, InterruptedException {
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
        if (exitCode != 0) {
            List<String> last = lines.subList(Math.max(0, lines.size() - 3), lines.size());
            throw new IOException(String.join(" ", command) + " ended with " + exitCode + ": " + String.join(" ", last));
        }
        return lines;
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
