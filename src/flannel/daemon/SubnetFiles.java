package flannel.daemon;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.files.SmallFiles.Readers;
import flannel.log.Log;
import java.nio.file.Path;
import java.util.Optional;

/** Keeps the files that tell Docker and scripts of a network's subnet as they should be, whoever removes or changes them. */
final class SubnetFiles {

    /** Where they are. */
    interface Place {

        /** What subnet.env says now; empty when it is not there or can't be read. */
        Optional<String> read();

        void write(SubnetFile subnet) throws FileException;

        /** Looks whether Docker runs with what is wanted, and says so once if it does not. */
        default void lookAtDocker(SubnetFile wanted) {
        }
    }

    private static final int LIMIT_BYTES = 1 << 16;

    private final Place place;
    private final Log log;
    private SubnetFile wanted;
    private String trouble = "";

    SubnetFiles(Place place, Log log) {
        this.place = place;
        this.log = log;
    }

    /** On this host's disk, and Docker's options beside it where the package has them. */
    static Place onDisk(Settings settings, Path file, Log log) {
        DockerBridge docker = new DockerBridge(log);
        return new Place() {

            @Override
            public Optional<String> read() {
                try {
                    return SmallFiles.find(file, LIMIT_BYTES);
                } catch (FileException e) {
                    return Optional.empty();
                }
            }

            @Override
            public void write(SubnetFile subnet) throws FileException {
                SmallFiles.replace(file, subnet.text(), Readers.ALL);
                DockerBridge.writeOptions(settings, subnet);
            }

            @Override
            public void lookAtDocker(SubnetFile wanted) {
                docker.compare(wanted);
            }
        };
    }

    /** What is wanted; null when that is nothing yet. */
    SubnetFile wanted() {
        return wanted;
    }

    /** Writes what is to be told from now on. False when that fails. */
    boolean want(SubnetFile next) {
        wanted = next;
        place.lookAtDocker(wanted);
        return write();
    }

    /** Looks whether the file is there and says what it should, and writes it if not. False when that fails. */
    boolean check() {
        place.lookAtDocker(wanted);
        boolean asWanted = place.read().equals(Optional.of(wanted.text()));
        if (!asWanted && trouble.isEmpty()) {
            log.warning("Putting back the subnet file, which somebody removed or changed");
        }
        return asWanted && trouble.isEmpty() || write();
    }

    private boolean write() {
        try {
            place.write(wanted);
            trouble = "";
        } catch (FileException e) {
            String failure = "failed to write subnet file: " + e.getMessage() + "; until it can be written nobody is told of this host's subnet";
            if (!failure.equals(trouble)) {
                log.error(failure);
            }
            trouble = failure;
        }
        return trouble.isEmpty();
    }

    /** Why they could not be written, in one sentence; empty when they could. */
    String trouble() {
        return trouble;
    }
}
