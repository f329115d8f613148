package flannel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import flannel.log.Log;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ListenAddressTest {

    @ParameterizedTest
    @CsvSource({
        ":8888,                :8888",
        "10.1.2.3:8888,        10.1.2.3:8888",
        "tcp://10.1.2.3:8888,  10.1.2.3:8888",
        "node1:8888,           node1:8888",
        "[::1]:8888,           [::1]:8888",
        "fd://,                fd://3",
        "fd://5,               fd://5"})
    void addressesAreRead(String text, String read) {
        assertEquals(read, ListenAddress.parse(text).toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "8888", "10.1.2.3", "10.1.2.3:", "10.1.2.3:x", ":65536", "::1:8888", "http://10.1.2.3:8888", "fd://0", "fd://x", "fd://-1"})
    void whatIsNoneIsRefused(String text) {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> ListenAddress.parse(text)).getMessage().startsWith("-listen=" + text));
    }

    @Test
    void aPortThatIsTakenIsSaid() throws Exception {
        try (ServerSocketChannel channel = ServerSocketChannel.open()) {
            channel.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
            String address = "127.0.0.1:" + channel.socket().getLocalPort();
            assertEquals("cannot listen on " + address + ": Address already in use",
                    assertThrows(IOException.class, () -> ListenAddress.parse(address).open(Map.of())).getMessage());
        }
    }

    @Test
    void socketsThatSystemdDidNotPassAreNotTouched() {
        String pid = Long.toString(ProcessHandle.current().pid());
        assertTrue(message("fd://", Map.of()).startsWith("systemd has passed no socket to this process"));
        assertTrue(message("fd://", Map.of("LISTEN_PID", "1", "LISTEN_FDS", "1")).startsWith("systemd has passed no socket to this process"));
        assertEquals("fd 4 is out of range: systemd has passed 1 sockets, from 3 on", message("fd://4", Map.of("LISTEN_PID", pid, "LISTEN_FDS", "1")));
    }

    private static String message(String address, Map<String, String> environment) {
        return assertThrows(IOException.class, () -> ListenAddress.parse(address).open(environment)).getMessage();
    }

    /** Plays a process that systemd starts: listens as number 4, says so, and becomes the program. */
    private static final String ACTIVATE = """
            use Socket; use POSIX ();
            socket(my $s, PF_INET, SOCK_STREAM, 0) || die $!;
            bind($s, sockaddr_in(0, INADDR_LOOPBACK)) && listen($s, 5) || die $!;
            $| = 1; print((sockaddr_in(getsockname($s)))[0], "\\n");
            POSIX::dup2(fileno($s), 4); $ENV{LISTEN_PID} = $$; $ENV{LISTEN_FDS} = 2;
            exec @ARGV;
            """;

    @Test
    void aSocketOfSystemdIsServedOn() throws Exception {
        Path perl = Path.of("/usr/bin/perl");
        assumeTrue(Files.isExecutable(perl), "perl is not installed");
        Process process = new ProcessBuilder(perl.toString(), "-e", ACTIVATE, ProcessHandle.current().info().command().orElseThrow(),
                "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path") + ":build/classes:build/test-classes",
                Activated.class.getName()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try {
            int port = Integer.parseInt(process.inputReader().readLine());
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) { // waits in the socket until the program is there
                socket.getOutputStream().write("GET /x HTTP/1.1\r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
                assertTrue(answer.endsWith("\r\n\r\nhere"), answer);
            }
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    /** What systemd starts. */
    static final class Activated {

        public static void main(String[] arguments) throws Exception {
            new HttpListener(ListenAddress.parse("fd://4").open(System.getenv()), null, false, Limits.DEFAULT, request -> Answer.text(200, "here"),
                    new Log(System.err, 0)).run();
        }
    }
}
