package flannel.store;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.json.JsonException;
import flannel.log.Log;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * A store's file: {@code journal}, with the mode 0600. A record that {@link #append} has returned from outlives a power failure. When the file has
 * grown it is written anew beside the appending, and what was appended meanwhile is put behind it before it takes the old one's name. For
 * one thread.
 */
final class Journal implements AutoCloseable {

    private static final String NAME = "journal";

    /** A file of twice the size of what is in it, and of this much more, is written anew. */
    private static final long SPARE_BYTES = 1 << 20;

    /** What a disk does; another one in tests. */
    interface Disk {

        default void write(FileChannel file, ByteBuffer bytes) throws IOException {
            while (bytes.hasRemaining()) {
                file.write(bytes);
            }
        }

        /** Returns when everything written is on the disk (fdatasync(2)). */
        default void force(FileChannel file) throws IOException {
            file.force(false);
        }
    }

    private final StoreFolder folder;
    private final Disk disk;
    private final Log log;
    private final Path path;
    /** Null as long as there is none. */
    private FileChannel file;
    private long length;
    private long lengthWhenNew;
    /** Whether what is on the disk may be other than what was answered. */
    private boolean inDoubt;
    /** The file that is being written anew; null when none is. */
    private Anew anew;

    Journal(StoreFolder folder, Disk disk, Log log) {
        this.folder = folder;
        this.disk = disk;
        this.log = log;
        this.path = folder.resolve(NAME);
    }

    private final class Anew {

        private final ByteArrayOutputStream since = new ByteArrayOutputStream();
        private FileChannel file;
        private long length;
        private volatile boolean done;
        private IOException failure;
    }

    boolean exists() {
        return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
    }

    /**
     * Reads everything, and cuts off a write that was not completed.
     *
     * @throws FileException with a sentence that says what to do, when the file can't be read or is damaged
     */
    List<StoreRecord> read() throws FileException {
        byte[] bytes = bytes();
        Records.Scan scan = Records.scan(bytes);
        List<StoreRecord> records = decode(bytes, scan.payloads());
        long revision = records.isEmpty() ? 0 : records.getLast().revision();
        if (scan.end() instanceof Records.Damaged(int readable)) {
            throw damaged("at byte " + scan.at() + (records.isEmpty() ? ", its beginning" : ", behind change " + revision) + (readable == 0 ? ""
                    : "; " + readable + (readable == 1 ? " record" : " records") + " behind that can be read"));
        }
        checkOrder(records);
        try {
            Files.deleteIfExists(newPath());
            file = FileChannel.open(path, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
            length = scan.at();
            lengthWhenNew = scan.payloads().getFirst().length();
            if (scan.end() instanceof Records.Torn) {
                log.warning("The store's last write was not completed, and so not answered: cut " + (bytes.length - length) + " bytes off the end of "
                        + path);
                file.truncate(length);
                disk.force(file);
            }
            file.position(length);
        } catch (IOException e) {
            throw new FileException("cannot write " + path, e);
        }
        return records;
    }

    /** Reads what can be read of a damaged file, and changes nothing. */
    List<StoreRecord> readWhatIsLeft() throws FileException {
        byte[] bytes = bytes();
        Records.Scan scan = Records.scan(bytes);
        List<Records.Payload> all = new ArrayList<>(scan.payloads());
        all.addAll(scan.behind());
        return decode(bytes, all);
    }

    /** Gives the file another name. */
    Path setAside() throws FileException {
        Path aside = folder.resolve(NAME + ".damaged-" + System.currentTimeMillis() / 1_000);
        try {
            return Files.move(path, aside);
        } catch (IOException e) {
            throw new FileException("cannot rename " + path, e);
        }
    }

    private byte[] bytes() throws FileException {
        try {
            if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
                throw new FileException(path + " is not a file");
            }
            if (Files.size(path) > Records.LONGEST) {
                throw new FileException(path + " is longer than any store's file");
            }
            return Files.readAllBytes(path);
        } catch (FileException e) {
            throw e;
        } catch (IOException e) {
            throw new FileException("cannot read " + path, e);
        }
    }

    private List<StoreRecord> decode(byte[] bytes, List<Records.Payload> payloads) throws FileException {
        List<StoreRecord> records = new ArrayList<>();
        for (Records.Payload payload : payloads) {
            try {
                records.add(StoreRecord.decode(payload.text(bytes)));
            } catch (JsonException e) {
                throw new FileException("cannot read the record at byte " + payload.at() + " of " + path + ": " + e.getMessage()
                        + "; was it written by a newer flanneld?");
            }
        }
        return records;
    }

    /** No record may be missing, were it cut out with all its bytes. */
    private void checkOrder(List<StoreRecord> records) throws FileException {
        long revision = 0;
        for (int i = 0; i < records.size(); i++) {
            StoreRecord record = records.get(i);
            if (record.isFirst() != (i == 0) || i > 0 && record.revision() != revision + record.changes().size()) {
                throw damaged("behind change " + revision + ", where records are missing");
            }
            revision = record.revision();
        }
    }

    private FileException damaged(String where) {
        return new FileException("the store's file " + path + " is damaged " + where + ". Put a copy of the file in its place, or have"
                + " \"flanneld store repair -store=" + folder + "\" keep what can be read");
    }

    /** Whether the last write failed: then {@link #rewrite} comes before the next. */
    boolean isInDoubt() {
        return inDoubt;
    }

    void append(StoreRecord record) throws IOException {
        byte[] bytes = record.encode();
        inDoubt = true;
        disk.write(file, ByteBuffer.wrap(bytes));
        disk.force(file);
        inDoubt = false;
        length += bytes.length;
        if (anew != null) {
            anew.since.writeBytes(bytes);
        }
    }

    /** Writes everything anew, in place of what there is. */
    void rewrite(StoreRecord everything) throws IOException {
        inDoubt = true;
        if (anew != null) { // its thread still has the name
            throw new IOException("the last write failed, and it has to be written anew first");
        }
        Anew written = new Anew();
        try {
            write(written, everything);
            replaceBy(written);
            inDoubt = false;
        } catch (IOException e) {
            discard(written);
            throw e;
        }
    }

    /** Whether it is worth while to write it anew. */
    boolean hasGrown() {
        return anew == null && length > 2 * lengthWhenNew + SPARE_BYTES;
    }

    /** Begins to write everything anew, on a thread of its own; {@code whenDone} is run there. */
    void rewriteBeside(StoreRecord everything, Runnable whenDone) {
        Anew begun = new Anew();
        anew = begun;
        Thread.ofPlatform().name("store-compaction").daemon().start(() -> {
            try {
                write(begun, everything);
            } catch (IOException e) {
                begun.failure = e;
            }
            begun.done = true;
            whenDone.run();
        });
    }

    /** Puts the file that was written anew into its place, if one is ready. */
    void finishRewrite() {
        if (anew == null || !anew.done) {
            return;
        }
        Anew written = anew;
        anew = null;
        try {
            if (written.failure != null) {
                throw written.failure;
            }
            if (inDoubt) {
                discard(written);
                return;
            }
            disk.write(written.file, ByteBuffer.wrap(written.since.toByteArray()));
            disk.force(written.file);
            written.length += written.since.size();
            replaceBy(written);
        } catch (IOException e) {
            log.warning("The store's file " + path + " could not be written anew, and grows on: " + new FileException("write", e).getMessage());
            lengthWhenNew = length; // not at once again
            discard(written);
        }
    }

    private Path newPath() {
        return folder.resolve(NAME + ".new");
    }

    private void write(Anew to, StoreRecord everything) throws IOException {
        Files.deleteIfExists(newPath());
        byte[] bytes = everything.encode();
        to.file = SmallFiles.create(newPath(), SmallFiles.Readers.OWNER);
        disk.write(to.file, ByteBuffer.wrap(bytes));
        disk.force(to.file);
        to.length = bytes.length;
        lengthWhenNew = bytes.length;
    }

    private void replaceBy(Anew written) throws IOException {
        Files.move(newPath(), path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        FileChannel old = file;
        file = written.file;
        length = written.length;
        written.file = null;
        inDoubt = true;
        folder.sync();
        inDoubt = false;
        if (old != null) {
            old.close();
        }
    }

    private void discard(Anew written) {
        try {
            if (written.file != null) {
                written.file.close();
                Files.deleteIfExists(newPath());
            }
        } catch (IOException e) {
            // the next one deletes it
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }

    @Override
    public void close() throws FileException {
        try {
            if (file != null) {
                file.close();
            }
        } catch (IOException e) {
            throw new FileException("cannot close " + path, e);
        }
    }
}
