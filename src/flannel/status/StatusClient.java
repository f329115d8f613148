package flannel.status;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/** Asks the daemon at a {@link StatusSocket}. */
public final class StatusClient {

    /** More than the daemon takes for a connection. */
    private static final Duration PATIENCE = Duration.ofSeconds(6);
    private static final int LONGEST_ANSWER = 32 << 20;

    private StatusClient() {
    }

    /** Whether a daemon listens there. */
    public static boolean isAnswered(Path socket) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException | IllegalArgumentException e) {
            return false;
        }
    }

    /**
     * The answer as it came: JSON for {@link StatusJson#read}.
     *
     * @throws IOException with a sentence that says what to do, when no daemon answers
     */
    public static String ask(Path socket) throws IOException {
        if (Files.notExists(socket)) {
            throw new IOException("no flanneld runs here: there is no " + socket + " (systemctl status flanneld tells why; a daemon with"
                    + " another -socket is asked with the same option)");
        }
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            Thread.ofPlatform().daemon().start(() -> closeLate(channel));
            channel.connect(UnixDomainSocketAddress.of(socket));
            channel.write(ByteBuffer.wrap((StatusSocket.STATUS + "\n").getBytes(StandardCharsets.UTF_8)));
            return answer(channel);
        } catch (ConnectException e) {
            throw new IOException("no flanneld runs here: nobody listens at " + socket + " (systemctl status flanneld tells why)", e);
        } catch (AsynchronousCloseException e) {
            throw new IOException("flanneld does not answer at " + socket + " within " + PATIENCE.toSeconds() + " s: it is stopped or hangs."
                    + " Packets flow on, but for the backend udp; systemctl restart flanneld starts it anew", e);
        } catch (IOException e) {
            throw new IOException("cannot ask the flanneld at " + socket + ": " + e.getMessage()
                    + ("Permission denied".equals(e.getMessage()) ? ": only root may" : ""), e);
        }
    }

    private static void closeLate(SocketChannel channel) {
        try {
            Thread.sleep(PATIENCE);
            channel.close();
        } catch (InterruptedException | IOException e) {
            // then it is closed
        }
    }

    private static String answer(SocketChannel channel) throws IOException {
        ByteArrayOutputStream answer = new ByteArrayOutputStream();
        ByteBuffer part = ByteBuffer.allocate(1 << 16);
        while (channel.read(part) >= 0) {
            answer.write(part.array(), 0, part.position());
            part.clear();
            if (answer.size() > LONGEST_ANSWER) {
                throw new IOException("the answer is longer than any status");
            }
        }
        return answer.toString(StandardCharsets.UTF_8);
    }
}
