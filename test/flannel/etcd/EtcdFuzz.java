package flannel.etcd;

import flannel.fuzz.JsonMutation;
import flannel.fuzz.Mutation;
import flannel.fuzz.Target;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.StoreException;
import flannel.log.Log;
import flannel.net.HttpProxies;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.tls.HttpConnections;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * Spoiled answers of an etcd, by both of its interfaces, to everything that a daemon asks, in any order: what they say, many thousands a
 * second and without a network; and how they come, from a server in this process, at once or drop by drop, with an end or without.
 */
public final class EtcdFuzz {

    private static final EtcdTimeouts QUICK = new EtcdTimeouts(Duration.ofSeconds(2), Duration.ofMillis(150), Duration.ofMillis(200),
            Duration.ofMillis(100));

    /** Of a call of several requests, each with those timeouts, on a busy machine. */
    private static final Duration LONGEST = Duration.ofSeconds(20);

    private static final Endpoint MEMBER = new Endpoint("http://127.0.0.1:2379", InetAddress::getAllByName);
    private static final Ipv4Subnet SUBNET = Ipv4Subnet.parse("10.1.83.0/24");
    private static final LeaseAttributes OURS = new LeaseAttributes(Ipv4.parse("192.168.32.211"), "host-gw", null, "");
    private static final String CONFIG = "{\"Network\":\"10.1.0.0/16\"}";

    private EtcdFuzz() {
    }

    public static List<Target> targets() {
        Server server = new Server();
        return List.of(target("what v2 answers", EtcdFuzz::askV2), target("what v3 answers", EtcdFuzz::askV3),
                target("a server, v2", (input, dice) -> ask("v2", server, dice)), target("a server, v3", (input, dice) -> ask("v3", server, dice)));
    }

    private static Target target(String name, Target.Reader reader) {
        return new Target("etcd: " + name, List.of(new byte[0]), (samples, dice) -> new byte[0], Set.of(StoreException.class,
                LeaseConflictException.class, NotServedException.class, UnavailableException.class, LostAnswerException.class), reader);
    }

    private static void askV2(byte[] input, RandomGenerator dice) throws Exception {
        ask(new EtcdV2Registry(canned(dice), new LeaseKeys("/n"), user(dice), "p"), Duration.ofMillis(1), dice);
    }

    private static void askV3(byte[] input, RandomGenerator dice) throws Exception {
        EtcdHttp http = canned(dice);
        ask(new EtcdV3Registry(http, new LeaseKeys("/n"), new EtcdV3Gateway(http, "/n/", user(dice), "p")), Duration.ofMillis(1), dice);
    }

    private static String user(RandomGenerator dice) {
        return dice.nextInt(4) == 0 ? "u" : "";
    }

    private static EtcdHttp canned(RandomGenerator dice) {
        return new EtcdHttp(List.of(MEMBER), new HttpProxies(Map.of()), QUICK, new HttpConnections("etcd", new CannedClient(request -> {
            String line = request.method() + " " + request.uri().getRawPath() + (request.uri().getRawQuery() == null ? "" : "?" + request.uri().getRawQuery());
            byte[] body = Server.good(line).getBytes(StandardCharsets.UTF_8);
            return new CannedClient.Canned(Server.status(line, dice), Map.of("Content-Type", List.of("application/json"), "X-Etcd-Index", List.of("8"),
                    "X-Etcd-Cluster-Id", List.of("9")), dice.nextBoolean() ? body
                            : JsonMutation.mutate(List.of(body, Server.NOT_FOUND), dice));
        })));
    }

    private static void ask(String api, Server server, RandomGenerator dice) throws Exception {
        server.dice = new Random(dice.nextLong());
        String user = user(dice);
        long startNanos = System.nanoTime();
        EtcdOptions options = new EtcdOptions(List.of(server.endpoint()), "/n", api, "", "", "", user, user);
        try (LeaseRegistry registry = EtcdSubnetStore.registry(options, QUICK, new Log(new PrintStream(OutputStream.nullOutputStream()), 0))) {
            ask(registry, Duration.ofMillis(50), dice);
        } finally {
            if (System.nanoTime() - startNanos > LONGEST.toNanos()) {
                throw new AssertionError("no answer is waited for so long: " + (System.nanoTime() - startNanos) / 1_000_000 + " ms");
            }
        }
    }

    private static void ask(LeaseRegistry registry, Duration watched, RandomGenerator dice) throws Exception {
        Lease held = new Lease(SUBNET, OURS, dice.nextInt(4) == 0 ? new Lease.Never() : new Lease.Unknown(), 7);
        switch (dice.nextInt(6)) {
            case 0, 1 -> registry.list();
            case 2 -> registry.watch(new LeaseRegistry.Cursor(8, "9"), watched, event -> { });
            case 3 -> registry.create(SUBNET, OURS, Duration.ofDays(1));
            case 4 -> registry.update(held, OURS, Duration.ofDays(1));
            default -> {
                registry.withEnd(held);
                registry.delete(held);
            }
        }
    }

    /** Answers as an etcd does, but not always. */
    private static final class Server {

        private static final String LEASE = "{\"key\":\"/n/subnets/10.1.83.0-24\",\"value\":\"{\\\"PublicIP\\\":\\\"192.168.32.211\\\","
        + "\\\"BackendType\\\":\\\"host-gw\\\"}\","
                + "\"expiration\":\"2026-11-26T08:00:00Z\",\"ttl\":86399,\"modifiedIndex\":8,\"createdIndex\":7}";
        private static final byte[] NOT_FOUND = Target.texts("{\"errorCode\":100,\"message\":\"Key not found\",\"index\":8}").getFirst();
        private static final String HEADER = "\"header\":{\"cluster_id\":\"9\",\"member_id\":\"1\",\"revision\":\"8\",\"raft_term\":\"2\"}";
        private static final String KV = kv("/n/subnets/10.1.83.0-24", OURS.toJson(), ",\"lease\":\"77\"");

        private final ServerSocket socket;
        volatile Random dice;

        Server() {
            try {
                socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            Thread.ofVirtual().start(() -> {
                while (true) {
                    try {
                        Socket connection = socket.accept();
                        Thread.ofVirtual().start(() -> serve(connection));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            });
        }

        String endpoint() {
            return "http://127.0.0.1:" + socket.getLocalPort();
        }

        private static String kv(String key, String value, String more) {
            return "{\"key\":\"" + base64(key) + "\",\"value\":\"" + base64(value) + "\",\"create_revision\":\"7\","
                    + "\"mod_revision\":\"7\",\"version\":\"1\"" + more + "}";
        }

        private static String base64(String text) {
            return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
        }

        private static String good(String line) {
            String config = "{\"key\":\"/n/config\",\"value\":\"" + CONFIG.replace("\"", "\\\"")
                    + "\",\"modifiedIndex\":4,\"createdIndex\":4}";
            if (line.startsWith("GET /v2/keys/n/?") && !line.contains("wait=")) {
                return "{\"action\":\"get\",\"node\":{\"key\":\"/n\",\"dir\":true,\"nodes\":[" + config
                        + ",{\"key\":\"/n/subnets\",\"dir\":true,\"nodes\":[" + LEASE + "]}]}}";
            }
            String path = line.replaceAll("^POST /v3[a-z]*(\\S*).*", "$1");
            return switch (path) {
                case "/kv/range" -> "{" + HEADER + ",\"kvs\":[" + kv("/n/config", CONFIG, "") + "," + KV + "],\"count\":\"2\"}";
                case "/kv/txn" -> "{" + HEADER + ",\"succeeded\":true,\"responses\":[{\"response_put\":{" + HEADER + "}}]}";
                case "/lease/grant" -> "{" + HEADER + ",\"ID\":\"77\",\"TTL\":\"86400\"}";
                case "/lease/keepalive" -> "{\"result\":{" + HEADER + ",\"ID\":\"77\",\"TTL\":\"86400\"}}";
                case "/lease/timetolive", "/kv/lease/timetolive" -> "{" + HEADER + ",\"ID\":\"77\",\"TTL\":\"86000\","
                        + "\"grantedTTL\":\"86400\",\"keys\":[\"" + base64("/n/x") + "\"]}";
                case "/auth/authenticate" -> "{" + HEADER + ",\"token\":\"abc.7\"}";
                case "/watch" -> "{\"result\":{" + HEADER + ",\"created\":true}}{\"result\":{" + HEADER.replace("8", "9")
                        + ",\"events\":[{\"kv\":" + KV
                        + "},{\"type\":\"DELETE\",\"kv\":{\"key\":\"" + base64("/n/subnets/10.1.84.0-24")
                                + "\",\"mod_revision\":\"9\"}}]}}";
                default -> line.contains("/config") ? "{\"action\":\"get\",\"node\":" + config + "}" : line.contains("/v2/")
                        ? "{\"action\":\"set\",\"node\":" + LEASE + "}"
                        : "{\"etcdserver\":\"3.4.23\"}";
            };
        }

        private void serve(Socket connection) {
            try (connection) {
                InputStream in = new BufferedInputStream(connection.getInputStream());
                for (String line = request(in); line != null; line = request(in)) {
                    if (!answer(line, dice, connection.getOutputStream())) {
                        return;
                    }
                }
            } catch (IOException | InterruptedException e) {
                // the client has had enough
            }
        }

        /** Reads a request; its first line, or null at the end. */
        private static String request(InputStream in) throws IOException {
            StringBuilder head = new StringBuilder();
            while (head.indexOf("\r\n\r\n") < 0) {
                int c = in.read();
                if (c < 0) {
                    return null;
                }
                head.append((char) c);
            }
            int length = head.toString().toLowerCase(Locale.ROOT).lastIndexOf("content-length: ");
            if (length >= 0) {
                in.skipNBytes(Integer.parseInt(head.substring(length + 16, head.indexOf("\r\n", length))));
            }
            return head.substring(0, head.indexOf("\r\n"));
        }

        private static int status(String line, RandomGenerator dice) {
            return dice.nextInt(8) == 0 ? List.of(100, 204, 301, 400, 401, 403, 404, 412, 500, 503).get(dice.nextInt(10))
                    : line.startsWith("PUT") ? 201 : 200;
        }

        /** False when the connection is not good for another answer. */
        private static boolean answer(String line, Random dice, OutputStream out) throws IOException, InterruptedException {
            byte[] body = good(line).getBytes(StandardCharsets.UTF_8);
            boolean spoiled = dice.nextBoolean();
            if (spoiled) {
                body = JsonMutation.mutate(List.of(body, NOT_FOUND), dice);
            }
            String head = "HTTP/1.1 " + status(line, dice) + " X\r\nContent-Type: application/json\r\nX-Etcd-Index: 8\r\nX-Etcd-Cluster-Id: 9\r\n";
            byte[] all = Mutation.join((head + "Content-Length: " + body.length + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII), body);
            switch (spoiled ? dice.nextInt(40) : 40) {
                case 0 -> out.write(all, 0, dice.nextInt(all.length)); // breaks off
                case 1 -> {
                    out.write(all, 0, dice.nextInt(all.length));
                    Thread.sleep(3_000);                // and is silent
                }
                case 2 -> {
                    for (int at = 0; at < all.length; at++) { // a byte at a time
                        out.write(all[at]);
                        Thread.sleep(1);
                    }
                }
                case 3 -> {
                    out.write((head + "\r\n").getBytes(StandardCharsets.US_ASCII));
                    while (true) {                      // gigabytes
                        out.write(body);
                    }
                }
                case 4 -> {
                    out.write((head + "Transfer-Encoding: chunked\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
                    byte[] endless = List.of("[", "{\"a\":", " ", "{\"kvs\":[{}", ",{\"x\":1}", "{\"result\":{}}",
                            "\"x").get(dice.nextInt(7)).repeat(500)
                            .getBytes(StandardCharsets.US_ASCII);
                    while (true) {
                        out.write((Integer.toHexString(endless.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
                        out.write(endless);
                        out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
                    }
                }
                case 5, 6, 7 -> out.write(Mutation.bytes(List.of(all), dice));
                default -> {
                    out.write(all);
                    return true;
                }
            }
            return false;
        }
    }
}
