package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Random bytes over one TCP connection from one namespace to another; each end takes its own SHA-256 of them. */
public final class Transfer {

    private static final int BLOCK = 1 << 18;

    /** What one end says: how many bytes, and their SHA-256. */
    private record Sum(long bytes, String sha256) {
    }

    /** One end's work with an open connection. */
    private interface End {
        Sum run(Socket socket) throws IOException, GeneralSecurityException;
    }

    private final CompletableFuture<Sum> received = new CompletableFuture<>();
    private final CompletableFuture<Sum> sent = new CompletableFuture<>();
    private final long startNanos;
    private volatile long bytesReceived;
    private volatile boolean stopped;

    /** Starts to send so many bytes; {@link Long#MAX_VALUE} goes on until {@link #stop}. */
    public static Transfer start(NetworkNamespace from, NetworkNamespace to, String address, long bytes) throws Exception {
        ServerSocket server = to.call(() -> new ServerSocket(0, 1));
        return new Transfer(from, to, server, address, bytes);
    }

    private Transfer(NetworkNamespace from, NetworkNamespace to, ServerSocket server, String address, long bytes) {
        startNanos = System.nanoTime();
        run(to, "receiver", received, () -> {
            try (server) {
                return server.accept();
            }
        }, this::receive);
        run(from, "sender", sent, () -> new Socket(InetAddress.getByName(address), server.getLocalPort()), socket -> send(socket, bytes));
    }

    private interface Connection {
        Socket open() throws IOException;
    }

    private static void run(NetworkNamespace namespace, String name, CompletableFuture<Sum> outcome, Connection connection, End end) {
        namespace.start(name, () -> {
            try (Socket socket = connection.open()) {
                outcome.complete(end.run(socket));
            } catch (IOException | GeneralSecurityException | RuntimeException | Error e) {
                outcome.completeExceptionally(e);
            }
        });
    }

    private Sum send(Socket socket, long bytes) throws IOException, GeneralSecurityException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        byte[] block = new byte[BLOCK];
        new Random(bytes).nextBytes(block);
        OutputStream out = socket.getOutputStream();
        long done = 0;
        for (int number = 0; done < bytes && !stopped; number++) {
            for (int i = 0; i < 4; i++) {
                block[i] = (byte) (number >> 8 * i);                    // no two blocks are alike
            }
            int length = (int) Math.min(BLOCK, bytes - done);
            digest.update(block, 0, length);
            out.write(block, 0, length);
            done += length;
        }
        return new Sum(done, HexFormat.of().formatHex(digest.digest()));
    }

    private Sum receive(Socket socket) throws IOException, GeneralSecurityException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        byte[] block = new byte[BLOCK];
        InputStream in = socket.getInputStream();
        long done = 0;
        for (int length = in.read(block); length >= 0; length = in.read(block)) {
            digest.update(block, 0, length);
            done += length;
            bytesReceived = done;
        }
        return new Sum(done, HexFormat.of().formatHex(digest.digest()));
    }

    /** How many bytes have arrived so far. */
    public long bytesReceived() {
        return bytesReceived;
    }

    /** Ends one without an end: what has been sent so far is all. */
    public void stop() {
        stopped = true;
    }

    /** Waits for the end, and fails unless everything arrived as it was sent; returns how long it all took. */
    public Duration finish() throws Exception {
        Sum expected = sent.get(Daemon.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        assertEquals(expected, received.get(Daemon.PATIENCE.toSeconds(), TimeUnit.SECONDS));
        return Duration.ofNanos(System.nanoTime() - startNanos);
    }
}
