package flannel.daemon;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.files.SmallFiles.Readers;
import flannel.log.Log;
import java.nio.file.Path;

/** Keeps the files that tell Docker and scripts of a network's subnet as they should be, whoever removes or changes them. */
final class SubnetFiles {

    private static final int LIMIT_BYTES = 1 << 16;

    private final Path file;
    private final Settings settings;
    private final Log log;
    private SubnetFile wanted;
    private String trouble = "";

    /** @param file the network's subnet.env */
    SubnetFiles(Path file, Settings settings, Log log) {
        this.file = file;
        this.settings = settings;
        this.log = log;
    }

    /** Null when none is wanted yet. */
    SubnetFile wanted() {
        return wanted;
    }

    /** Writes what is to be told from now on. */
    boolean want(SubnetFile next) {
        wanted = next;
        return write();
    }

    /** Looks whether the file is there and says what it should, and writes it if not. False when that fails, with one error line. */
    boolean check() {
        if (wanted == null || wanted.text().equals(textNow())) {
            return trouble.isEmpty() || write();
        }
        if (trouble.isEmpty()) {
            log.warning("Putting back " + file + ", which somebody removed or changed");
        }
        return write();
    }

    private String textNow() {
        try {
            return SmallFiles.read(file, LIMIT_BYTES);
        } catch (FileException e) {
            return "";
        }
    }

    private boolean write() {
        try {
            SmallFiles.replace(file, wanted.text(), Readers.ALL);
            DockerBridge.writeOptions(settings, wanted);
            trouble = "";
        } catch (FileException e) {
            String failure = "failed to write subnet file: " + e.getMessage() + "; containers can't be started with this host's subnet"
                    + " until it can be written";
            if (!failure.equals(trouble)) {
                log.error(failure);
            }
            trouble = failure;
        }
        return trouble.isEmpty();
    }

    /** What is wrong, in one sentence; empty when nothing is. */
    String trouble() {
        return trouble;
    }
}
