package flannel.files;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/**
 * How this daemon, which is root, reads and writes small text files in UTF-8. What is read is a regular file and has a bound, so that
 * neither a pipe nor a gigabyte stops it. What is written is made anew under a name of its own (open(2) with O_CREAT, O_EXCL and
 * O_NOFOLLOW), so that no planted link leads it elsewhere, and renamed when it is on the disk, so that nobody ever sees half of it.
 */
public final class SmallFiles {

    /** Who may read a file that is written; only its owner may write it. */
    public enum Readers {
        ALL("rw-r--r--"), OWNER("rw-------");

        private final Set<PosixFilePermission> mode;

        Readers(String mode) {
            this.mode = PosixFilePermissions.fromString(mode);
        }
    }

    private static final Set<PosixFilePermission> FOLDER_MODE = PosixFilePermissions.fromString("rwxr-xr-x");

    private static final String SUFFIX = ".tmp";

    /** A temporary file as old as this is left over from a process that was killed. */
    private static final Duration LEFTOVER_AGE = Duration.ofMinutes(1);

    private SmallFiles() {
    }

    /**
     * A file name as an option gives it.
     *
     * @param option without dashes, for the message
     * @throws IllegalArgumentException with a sentence, when this process can't name such a file: the locale C has ASCII only
     */
    public static Path path(String option, String text) {
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("-" + option + " \"" + text + "\" is not a file name in the character set of this locale ("
                    + System.getProperty("native.encoding") + "): set LC_ALL to an installed UTF-8 locale (see locale -a),"
                    + " or keep to ASCII names", e);
        }
    }

    /**
     * The text of a file.
     *
     * @param limitBytes the longest it may be
     * @param links      {@link LinkOption#NOFOLLOW_LINKS} when the file must not be a symbolic link: what the daemon keeps for itself. An
     *                   operator's key may be one
     */
    public static String read(Path file, int limitBytes, LinkOption... links) throws FileException {
        return find(file, limitBytes, links).orElseThrow(() -> new FileException(file + " does not exist"));
    }

    /** The same, empty when there is no such file. */
    public static Optional<String> find(Path file, int limitBytes, LinkOption... links) throws FileException {
        try {
            // asked before it is opened: to open a pipe waits for its writer
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class, links);
            if (!attributes.isRegularFile()) {
                throw new FileException(file + " is " + (attributes.isSymbolicLink() ? "a symbolic link, which is not followed here"
                        : attributes.isDirectory() ? "a folder, not a file" : "a pipe, socket or device, not a file"));
            }
            try (InputStream in = Files.newInputStream(file, links)) {
                byte[] bytes = in.readNBytes(limitBytes + 1);
                if (bytes.length > limitBytes) {
                    throw new FileException(file + " is longer than the " + limitBytes + " bytes that make sense");
                }
                return Optional.of(new String(bytes, StandardCharsets.UTF_8));
            }
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (FileException e) {
            throw e;
        } catch (IOException e) {
            throw new FileException("cannot read " + file, e);
        }
    }

    /**
     * Writes a file, in place of one of that name or of a symbolic link of that name, whose target is left alone. Its folder is made when
     * it isn't there. The umask has no say. When this returns, the file outlives a power failure; until then the old one does.
     */
    public static void replace(Path file, String text, Readers readers) throws FileException {
        replace(file, List.of(text), readers);
    }

    /** The same with a text in parts, each of which is asked for when the one before is written: the whole need not be in memory. */
    public static void replace(Path file, Iterable<String> parts, Readers readers) throws FileException {
        Path folder = file.toAbsolutePath().getParent();
        try {
            if (folder == null) {
                throw new FileAlreadyExistsException(file.toString());
            }
            makeFolders(folder);
            String prefix = "." + file.getFileName() + ".";
            removeLeftovers(folder, prefix);
            Path temporary = folder.resolve(prefix + Long.toHexString(ThreadLocalRandom.current().nextLong()) + SUFFIX);
            try {
                try (FileChannel out = create(temporary, readers)) {
                    setMode(temporary, readers.mode);
                    for (String part : parts) {
                        ByteBuffer bytes = ByteBuffer.wrap(part.getBytes(StandardCharsets.UTF_8));
                        while (bytes.hasRemaining()) {
                            out.write(bytes);
                        }
                    }
                    out.force(true);
                }
                Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(temporary);
            }
            sync(folder);
        } catch (IOException e) {
            throw new FileException("cannot write " + file, e);
        }
    }

    /** Whether everybody may read what is there by that name. */
    public static boolean isReadByAll(Path file) {
        try {
            return Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_READ);
        } catch (IOException e) {
            return false; // who needs it will say what is wrong
        }
    }

    /** Removes a file that may be there. */
    public static void remove(Path file) throws FileException {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new FileException("cannot remove " + file, e);
        }
    }

    /**
     * Makes a new file and opens it for writing. Of these readers the umask may still exclude some.
     *
     * @throws FileAlreadyExistsException when there is anything of that name, be it a link that leads nowhere
     */
    public static FileChannel create(Path file, Readers readers) throws IOException {
        return FileChannel.open(file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS),
                PosixFilePermissions.asFileAttribute(readers.mode));
    }

    /** Gives back what the umask took; fchmod(2) on a file opened with O_NOFOLLOW. */
    private static void setMode(Path file, Set<PosixFilePermission> mode) throws IOException {
        PosixFileAttributeView view = Files.getFileAttributeView(file, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS);
        if (!view.readAttributes().permissions().equals(mode)) {
            view.setPermissions(mode);
        }
    }

    /** Like mkdir -p with the mode 0755. */
    private static void makeFolders(Path folder) throws IOException {
        if (Files.isDirectory(folder)) {
            return;
        }
        if (folder.getParent() != null) {
            makeFolders(folder.getParent());
        }
        try {
            Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(FOLDER_MODE));
            setMode(folder, FOLDER_MODE);
        } catch (FileAlreadyExistsException e) {
            if (!Files.isDirectory(folder)) { // else another process was faster
                throw e;
            }
        }
    }

    /** A rename is on the disk when its folder is; see fsync(2). */
    private static void sync(Path folder) {
        try (FileChannel entries = FileChannel.open(folder, StandardOpenOption.READ)) {
            entries.force(true);
        } catch (IOException e) {
            // not every file system can do that with a folder, and the file itself is written
        }
    }

    private static void removeLeftovers(Path folder, String prefix) throws IOException {
        Pattern ours = Pattern.compile(Pattern.quote(prefix) + "[0-9a-f]+" + Pattern.quote(SUFFIX));
        Instant old = Instant.now().minus(LEFTOVER_AGE);
        try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(folder,
                path -> ours.matcher(path.getFileName().toString()).matches()
                        && Files.getLastModifiedTime(path, LinkOption.NOFOLLOW_LINKS).toInstant().isBefore(old))) {
            for (Path leftover : leftovers) {
                Files.deleteIfExists(leftover);
            }
        }
    }

    /**
     * Makes a folder for what the daemon keeps for itself, when it isn't there.
     *
     * @throws FileException when somebody other than root or this process's user could swap files in it
     */
    public static void ownFolder(Path folder) throws FileException {
        try {
            makeFolders(folder.toAbsolutePath());
            refuseStranger(folder, LinkOption.NOFOLLOW_LINKS); // who owns a link decides what is behind it
            refuseStranger(folder);
            if (Files.readAttributes(folder, PosixFileAttributes.class).permissions().contains(PosixFilePermission.OTHERS_WRITE)) {
                throw new FileException(folder + " is a folder that everybody can write to: choose one of root's");
            }
        } catch (FileException e) {
            throw e;
        } catch (IOException e) {
            throw new FileException("cannot use folder " + folder, e);
        }
    }

    private static void refuseStranger(Path file, LinkOption... links) throws IOException {
        Object owner = Files.getAttribute(file, "unix:uid", links);
        if (!owner.equals(0) && !owner.equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"))) {
            throw new FileException(file + " belongs to user " + Files.getOwner(file, links)
                    + ", who can change what is in it: choose a folder of root's");
        }
    }
}
