package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Two thousand hosts that follow the leases of one server, as a real process with the package's options. */
class ManyClientsTest {

    private static final int CLIENTS = 2_000;

    /** Of the server's whole process: 160 MiB with the runtime of the package, and what a whole JDK has more. */
    private static final long MOST_KIB = 175 << 10;

    @Test
    void aServerHasRoomForTwoThousandClients() throws Exception {
        try (Lab lab = Needs.lab(Store.Api.V2)) {
            lab.store().put("config", "{\"Network\": \"10.0.0.0/8\", \"Backend\":{\"Type\":\"host-gw\"}}");
            Host server = lab.host(3);
            Daemon daemon = server.start(lab.options("-listen=:8888"));
            daemon.awaitReady();
            lab.host(1).namespace().call(() -> {
                load(lab, daemon, new InetSocketAddress(server.address(), 8888));
                return null;
            });
        }
    }

    private static void load(Lab lab, Daemon daemon, InetSocketAddress address) throws Exception {
        Await.that("the server has followed etcd", () -> exchange(address, "GET", "config", "").contains("200 OK"));
        long beforeNanos = System.nanoTime();
        String attributes = "";
        for (int i = 0; i < CLIENTS; i++) {
            attributes = "{\"PublicIP\":\"172.16." + i / 250 + "." + (1 + i % 250) + "\",\"BackendType\":\"host-gw\"}";
            String taken = exchange(address, "POST", "leases", attributes);
            assertTrue(taken.startsWith("HTTP/1.1 200 "), taken);
        }
        System.out.printf("    %d leases taken in %d ms%n", CLIENTS, (System.nanoTime() - beforeNanos) / 1_000_000);
        String list = exchange(address, "GET", "leases", "");
        assertEquals(CLIENTS, list.split("\"Subnet\"", -1).length - 1);
        String from = cursor(list);

        List<SocketChannel> clients = new ArrayList<>();
        try (Selector selector = Selector.open()) {
            for (int i = 0; i < CLIENTS; i++) {
                SocketChannel client = SocketChannel.open(address);
                clients.add(client);
                client.write(request("GET", "leases?next=" + from, "", "keep-alive"));
                client.configureBlocking(false);
                client.register(selector, SelectionKey.OP_READ);
            }
            exchange(address, "GET", "config", "");             // accepted behind the last of them
            double cpuBefore = daemon.cpuSeconds();
            for (int round = 0; round < 5; round++) {
                beforeNanos = System.nanoTime();
                lab.store().put("subnets/10.255." + round + ".0-24", attributes);
                String cursor = answersOfAll(selector);
                System.out.printf("    a change told to %d clients in %d ms%n", CLIENTS, (System.nanoTime() - beforeNanos) / 1_000_000);
                for (SocketChannel client : clients) {
                    client.write(request("GET", "leases?next=" + cursor, "", "keep-alive"));
                }
            }
            // all ask for all, as after a server's restart
            long atMost = daemon.residentKib();
            System.out.printf("    the server: %d KiB resident, %.2f s of CPU for 5 changes%n", atMost, daemon.cpuSeconds() - cpuBefore);
            lab.store().put("subnets/10.255.9.0-24", attributes);
            answersOfAll(selector);
            beforeNanos = System.nanoTime();
            cpuBefore = daemon.cpuSeconds();
            for (SocketChannel client : clients) {
                client.write(request("GET", "leases", "", "keep-alive"));
            }
            answersOfAll(selector);
            System.out.printf("    all leases told to all in %d ms, %.2f s of CPU; %d KiB resident%n", (System.nanoTime() - beforeNanos) / 1_000_000,
                    daemon.cpuSeconds() - cpuBefore, daemon.residentKib());
            assertTrue(daemon.residentKib() < MOST_KIB, daemon.residentKib() + " KiB");
        } finally {
            for (SocketChannel client : clients) {
                client.close();
            }
        }
    }

    /** Reads until every client has a whole answer; the cursor of the last. */
    private static String answersOfAll(Selector selector) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
        String end = "";
        for (int whole = 0; whole < CLIENTS;) {
            selector.select(Daemon.PATIENCE.toMillis());
            assertTrue(!selector.selectedKeys().isEmpty(), "an answer is missing");
            for (SelectionKey key : selector.selectedKeys()) {
                buffer.clear();
                int count = ((SocketChannel) key.channel()).read(buffer);
                assertTrue(count > 0, "the server hung up");
                if (buffer.get(count - 1) == '\n' && buffer.get(count - 2) == '}') {
                    whole++;
                    end = new String(buffer.array(), Math.max(0, count - 200), Math.min(count, 200), StandardCharsets.UTF_8);
                }
            }
            selector.selectedKeys().clear();
        }
        return cursor(end);
    }

    private static String cursor(String answer) {
        return answer.substring(answer.lastIndexOf("\"cursor\"")).split("\"")[3];
    }

    private static ByteBuffer request(String method, String path, String body, String connection) {
        return ByteBuffer.wrap((method + " /v1/_/" + path + " HTTP/1.1\r\nHost: server:8888\r\nConnection: " + connection + "\r\nContent-Length: "
                + body.length() + "\r\n\r\n" + body).getBytes(StandardCharsets.US_ASCII));
    }

    private static String exchange(InetSocketAddress address, String method, String path, String body) {
        try (SocketChannel client = SocketChannel.open(address)) {
            client.write(request(method, path, body, "close"));
            return new String(client.socket().getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        } catch (IOException e) {
            return e.toString();
        }
    }
}
