package flannel.status;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.json.JsonException;
import flannel.log.Log;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StatusSocketTest {

    private static final Status STATUS = Samples.of(Samples.troubled());

    @TempDir
    private Path folder;
    private Path socket;
    private final Log log = new Log(new PrintStream(new ByteArrayOutputStream()), 0);
    private final List<Thread> servers = new ArrayList<>();

    @BeforeEach
    void name() {
        socket = folder.resolve("flanneld.sock");
    }

    @AfterEach
    void end() {
        servers.forEach(Thread::interrupt);
    }

    private void serve(Supplier<Status> source) throws IOException {
        StatusSocket served = StatusSocket.open(socket, new StatusSource(source), log);
        servers.add(Thread.ofVirtual().start(() -> {
            try {
                served.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }));
    }

    private String asked(String question) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            channel.write(ByteBuffer.wrap(question.getBytes(StandardCharsets.UTF_8)));
            ByteBuffer answer = ByteBuffer.allocate(1 << 16);
            while (channel.read(answer) >= 0) {
                // to the end
            }
            return new String(answer.array(), 0, answer.position(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void answersItsOwnerOnly() throws IOException {
        serve(() -> STATUS);
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
        for (int i = 0; i < 20; i++) {
            assertEquals(STATUS, StatusJson.read(StatusClient.ask(socket)));
        }
        assertEquals(List.of(socket), Files.list(folder).toList());
    }

    @Test
    void answersNothingElse() throws IOException {
        serve(() -> STATUS);
        for (String question : List.of("stop\n", "\n", "x".repeat(256))) {
            assertEquals("{\"error\":\"this flanneld answers \\\"status\\\" only\"}\n", asked(question));
        }
    }

    @Test
    void anErrorOfOursIsToldAndLetsTheNextBeAnswered() throws IOException {
        serve(() -> {
            throw new IllegalStateException("boom");
        });
        for (int i = 0; i < 6; i++) {
            assertTrue(assertThrows(JsonException.class, () -> StatusJson.read(StatusClient.ask(socket))).getMessage().contains("boom"));
        }
    }

    /** Whoever keeps silent takes one place of four, and not for ever. */
    @Test
    void silentConnectionsEnd() throws IOException {
        serve(() -> STATUS);
        List<SocketChannel> silent = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(UnixDomainSocketAddress.of(socket));
            silent.add(channel);
        }
        for (SocketChannel channel : silent) {
            assertEquals(-1, channel.read(ByteBuffer.allocate(1)));
            channel.close();
        }
        assertEquals(STATUS, StatusJson.read(StatusClient.ask(socket)));
    }

    @Test
    void replacesTheSocketOfADaemonThatHasGone() throws IOException {
        ServerSocketChannel former = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        former.bind(UnixDomainSocketAddress.of(socket));
        former.close();
        assertTrue(assertThrows(IOException.class, () -> StatusClient.ask(socket)).getMessage().contains("nobody listens at " + socket));
        serve(() -> STATUS);
        assertEquals(STATUS, StatusJson.read(StatusClient.ask(socket)));
    }

    @Test
    void leavesALivingDaemonsSocketAlone() throws IOException {
        serve(() -> STATUS);
        assertTrue(assertThrows(IOException.class, () -> StatusSocket.open(socket, new StatusSource(() -> STATUS), log)).getMessage()
                .startsWith("another flanneld listens at " + socket));
        assertEquals(STATUS, StatusJson.read(StatusClient.ask(socket)));
    }

    @Test
    void leavesWhatIsNoSocketAlone() throws IOException {
        Path other = Files.writeString(folder.resolve("important"), "x");
        Files.createSymbolicLink(socket, other);
        assertTrue(assertThrows(IOException.class, () -> StatusSocket.open(socket, new StatusSource(() -> STATUS), log)).getMessage().contains("is no socket"));
        Files.delete(socket);
        Files.writeString(socket, "x");
        assertThrows(IOException.class, () -> StatusSocket.open(socket, new StatusSource(() -> STATUS), log));
        assertEquals("x", Files.readString(socket));
        assertEquals("x", Files.readString(other));
    }

    @Test
    void usesNoFolderThatEverybodyCanWriteTo() throws IOException {
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
        assertTrue(assertThrows(IOException.class, () -> StatusSocket.open(socket, new StatusSource(() -> STATUS), log)).getMessage().contains("everybody can write"));
    }

    @Test
    void withoutADaemonItSaysSo() {
        assertTrue(assertThrows(IOException.class, () -> StatusClient.ask(socket)).getMessage().startsWith("no flanneld runs here: there is no "
                + socket));
    }
}
