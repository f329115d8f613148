package flannel.daemon;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.files.SmallFiles.Readers;
import flannel.log.Log;
import java.nio.file.Path;
import java.util.Optional;

/** Where on this host's disk a network's subnet is told. */
final class SubnetPlaces {

    private static final int LIMIT_BYTES = 1 << 16;

    private SubnetPlaces() {
    }

    /** The only network's file, with Docker's options beside it where the package has them. */
    static SubnetFiles.Place withDocker(Settings settings, Log log) {
        DockerBridge docker = new DockerBridge(log);
        SubnetFiles.Place file = file(settings.subnetFile());
        return new SubnetFiles.Place() {

            @Override
            public Optional<String> read() {
                return file.read();
            }

            @Override
            public void write(SubnetFile subnet) throws FileException {
                file.write(subnet);
                DockerBridge.writeOptions(settings, subnet);
            }

            @Override
            public void remove() throws FileException {
                file.remove();
            }

            @Override
            public void lookAtDocker(SubnetFile wanted) {
                docker.compare(wanted);
            }

            @Override
            public SubnetFiles.Docker docker() {
                return new SubnetFiles.Docker(docker.last() == null ? 0 : docker.last().mtu(), docker.trouble());
            }
        };
    }

    /** A file alone: of several networks Docker's bridge can have one at most, and nobody says which. */
    static SubnetFiles.Place file(Path file) {
        return new SubnetFiles.Place() {

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
            }

            @Override
            public void remove() throws FileException {
                SmallFiles.remove(file);
            }
        };
    }
}
