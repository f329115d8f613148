package flannel.programs;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;

/** How the processes of the host were started: proc(5). */
public final class Processes {

    private static final int MOST_BYTES = 1 << 16;

    private Processes() {
    }

    /** The words of a process's command line; one that is empty when it has ended, is the kernel's own, or says too much. */
    public static List<String> commandLine(Path process) {
        return words(process.resolve("cmdline"));
    }

    /** The variables that it was given, each NAME=VALUE; with the same exceptions, and where it is another user's. */
    public static List<String> environment(Path process) {
        return words(process.resolve("environ"));
    }

    private static List<String> words(Path file) {
        try {
            return List.of(SmallFiles.find(file, MOST_BYTES, LinkOption.NOFOLLOW_LINKS).orElse("").split("\0"));
        } catch (FileException e) {
            return List.of("");
        }
    }
}
