package flannel.check;

import flannel.programs.Processes;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Which program has a UDP port: proc_net_udp(5), and the descriptors of processes. */
final class UdpPorts {

    private static final int LOCAL = 1;
    private static final int INODE = 9;

    private UdpPorts() {
    }

    /** A process and how it was started. */
    record Owner(String pid, String commandLine) {
    }

    /** Empty when nobody has it but the kernel itself, or nobody may know. */
    static Optional<Owner> owner(Path proc, int port) {
        Set<String> sockets = Stream.of("udp", "udp6").flatMap(table -> lines(proc.resolve("net").resolve(table))).map(line -> line.strip().split(" +"))
                .filter(words -> words.length > INODE && words[LOCAL].endsWith(String.format(":%04X", port)))
                .map(words -> "socket:[" + words[INODE] + "]").collect(Collectors.toSet());
        if (sockets.isEmpty()) {
            return Optional.empty();
        }
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(proc, "[0-9]*")) {
            for (Path process : processes) {
                if (has(process, sockets)) {
                    return Optional.of(new Owner(process.getFileName().toString(), String.join(" ", Processes.commandLine(process)).strip()));
                }
            }
        } catch (IOException e) {
            // then it is not known
        }
        return Optional.empty();
    }

    private static boolean has(Path process, Set<String> sockets) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path descriptor : descriptors) {
                if (sockets.contains(Files.readSymbolicLink(descriptor).toString())) {
                    return true;
                }
            }
        } catch (IOException e) {
            // it has ended
        }
        return false;
    }

    private static Stream<String> lines(Path file) {
        try {
            return Files.readAllLines(file).stream();
        } catch (IOException e) {
            return Stream.empty();
        }
    }
}
