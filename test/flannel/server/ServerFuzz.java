package flannel.server;

import flannel.fuzz.JsonMutation;
import flannel.fuzz.Mutation;
import flannel.fuzz.Target;
import flannel.log.Log;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.random.RandomGenerator;

/** Spoiled requests for a server of ours: read from a connection that breaks off anywhere, and answered from a store in memory. */
public final class ServerFuzz {

    private static final String CONFIG = "{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}";
    private static final String LEASE = "{\"PublicIP\":\"192.168.32.212\",\"BackendType\":\"vxlan\","
            + "\"BackendData\":{\"VtepMAC\":\"6a:c2:56:ce:ab:ac\"}}";
    private static final Limits LIMITS = Limits.DEFAULT;
    private static final int MOST_LEASES = 200;

    private ServerFuzz() {
    }

    public static List<Target> targets() {
        return List.of(new Target("HTTP requests", Target.texts(
                request("GET /v1/_/config", ""), request("POST /v1/_/leases", LEASE), request("PUT /v1/_/leases/10.1.5.0-24", LEASE),
                request("GET /v1/_/leases?next=", ""), request("GET /v1/_/leases/10.1.5.0-24", "")
                        + request("DELETE /v1/_/reservations/10.1.9.0-24", ""),
                request("POST /v1/_/reservations", "{\"Subnet\":\"10.1.9.0/24\",\"PublicIP\":\"192.168.32.88\"}"), request("GET /v1/", ""),
                "HEAD / HTTP/1.0\nConnection: keep-alive\nX:y\n\n"), ServerFuzz::mutate,
                Set.of(EOFException.class, RefusedException.class), new Server()::read));
    }

    private static String request(String line, String body) {
        return line + " HTTP/1.1\r\nHost: h:8888\r\nAccept: */*\r\nIf-Match: \"3\"\r\nContent-Type: application/json\r\n"
                + (body.isEmpty() ? "" : "Content-Length: " + body.length() + "\r\n") + "\r\n" + body;
    }

    /** The body by its structure, with a length that is right; all the rest as bytes. */
    private static byte[] mutate(List<byte[]> samples, RandomGenerator dice) {
        String text = new String(samples.get(dice.nextInt(samples.size())), StandardCharsets.US_ASCII);
        int body = text.indexOf('{');
        if (body < 0 || dice.nextBoolean()) {
            return Mutation.bytes(samples, dice);
        }
        byte[] spoiled = JsonMutation.mutate(Target.texts(text.substring(body)), dice);
        return Mutation.join(text.substring(0, body).replaceFirst("Length: \\d+", "Length: "
                + spoiled.length).getBytes(StandardCharsets.US_ASCII), spoiled);
    }

    /** What is behind the connections. */
    private static final class Server implements RequestReader.Progress {

        private final Log log = new Log(new PrintStream(OutputStream.nullOutputStream()), 0);
        private ServedMemory store;
        private ServedNetworks networks;
        private ServerApi api;
        private volatile Throwable died;

        void read(byte[] input, RandomGenerator dice) throws IOException, InterruptedException {
            if (store == null || store.leases().size() > MOST_LEASES) {
                if (networks != null) {
                    networks.close();
                }
                store = new ServedMemory(log);
                store.change(memory -> memory.config(CONFIG));
                networks = new ServedNetworks(new ServedMemories(Map.of("", store)), "fg", Duration.ofNanos(2), new Random(1), log, () -> { },
                        reason -> died = reason);
                networks.follow();
                api = new ServerApi(networks, log);
            }
            if (died != null) {
                throw new AssertionError(died);
            }
            RequestReader requests = new RequestReader(new ByteArrayInputStream(input), InetAddress.getLoopbackAddress(), LIMITS);
            for (Request request = requests.next(this); request != null; request = requests.next(this)) {
                if (request.method().equals("GET") || dice.nextInt(4) == 0) {
                    Answer answer = api.answer(request);
                    if (answer.status() >= 500 && answer.status() != 503) {
                        throw new AssertionError(answer.status() + " for " + request);
                    }
                }
            }
        }

        @Override
        public void begun() {
        }

        @Override
        public void sendContinue() {
        }
    }
}
