package flannel.status;

import flannel.programs.Processes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Which flanneld, this one or a Go flanneld, has the network of this host in its hands. */
public final class RunningDaemon {

    private RunningDaemon() {
    }

    /**
     * Looks for one that listens at the socket, or whose process is in this network namespace.
     *
     * @param socket the daemon's {@code -socket}
     * @return who it is, as a part of a sentence; empty when there is none
     */
    public static Optional<String> find(Path socket) {
        return StatusClient.isAnswered(socket) ? Optional.of("flanneld runs here (it listens at " + socket + ")")
                : processes().keySet().stream().findFirst().map(pid -> "flanneld runs here (process " + pid + ")");
    }

    /** The processes of daemons in this network namespace, each with its command line; without servers, which have no network, and commands. */
    public static Map<Long, String> processes() {
        Map<Long, String> daemons = new TreeMap<>();
        Optional<Path> namespace = networkNamespace("self");
        ProcessHandle.allProcesses().map(ProcessHandle::pid).filter(pid -> pid != ProcessHandle.current().pid()).forEach(pid -> {
            List<String> words = Processes.commandLine(Path.of("/proc", Long.toString(pid)));
            if (isDaemon(words) && namespace.isPresent() && networkNamespace(Long.toString(pid)).equals(namespace)) {
                daemons.put(pid, String.join(" ", words));
            }
        });
        return daemons;
    }

    private static Optional<Path> networkNamespace(String process) {
        try {
            return Optional.of(Files.readSymbolicLink(Path.of("/proc", process, "ns", "net")));
        } catch (IOException e) {
            return Optional.empty(); // it has ended
        }
    }

    /** A command stands right behind the program, or behind the module that the JDK's launcher was given. */
    static boolean isDaemon(List<String> words) {
        int module = words.indexOf("-m");
        int first = module < 0 ? 1 : module + 2;
        return words.getFirst().replaceFirst(".*/", "").equals("flanneld") && (words.size() <= first || words.get(first).startsWith("-"))
                && words.stream().noneMatch(word -> word.matches("--?listen(=.*)?"));
    }
}
