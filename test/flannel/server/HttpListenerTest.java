package flannel.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.log.Log;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Clients that are slow, gone, greedy or speak no HTTP, byte by byte. */
@Timeout(60)
class HttpListenerTest {

    private static final Duration SHORT = Duration.ofMillis(300);
    private static final Duration LONG = Duration.ofSeconds(60);

    private final Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);
    private final CountDownLatch hanging = new CountDownLatch(1);
    private final List<Socket> sockets = new ArrayList<>();
    private HttpListener listener;
    private int port;

    @BeforeEach
    void start() throws IOException {
        start(new Limits(20, 1_000, 2_000, LONG, LONG, LONG, LONG));
    }

    private void start(Limits limits) throws IOException {
        stop();
        ServerSocketChannel channel = ServerSocketChannel.open();
        channel.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        port = channel.socket().getLocalPort();
        listener = new HttpListener(channel, null, false, limits, this::answer, log);
        HttpListener started = listener;
        Thread.ofVirtual().start(() -> {
            try {
                started.run();
            } catch (InterruptedException e) {
                // nobody does
            }
        });
    }

    private Answer answer(Request request) throws InterruptedException {
        return switch (request.path()) {
            case "/hang" -> {
                hanging.countDown();
                Thread.sleep(LONG);
                yield Answer.empty();
            }
            case "/fault" -> throw new IllegalStateException("a fault of ours");
            case "/large" -> new Answer(200, "text/plain", new byte[64 << 20]);
            default -> Answer.text(200, request.method() + " " + request.path() + " " + request.query() + " " + request.ifMatch() + " " + request.body());
        };
    }

    @AfterEach
    void stop() throws IOException {
        for (Socket socket : sockets) {
            socket.close();
        }
        if (listener != null) {
            listener.close();
        }
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        sockets.add(socket);
        return socket;
    }

    private static void send(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.replace("\n", "\r\n").getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Everything until the server hangs up. */
    private static String rest(Socket socket) throws IOException {
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    private String exchange(String request) throws IOException {
        try (Socket socket = connect()) {
            send(socket, request);
            return rest(socket);
        }
    }

    private void awaitConnections(int count) throws InterruptedException {
        while (listener.connectionCount() != count) {
            Thread.sleep(1);
        }
    }

    @Test
    void requestsInOnePieceOrInManyAreAnsweredInTurn() throws Exception {
        String requests = "GET /a?x=1 HTTP/1.1\nHost: h\nIf-Match: \"7\"\n\nPUT /b HTTP/1.1\ncontent-length: 5\n\nhelloGET /c HTTP/1.1\nConnection: close\n\n";
        String whole = exchange(requests);
        Socket slow = connect();
        slow.setTcpNoDelay(true);
        for (char c : requests.toCharArray()) {
            send(slow, String.valueOf(c));
        }
        String pieces = rest(slow);
        for (String answers : List.of(whole, pieces)) {
            assertEquals(List.of("GET /a x=1 \"7\" ", "PUT /b   hello", "GET /c   "), answers.lines().filter(line -> line.contains(" /"))
                    .map(line -> line.replaceFirst("HTTP/1.1 .*", "")).toList(), answers);
        }
        assertTrue(whole.startsWith("HTTP/1.1 200 OK\r\nDate: "), whole);
        assertTrue(exchange("GET /old HTTP/1.0\n\n").endsWith("Connection: close\r\n\r\nGET /old   "));
    }

    @Test
    void whoWaitsForAWordBeforeTheBodyGetsIt() throws Exception {
        Socket socket = connect();
        send(socket, "POST /b HTTP/1.1\nExpect: 100-continue\nContent-Length: 5\nConnection: close\n\n");
        byte[] word = socket.getInputStream().readNBytes(25);
        assertEquals("HTTP/1.1 100 Continue\r\n\r\n", new String(word, StandardCharsets.US_ASCII));
        send(socket, "hello");
        assertTrue(rest(socket).endsWith("hello"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "nonsense                                         | 400",
        "''                                               | 400",
        "GET a HTTP/1.1                                   | 400",
        "GET /a b HTTP/1.1                                | 400",
        "GET /a FTP/1.1                                   | 400",
        "GET /a HTTP/2.0                                  | 505",
        "GET /a HTTP/1.1~ folded: x                       | 400",
        "GET /a HTTP/1.1~no colon                         | 400",
        "GET /a HTTP/1.1~name : x                         | 400",
        "POST /a HTTP/1.1~Content-Length: -1              | 400",
        "POST /a HTTP/1.1~Content-Length: x               | 400",
        "POST /a HTTP/1.1~Content-Length: 1~Content-Length: 2 | 400",
        "POST /a HTTP/1.1~Content-Length: 2001            | 413",
        "POST /a HTTP/1.1~Content-Length: 99999999999     | 400",
        "POST /a HTTP/1.1~Transfer-Encoding: chunked      | 411",
        "GET /fault HTTP/1.1~Connection: close            | 500"})
    void whatCannotBeServedIsRefusedAndEnds(String request, int status) throws Exception {
        String answer = exchange(request.replace('~', '\n') + "\n\n");
        assertTrue(answer.startsWith("HTTP/1.1 " + status + " "), answer);
        awaitConnections(0);
    }

    /** As a client leaves behind the body of its last request (RFC 9112, 2.2). */
    @Test
    void anEmptyLineMayComeFirst() throws Exception {
        assertTrue(exchange("\nGET /a HTTP/1.1\nConnection: close\n\n").startsWith("HTTP/1.1 200 "));
    }

    @Test
    void aHeadWithoutEndIsRefused() throws Exception {
        String answer = exchange("GET /a HTTP/1.1\nX: " + "x".repeat(2_000));
        assertTrue(answer.startsWith("HTTP/1.1 431 "), answer);
    }

    @ParameterizedTest
    @CsvSource({"''", "GET /a HTTP/1.1", "POST /a HTTP/1.1~Content-Length: 5~~hel"})
    void whoIsSlowWithARequestIsHungUpOn(String begun) throws Exception {
        start(new Limits(20, 1_000, 2_000, SHORT, SHORT, LONG, LONG));
        assertEquals("", exchange(begun.replace('~', '\n')));
        awaitConnections(0);
    }

    @Test
    void whoDoesNotTakeTheAnswerIsHungUpOn() throws Exception {
        start(new Limits(20, 1_000, 2_000, LONG, LONG, LONG, SHORT));
        Socket socket = connect();
        send(socket, "GET /large HTTP/1.1\n\n");
        assertEquals('H', socket.getInputStream().read());
        awaitConnections(0);
    }

    @Test
    void anAnswerThatNeverComesEndsToo() throws Exception {
        start(new Limits(20, 1_000, 2_000, LONG, LONG, SHORT, LONG));
        assertEquals("", exchange("GET /hang HTTP/1.1\n\n"));
    }

    @Test
    void moreConnectionsThanAllowedAreClosedAtOnceAndTheOthersServed() throws Exception {
        Socket first = connect();
        for (int i = 1; i < 20; i++) {
            connect();
        }
        awaitConnections(20);
        Socket tooMany = connect();
        try {
            assertEquals(-1, tooMany.getInputStream().read());
        } catch (SocketException e) {
            // reset: closed as well
        }
        send(first, "GET /a HTTP/1.1\nConnection: close\n\n");
        assertTrue(rest(first).contains("GET /a"));
        awaitConnections(19);
        assertTrue(exchange("GET /b HTTP/1.1\nConnection: close\n\n").contains("GET /b"), "there is room again");
    }

    @Test
    void whoHangsUpWhileItsAnswerIsMadeHarmsNobody() throws Exception {
        Socket gone = connect();
        send(gone, "GET /hang HTTP/1.1\n\n");
        hanging.await();
        gone.close();
        assertTrue(exchange("GET /b HTTP/1.1\nConnection: close\n\n").contains("GET /b"));
    }
}
