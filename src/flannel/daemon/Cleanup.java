package flannel.daemon;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.kernel.Traces;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Takes everything that daemons have left on this host away, and nothing else; for one where none runs. */
public final class Cleanup {

    private static final int LIMIT_BYTES = 1 << 16;

    private final Consumer<String> removed;
    private final Consumer<String> left;
    private final List<Ipv4Subnet> networks = new ArrayList<>();
    private boolean complete = true;

    private Cleanup(Consumer<String> removed, Consumer<String> left) {
        this.removed = removed;
        this.left = left;
    }

    /**
     * Runs it.
     *
     * @param settings where the daemon's files are
     * @param socket   at which it answered
     * @param removed  told of each thing that is gone, as a person would name it
     * @param left     told of what stays, and why
     * @return false when something of ours stays
     */
    public static boolean run(Settings settings, Path socket, Consumer<String> removed, Consumer<String> left) throws InterruptedException {
        Cleanup cleanup = new Cleanup(removed, left);
        cleanup.subnetFile(settings.subnetFile());
        DockerBridge.optionsFile(settings).ifPresent(cleanup::remove);
        Path directory = settings.networks().directory();
        cleanup.list(directory, "*.env").forEach(cleanup::subnetFile);
        cleanup.removeEmpty(directory);
        cleanup.stateDirectory(settings.stateDirectory());
        cleanup.socket(socket);
        return new Traces(removed, left).remove(cleanup.networks) && cleanup.complete;
    }

    /** Removes it if that is what it is: the name may be anybody's. */
    private void subnetFile(Path file) {
        try {
            Optional<String> text = SmallFiles.find(file, LIMIT_BYTES);
            Optional<Ipv4Subnet> network = text.flatMap(SubnetFile::networkOf);
            network.ifPresent(networks::add);
            if (network.isPresent()) {
                remove(file);
            } else if (text.isPresent()) {
                left.accept(file + ": not a file that tells of a subnet");
            }
        } catch (FileException e) {
            failed(e.getMessage());
        }
    }

    private void stateDirectory(Path folder) {
        for (Path network : list(folder.resolve("networks"), "*")) {
            NetworkMemory.FILES.forEach(name -> remembered(network.resolve(name)));
            removeEmpty(network);
        }
        removeEmpty(folder.resolve("networks"));
        NetworkMemory.FILES.forEach(name -> remembered(folder.resolve(name)));
        StateDirectory.FILES.forEach(name -> remove(folder.resolve(name)));
        list(folder, "*").forEach(other -> left.accept(other + ": nothing that a host's daemon keeps"));
    }

    private void remembered(Path file) {
        try {
            SmallFiles.find(file, LIMIT_BYTES, LinkOption.NOFOLLOW_LINKS).flatMap(SubnetFile::networkOf).ifPresent(networks::add);
        } catch (FileException e) {
            // whatever it says
        }
        remove(file);
    }

    private void socket(Path file) {
        try {
            if (Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS).isOther()) {
                remove(file);
            } else {
                left.accept(file + ": no socket");
            }
        } catch (NoSuchFileException e) {
            // as it should be
        } catch (IOException e) {
            failed(file + ": " + e.getMessage());
        }
    }

    private void remove(Path file) {
        try {
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                SmallFiles.remove(file);
                removed.accept("file " + file);
            }
        } catch (FileException e) {
            failed(e.getMessage());
        }
    }

    private void removeEmpty(Path folder) {
        try {
            if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
                Files.delete(folder);
                removed.accept("folder " + folder);
            }
        } catch (DirectoryNotEmptyException e) {
            list(folder, "*").forEach(other -> left.accept(other + ": nothing that a host's daemon keeps"));
        } catch (IOException e) {
            failed("cannot remove " + folder + ": " + e.getMessage());
        }
    }

    /** What is in a folder, if it is one; not behind links, which lead to what is somebody else's. */
    private List<Path> list(Path folder, String pattern) {
        List<Path> all = new ArrayList<>();
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            return all;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, pattern)) {
            files.forEach(all::add);
        } catch (NoSuchFileException | NotDirectoryException e) {
            return List.of();
        } catch (IOException e) {
            failed("cannot read " + folder + ": " + e.getMessage());
        }
        return all;
    }

    private void failed(String why) {
        complete = false;
        left.accept(why);
    }
}
