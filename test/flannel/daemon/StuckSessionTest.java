package flannel.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.lab.Await;
import flannel.log.Log;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A session whose thread waits for something that does not come, as for a dead disk, while whoever asks over HTTP is told the truth. */
class StuckSessionTest {

    private final HttpClient client = HttpClient.newHttpClient();
    private final CountDownLatch disk = new CountDownLatch(1);
    private VirtualCluster.Host host;
    private Thread session;
    private int port;

    @BeforeEach
    void serve(@TempDir Path folder) throws Exception {
        VirtualCluster cluster = new VirtualCluster(1);
        host = cluster.host(1);
        host.start();
        cluster.run(Duration.ofSeconds(1));
        session = Thread.ofPlatform().daemon().start(host.session()::run);
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        List<Inquiry> inquiries = List.of(new Inquiry("", host.queue()));
        new Views("1.0.0", () -> inquiries, Duration.ZERO, new Log(new PrintStream(OutputStream.nullOutputStream()), 0))
                .serve(folder.resolve("socket"), new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        Await.that("it is ready", () -> ask("/readyz").equals("200 flanneld is ready"));
    }

    @AfterEach
    void stop() throws InterruptedException {
        disk.countDown();
        session.interrupt();
        session.join();
        client.close();
    }

    private String ask(String path) throws InterruptedException {
        try {
            HttpResponse<String> response = client.send(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
                    HttpResponse.BodyHandlers.ofString());
            return response.statusCode() + " " + response.body();
        } catch (IOException e) {
            return e.toString();
        }
    }

    private void waitForTheDisk() {
        try {
            disk.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void isToldAsStuckUntilItGoesOn() throws Exception {
        assertEquals("200 flanneld is running", ask("/healthz"));
        host.queue().put(new Message.Reached(this::waitForTheDisk));
        for (String path : List.of("/healthz", "/readyz")) {
            String told = ask(path);
            assertTrue(told.startsWith("503 the session has not answered for "), told);
        }
        disk.countDown();
        Await.that("it goes on", () -> ask("/healthz").equals("200 flanneld is running") && ask("/readyz").equals("200 flanneld is ready"));
    }
}
