package flannel.check;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** What other programs of the host tell. */
final class Programs {

    private static final int MOST_OUTPUT = 4 << 20;
    private static final int PATIENCE_SECONDS = 3;
    /** A word right behind the program, or behind the module that the JDK's launcher was given. */
    private static final Pattern COMMAND = Pattern.compile("^\\S+ (.* -m flannel )?[a-z]+( |$)");

    private Programs() {
    }

    /**
     * The processes of a program in this network namespace, each as "pid 42: /usr/bin/flanneld -iface=eth1". Those that were given a command,
     * as this one, are left out.
     */
    static List<String> running(String name, long except) {
        List<String> running = new ArrayList<>();
        Path proc = Path.of("/proc");
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(proc, "[0-9]*")) {
            Path here = Files.readSymbolicLink(proc.resolve("self/ns/net"));
            for (Path process : processes) {
                String line = commandLine(process);
                String program = line.split(" ", 2)[0];
                long pid = Long.parseLong(process.getFileName().toString());
                if ((program.equals(name) || program.endsWith("/" + name)) && pid != except && pid != ProcessHandle.current().pid()
                        && !COMMAND.matcher(line).find() && here.equals(namespace(process))) {
                    running.add("pid " + pid + ": " + line);
                }
            }
        } catch (IOException e) {
            // then it is not known
        }
        return running;
    }

    private static Path namespace(Path process) {
        try {
            return Files.readSymbolicLink(process.resolve("ns/net"));
        } catch (IOException e) {
            return null; // it has ended meanwhile
        }
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
