package flannel.server;

import flannel.log.Log;
import flannel.text.UtcTime;
import flannel.tls.Tls;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SSLSocket;

/**
 * Serves HTTP/1.1 on a listening socket, a virtual thread for each connection. Everything a client does has a deadline, behind which its
 * connection is closed: nobody waits for one that is slow or gone.
 *
 * <p>Not the JDK's jdk.httpserver: that keeps 31 KB of buffers for each connection, so that 2,000 long polls overflow the daemon's heap of
 * 64 MB; it makes its listening socket itself, so that it can't be given systemd's; and its limits are the whole JVM's system properties.
 */
final class HttpListener implements AutoCloseable {

    /** Answers requests, each on its connection's thread. */
    interface Handler {
        Answer answer(Request request) throws InterruptedException;
    }

    private static final Duration SWEEP = Duration.ofSeconds(1);

    /** Between two looks whether the certificates' files have changed, in sweeps. */
    private static final int CERTIFICATE_CHECK = 10;

    /** When there are no more files to be had. */
    private static final Duration ACCEPT_PAUSE = Duration.ofMillis(100);

    /** In bytes: what is as short as that is written together with the headers. */
    private static final int ONE_PACKET = 1_000;

    private final ServerSocketChannel listening;
    private final Tls tls;
    private final boolean clientCertificates;
    private final Limits limits;
    private final Handler handler;
    private final Log log;
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private boolean full;

    /**
     * @param tls                the server's certificate; null for plain HTTP
     * @param clientCertificates whether clients have to show one that the authorities of {@code tls} have signed
     */
    HttpListener(ServerSocketChannel listening, Tls tls, boolean clientCertificates, Limits limits, Handler handler, Log log) {
        this.listening = listening;
        this.tls = tls;
        this.clientCertificates = clientCertificates;
        this.limits = limits;
        this.handler = handler;
        this.log = log;
    }

    /** Accepts connections until it is closed. */
    void run() throws InterruptedException {
        Thread sweeper = Thread.ofVirtual().name("http-sweeper").start(this::sweep);
        try {
            while (listening.isOpen()) {
                try {
                    accepted(listening.accept());
                } catch (IOException e) {
                    if (listening.isOpen()) {
                        log.warning("cannot accept a connection: " + e.getMessage());
                        Thread.sleep(ACCEPT_PAUSE);
                    }
                }
            }
        } finally {
            sweeper.interrupt();
        }
    }

    private void accepted(SocketChannel channel) throws IOException {
        if (connections.size() >= limits.connections()) {
            if (!full) {
                log.warning("there are " + limits.connections() + " connections: more are closed at once until one of these ends");
            }
            full = true;
            channel.close();
            return;
        }
        full = false;
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        Connection connection = new Connection(channel);
        connections.add(connection);
        if (!listening.isOpen()) {
            closeQuietly(channel); // whoever closes all did not know of it yet
        }
        Thread.ofVirtual().start(connection);
    }

    private void sweep() {
        try {
            for (int sweeps = 0;; sweeps++) {
                Thread.sleep(SWEEP);
                long nowNanos = System.nanoTime();
                connections.forEach(connection -> connection.closeIfLate(nowNanos));
                if (tls != null && sweeps % CERTIFICATE_CHECK == 0) {
                    tls.reload();
                }
            }
        } catch (InterruptedException e) {
            // closed
        }
    }

    int connectionCount() {
        return connections.size();
    }

    @Override
    public void close() {
        closeQuietly(listening);
        connections.forEach(connection -> closeQuietly(connection.channel));
    }

    private static void closeQuietly(AutoCloseable closeable) {
        try {
            closeable.close();
        } catch (Exception e) {
            // nobody is there any more
        }
    }

    private final class Connection implements Runnable, RequestReader.Progress {

        private final SocketChannel channel;
        private volatile long deadlineNanos;
        private OutputStream out;

        Connection(SocketChannel channel) {
            this.channel = channel;
            within(limits.request());
        }

        private void within(Duration limit) {
            deadlineNanos = System.nanoTime() + limit.toNanos();
        }

        void closeIfLate(long nowNanos) {
            if (nowNanos - deadlineNanos > 0) {
                closeQuietly(channel);
            }
        }

        @Override
        public void run() {
            try (channel) {
                SocketAddress from = channel.getRemoteAddress();
                Socket socket = tls == null ? channel.socket() : secured(channel.socket());
                InputStream in = socket.getInputStream();
                out = socket.getOutputStream();
                RequestReader requests = new RequestReader(in, from instanceof InetSocketAddress inet ? inet.getAddress() : null, limits);
                serve(requests);
            } catch (IOException e) {
                if (log.v(2)) {
                    log.info("a client's connection ended: " + e.getMessage());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                connections.remove(this);
            }
        }

        private Socket secured(Socket socket) throws IOException {
            SSLSocket secured = (SSLSocket) tls.context().getSocketFactory().createSocket(socket, null, true); // null: the server's side
            secured.setNeedClientAuth(clientCertificates);
            secured.startHandshake();
            return secured;
        }

        private void serve(RequestReader requests) throws IOException, InterruptedException {
            try {
                do {
                    within(limits.idle());
                    Request request = requests.next(this);
                    if (request == null) {
                        return;
                    }
                    within(limits.handling());
                    Answer answer = answer(request);
                    within(limits.answer());
                    write(answer, !request.method().equals("HEAD"), requests.keepAlive());
                } while (requests.keepAlive());
            } catch (RefusedException e) {
                within(limits.request());
                write(e.answer(), true, false);
                // what the client still sends must not become a reset that takes the answer away before it is read
                channel.shutdownOutput();
                channel.socket().getInputStream().skipNBytes(limits.bodyBytes());
            }
        }

        private Answer answer(Request request) throws InterruptedException {
            try {
                return handler.answer(request);
            } catch (RuntimeException e) { // one request that is met by a fault of ours must not end all others
                log.error(request.method() + " " + request.path() + " of " + request.from() + " failed: " + e + " at "
                        + e.getStackTrace()[0]);
                return Answer.text(500, "the server failed: " + e);
            }
        }

        @Override
        public void begun() {
            within(limits.request());
        }

        @Override
        public void sendContinue() throws IOException {
            out.write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        }

        private void write(Answer answer, boolean withBody, boolean keepAlive) throws IOException {
            byte[] body = withBody ? answer.body() : new byte[0];
            StringBuilder head = new StringBuilder(512).append("HTTP/1.1 ").append(answer.status()).append(' ').append(answer.reason())
                    .append("\r\nDate: ").append(UtcTime.http(Instant.now())).append("\r\nContent-Type: ").append(answer.contentType())
                    .append("\r\nContent-Length: ").append(answer.body().length).append("\r\nCache-Control: no-store");
            for (String header : answer.headers()) {
                head.append("\r\n").append(header);
            }
            head.append(keepAlive ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
            byte[] bytes = head.toString().getBytes(StandardCharsets.ISO_8859_1);
            if (body.length > ONE_PACKET) {
                out.write(bytes);
                out.write(body);
            } else {
                byte[] both = Arrays.copyOf(bytes, bytes.length + body.length);
                System.arraycopy(body, 0, both, bytes.length, body.length);
                out.write(both);
            }
            out.flush();
        }
    }
}
