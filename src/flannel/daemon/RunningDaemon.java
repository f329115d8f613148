package flannel.daemon;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.status.StatusClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Whether a flanneld, this one or a Go flanneld, has the network of this host in its hands: then nobody else is to take things away. */
public final class RunningDaemon {

    private static final int LONGEST_COMMAND_LINE = 1 << 16;

    private RunningDaemon() {
    }

    /**
     * Looks for one that listens at the socket, or whose process is in this network namespace.
     *
     * @param socket   the daemon's {@code -socket}
     * @param commands words by which a process is no daemon but a command
     * @return who it is, as a part of a sentence; empty when there is none
     */
    public static Optional<String> find(Path socket, Set<String> commands) {
        if (StatusClient.isAnswered(socket)) {
            return Optional.of("flanneld runs here (it listens at " + socket + ")");
        }
        Optional<Path> namespace = networkNamespace("self");
        long self = ProcessHandle.current().pid();
        return namespace.isEmpty() ? Optional.empty() : ProcessHandle.allProcesses().map(ProcessHandle::pid)
                .filter(pid -> pid != self && isDaemon(pid, commands) && networkNamespace(Long.toString(pid)).equals(namespace))
                .findFirst().map(pid -> "flanneld runs here (process " + pid + ")");
    }

    private static Optional<Path> networkNamespace(String process) {
        try {
            return Optional.of(Files.readSymbolicLink(Path.of("/proc", process, "ns", "net")));
        } catch (IOException e) {
            return Optional.empty(); // it has ended
        }
    }

    /** By its command line; a server has no network. */
    private static boolean isDaemon(long pid, Set<String> commands) {
        try {
            List<String> words = List.of(SmallFiles.find(Path.of("/proc", Long.toString(pid), "cmdline"), LONGEST_COMMAND_LINE,
                    LinkOption.NOFOLLOW_LINKS).orElse("").split("\0"));
            return words.getFirst().replaceFirst(".*/", "").equals("flanneld")
                    && words.stream().noneMatch(word -> commands.contains(word) || word.matches("--?listen(=.+)?"));
        } catch (FileException e) {
            return false;
        }
    }
}
