package flannel.store;

import flannel.api.Messages;
import flannel.lab.Arguments;
import flannel.lease.Lease;
import flannel.lease.ServedStore;
import flannel.log.Log;
import flannel.server.TestServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * {@code ./build.sh bench store}: how many lease writes a second a server with a store of its own answers, and how long its list of ten thousand
 * leases takes. Over HTTP on loopback, clients and server in one process; the disk is one whose fsync takes a millisecond.
 */
public final class StoreBench {

    private static final int CLIENTS = 50;
    private static final int LEASES = 10_000;
    private static final long RENEWING_MILLIS = 5_000;
    private static final int LISTS = 20;

    private StoreBench() {
    }

    /** One client's connection, kept. */
    private static final class Client implements AutoCloseable {

        private final Socket socket;

        Client(int port) throws IOException {
            socket = new Socket(InetAddress.getLoopbackAddress(), port);
            socket.setTcpNoDelay(true);
        }

        String ask(String method, String path, String body) throws IOException {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            socket.getOutputStream().write((method + " " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + bytes.length + "\r\n\r\n" + body)
                    .getBytes(StandardCharsets.UTF_8));
            InputStream in = socket.getInputStream();
            StringBuilder head = new StringBuilder();
            while (!head.toString().endsWith("\r\n\r\n")) {
                int next = in.read();
                if (next < 0) {
                    throw new IOException("closed after " + head);
                }
                head.append((char) next);
            }
            String text = head.toString();
            if (!text.startsWith("HTTP/1.1 200")) {
                throw new IOException(text);
            }
            int length = Integer.parseInt(text.replaceFirst("(?is).*content-length: *(\\d+).*", "$1"));
            return new String(in.readNBytes(length), StandardCharsets.UTF_8);
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    public static void main(String[] arguments) throws Exception {
        Arguments.parse("bench store", Map.of(), arguments);
        Path folder = Files.createTempDirectory("flt-store-");
        TestDisk disk = new TestDisk(1);
        Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);
        try (SmallStore store = SmallStore.open(folder.resolve("store"), true, Map.of("", Bench.CONFIG), disk, StoreClock.system(), Committer.LOOK, log);
                TestServer server = new TestServer(0, null, Duration.ofSeconds(60), store.network(""), log);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            measure(store.network(""), server.port(), disk, threads);
        } finally {
            for (String name : List.of("store/journal", "store/lock", "store", "")) {
                Files.deleteIfExists(folder.resolve(name));
            }
        }
    }

    private static void measure(ServedStore store, int port, TestDisk disk, ExecutorService threads) throws Exception {
        while (store.read().isEmpty()) { // and the server has heard of the config
            try (Client client = new Client(port)) {
                client.ask("POST", "/v1/_/leases", Bench.host(1).toJson());
            } catch (IOException e) {
                Thread.sleep(20);
            }
        }
        AtomicInteger host = new AtomicInteger(1);
        int forces = disk.forces.get();
        long start = System.nanoTime();
        all(threads, port, client -> {
            for (int number = host.incrementAndGet(); number <= LEASES; number = host.incrementAndGet()) {
                client.ask("POST", "/v1/_/leases", Bench.host(number).toJson());
            }
        });
        tell("taken, one after the other until there are " + LEASES, LEASES - 1, start, disk.forces.get() - forces);
        List<Lease> leases = store.read().stream().map(Lease.class::cast).toList();
        AtomicInteger renewals = new AtomicInteger();
        long renewing = System.nanoTime();
        int before = disk.forces.get();
        AtomicInteger next = new AtomicInteger();
        all(threads, port, client -> {
            while (System.nanoTime() - renewing < RENEWING_MILLIS * 1_000_000) {
                Lease lease = leases.get(next.getAndIncrement() % leases.size());
                client.ask("PUT", "/v1/_/leases/" + lease.key(), Messages.lease(lease).toString());
                renewals.incrementAndGet();
            }
        });
        tell("renewed, of " + LEASES, renewals.get(), renewing, disk.forces.get() - before);
        List<Double> millis = new ArrayList<>();
        int bytes = 0;
        try (Client client = new Client(port)) {
            for (int i = 0; i < LISTS; i++) {
                client.ask("PUT", "/v1/_/leases/" + leases.get(i).key(), Messages.lease(leases.get(i)).toString()); // the list is to be made anew
                long asked = System.nanoTime();
                bytes = client.ask("GET", "/v1/_/leases", "").length();
                millis.add((System.nanoTime() - asked) / 1e6);
            }
        }
        System.out.printf("%d leases listed, %d bytes: first %.0f ms, then %.0f to %.0f ms%n", LEASES, bytes, millis.getFirst(),
                millis.stream().skip(5).min(Double::compare).orElseThrow(), millis.stream().skip(5).max(Double::compare).orElseThrow());
    }

    private interface Work {
        void run(Client client) throws IOException;
    }

    private static void all(ExecutorService threads, int port, Work work) throws Exception {
        List<Future<?>> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            clients.add(threads.submit(() -> {
                try (Client client = new Client(port)) {
                    work.run(client);
                }
                return null;
            }));
        }
        for (Future<?> client : clients) {
            client.get();
        }
    }

    private static void tell(String what, int count, long start, int forces) {
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf("leases %s, by %d clients: %.0f a second, with %.0f fsyncs%n", what, CLIENTS, count / seconds, forces / seconds);
    }
}
