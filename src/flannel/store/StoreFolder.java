package flannel.store;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** A store's directory, made with the mode 0700, and kept to one process by a lock (fcntl(2), F_SETLK), which ends with that. */
final class StoreFolder implements AutoCloseable {

    private static final int PID_BYTES = 20;

    private final Path folder;
    private final FileChannel lockFile;

    private StoreFolder(Path folder, FileChannel lockFile) {
        this.folder = folder;
        this.lockFile = lockFile;
    }

    /**
     * Opens it.
     *
     * @param make whether to make it when it isn't there
     * @throws FileException with a sentence, when it is another process's or can't be used
     */
    static StoreFolder open(Path path, boolean make) throws FileException {
        Path folder = path.toAbsolutePath().normalize();
        try {
            if (make) {
                make(folder);
            } else if (!Files.isDirectory(folder)) {
                throw new FileException("there is no store in " + folder + " (-store)");
            }
            SmallFiles.ownFolder(folder);
            FileChannel file = FileChannel.open(folder.resolve("lock"), Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ,
                    StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS), PosixFilePermissions.asFileAttribute(
                    PosixFilePermissions.fromString("rw-------")));
            StoreFolder opened = new StoreFolder(folder, file);
            if (!lock(file)) {
                String holder = opened.holder();
                opened.close();
                throw new FileException("the store " + folder + " is in use by another flanneld" + holder
                        + ": one server at a time can have it (several servers want etcd)");
            }
            file.truncate(0);
            file.write(ByteBuffer.wrap(Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)));
            return opened;
        } catch (FileException e) {
            throw e;
        } catch (IOException e) {
            throw new FileException("cannot use the store " + folder, e);
        }
    }

    private static void make(Path folder) throws IOException {
        if (folder.getParent() != null && !Files.isDirectory(folder)) {
            Files.createDirectories(folder.getParent());
            try {
                Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
                sync(folder.getParent());
            } catch (FileAlreadyExistsException e) {
                // by another process, or it is no folder: that is found out below
            }
        }
    }

    private static boolean lock(FileChannel file) throws IOException {
        try {
            FileLock lock = file.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false; // this process's own
        }
    }

    private String holder() throws IOException {
        ByteBuffer pid = ByteBuffer.allocate(PID_BYTES);
        lockFile.read(pid, 0);
        String text = new String(pid.array(), 0, pid.position(), StandardCharsets.US_ASCII);
        return text.matches("\\d{1,10}") ? " (process " + text + ")" : "";
    }

    Path resolve(String name) {
        return folder.resolve(name);
    }

    /** What was renamed in it, or made, outlives a power failure from now on. */
    void sync() throws IOException {
        sync(folder);
    }

    private static void sync(Path folder) throws IOException {
        try (FileChannel entries = FileChannel.open(folder, StandardOpenOption.READ)) {
            entries.force(true);
        } catch (NoSuchFileException e) {
            throw new IOException(folder + " was removed", e);
        }
    }

    @Override
    public String toString() {
        return folder.toString();
    }

    @Override
    public void close() throws FileException {
        try {
            lockFile.close();
        } catch (IOException e) {
            throw new FileException("cannot close the lock of " + folder, e);
        }
    }
}
