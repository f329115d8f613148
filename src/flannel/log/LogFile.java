package flannel.log;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.files.SmallFiles.Readers;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The file of a log, named as glog names it, {@code program.host.user.log.severity.date-time.pid}, with a link {@code flanneld.INFO} to the
 * newest. The folder may be one that everybody writes to: no link that lies there is followed.
 */
final class LogFile {

    private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");
    private static final int HOST_NAME_BYTES = 256;

    private LogFile() {
    }

    /** @param directory empty for the folder of temporary files */
    static PrintStream open(String directory) throws FileException {
        Path folder = SmallFiles.path("log_dir", directory.isEmpty() ? System.getProperty("java.io.tmpdir") : directory);
        if (!Files.isDirectory(folder)) {
            throw new FileException("there is no folder " + folder);
        }
        String name = String.format("flanneld.%s.%s.log.INFO.%tY%<tm%<td-%<tH%<tM%<tS.%d", hostName(),
                System.getProperty("user.name").replace('/', '_'), LocalDateTime.now(), ProcessHandle.current().pid());
        try {
            try {
                return open(folder, name);
            } catch (FileAlreadyExistsException e) { // of process 1 of a container, started again within the second, or planted
                return open(folder, name + "." + Long.toHexString(ThreadLocalRandom.current().nextLong()));
            }
        } catch (IOException e) {
            throw new FileException("cannot write " + folder.resolve(name), e);
        }
    }

    private static PrintStream open(Path folder, String name) throws IOException {
        PrintStream stream = new PrintStream(Channels.newOutputStream(SmallFiles.create(folder.resolve(name), Readers.ALL)), true,
                StandardCharsets.UTF_8);
        Path link = folder.resolve("flanneld.INFO");
        try {
            Files.deleteIfExists(link);
            Files.createSymbolicLink(link, Path.of(name));
        } catch (IOException e) {
            // what has that name stays: the log does without the link, as glog's
        }
        return stream;
    }

    /** The host's own name, up to the first dot. No resolver is asked: that may take long, or not know it. */
    private static String hostName() {
        try {
            String name = SmallFiles.read(HOST_NAME, HOST_NAME_BYTES).strip();
            return name.substring(0, (name + ".").indexOf('.')).replace('/', '_');
        } catch (FileException e) {
            return "unknownhost";
        }
    }
}
