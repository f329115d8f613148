package flannel.status;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.json.JsonValue;
import flannel.log.Log;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Answers questions at a unix socket (unix(7), a stream) that only its owner can use: one line, as {@code status}, is answered with one JSON
 * value, and the connection ends. Nothing can be changed through it. Connections and their times have bounds.
 */
public final class StatusSocket {

    /** The only question so far. */
    static final String STATUS = "status";

    private static final int MOST_CONNECTIONS = 4;
    private static final int LONGEST_QUESTION = 256;
    private static final Duration LONGEST_CONNECTION = Duration.ofSeconds(5);

    /** S_IFMT and S_IFSOCK of inode(7). */
    private static final int TYPE = 0170000;
    private static final int SOCKET = 0140000;

    private final ServerSocketChannel listener;
    private final StatusSource source;
    private final Log log;

    private StatusSocket(ServerSocketChannel listener, StatusSource source, Log log) {
        this.listener = listener;
        this.source = source;
        this.log = log;
    }

    /**
     * Opens the socket in place of one that nobody listens at any more.
     *
     * @throws IOException with a sentence, when strangers could swap files in its folder, when something else is there, or another daemon
     *                     listens there
     */
    public static StatusSocket open(Path path, StatusSource source, Log log) throws IOException {
        Path file = path.toAbsolutePath();
        SmallFiles.ownFolder(file.getParent());
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            refuseToReplace(file);
        }
        // made under another name, so that nobody can use it before it has its mode
        Path made = file.resolveSibling("." + file.getFileName() + "." + Integer.toHexString(ThreadLocalRandom.current().nextInt()));
        ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            listener.bind(UnixDomainSocketAddress.of(made));
            Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("rw-------"));
            Files.move(made, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            listener.close();
            Files.deleteIfExists(made);
            throw new FileException("cannot make " + file, e);
        }
        return new StatusSocket(listener, source, log);
    }

    private static void refuseToReplace(Path file) throws IOException {
        int mode = (Integer) Files.getAttribute(file, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        if ((mode & TYPE) != SOCKET) {
            throw new FileException(file + " is no socket, so it is not replaced by one: remove it, or choose another place (-socket)");
        }
        try (SocketChannel other = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            other.connect(UnixDomainSocketAddress.of(file));
        } catch (IOException e) {
            return; // its daemon has gone
        }
        throw new FileException("another flanneld listens at " + file + ": give this one another place (-socket)");
    }

    /** Answers until the process ends. To be called once, on a virtual thread. */
    public void run() throws InterruptedException {
        Semaphore free = new Semaphore(MOST_CONNECTIONS);
        while (true) {
            free.acquire();
            try {
                SocketChannel connection = listener.accept();
                Thread.ofVirtual().name("status").start(() -> {
                    try (connection) {
                        Thread answering = Thread.currentThread();
                        Thread.ofVirtual().start(() -> interruptLate(answering));
                        answer(connection);
                    } catch (IOException e) {
                        // the other side has gone, or took too long
                    } finally {
                        free.release();
                    }
                });
            } catch (IOException e) {
                free.release();
                Thread.sleep(1_000); // out of file descriptors: they come back
            }
        }
    }

    /** An interrupt closes the channel that a thread waits for. */
    private static void interruptLate(Thread answering) {
        try {
            if (!answering.join(LONGEST_CONNECTION)) {
                answering.interrupt();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void answer(SocketChannel connection) throws IOException {
        ByteBuffer question = ByteBuffer.allocate(LONGEST_QUESTION);
        while (question.hasRemaining() && !endsWithLine(question) && connection.read(question) >= 0) {
            // until the line is whole
        }
        String line = new String(question.array(), 0, question.position(), StandardCharsets.UTF_8).strip();
        String answer;
        try {
            answer = line.equals(STATUS) ? source.see(status -> StatusJson.write(status).toString())
                    : error("this flanneld answers \"" + STATUS + "\" only");
        } catch (RuntimeException e) {
            log.error("the status can't be told: " + e);
            answer = error("the status can't be told: " + e);
        }
        ByteBuffer bytes = ByteBuffer.wrap((answer + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            connection.write(bytes);
        }
    }

    private static String error(String sentence) {
        return JsonValue.object("error", sentence).toString();
    }

    private static boolean endsWithLine(ByteBuffer question) {
        return question.position() > 0 && question.get(question.position() - 1) == '\n';
    }
}
