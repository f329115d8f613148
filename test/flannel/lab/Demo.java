package flannel.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * {@code ./build.sh demo}: the two-host tutorial in one go, and a report of what happened. Everything is in namespaces of its own and
 * gone afterwards.
 */
public final class Demo {

    private static final int TCP_MILLIS = 700;
    private static final int BLOCK = 1 << 17;
    private static final int PINGS = 10;
    /** Width of the drawing's left half. */
    private static final int COLUMN = 66;

    private final String backend;
    private final Lab lab;
    private List<String> options;
    private Host one;
    private Host two;

    private Demo(String backend, Lab lab) {
        this.backend = backend;
        this.lab = lab;
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> given = Arguments.parse("demo [--backend vxlan|host-gw|udp] [--etcd-api v2|v3] [--keep]",
                Map.of("--backend", "vxlan|host-gw|udp", "--etcd-api", "v2|v3", "--keep", ""), arguments);
        String api = given.get("--etcd-api");
        try (Lab lab = api == null ? Lab.withoutEtcd(Lab.built()) : new Lab(Store.Api.valueOf(api.toUpperCase(Locale.ROOT)), Lab.built())) {
            Demo demo = new Demo(given.getOrDefault("--backend", "vxlan"), lab);
            demo.show(api != null);
            if (given.containsKey("--keep")) {
                demo.keep();
            }
        } catch (IOException | AssertionError e) {
            System.err.println("The demo failed: " + e.getMessage());
            System.exit(1);
        }
    }

    private void show(boolean etcd) throws Exception {
        String config = "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"" + backend + "\"}}";
        System.out.printf("%nTwo hosts and %s, backend %s%n%n", etcd ? "an etcd" : "a server with a store of its own", backend);
        if (etcd) {
            System.out.printf("  etcd    192.168.32.213   (%s store)  %s/config = %s%n", lab.store().api(), Lab.PREFIX, config);
            lab.store().put("config", config);
            options = lab.options();
        } else {
            Host server = lab.server();
            List<String> serving = List.of("-listen=:8888", "-store=/var/lib/flannel/store", "-net-config=" + config);
            System.out.printf("  server  %s   flanneld %s%n", server.address(), String.join(" ", serving).replace(config, "'" + config + "'"));
            server.start(serving);
            options = List.of("-remote=" + server.address() + ":8888");
        }
        one = lab.host(1);
        two = lab.host(2);
        one.start(options);
        two.start(options);
        for (Host host : new Host[] {one, two}) {
            Duration ready = host.daemon().awaitReady();
            System.out.printf("  host %d  %s   has subnet %-15s MTU %s   flanneld ready after %.2f s%n", host == one ? 1 : 2,
                    host.address(), host.subnet(), host.subnetEnv().get("FLANNEL_MTU"), ready.toMillis() / 1000.0);
        }
        NetworkNamespace here = one.plugContainer();
        NetworkNamespace there = two.plugContainer();
        System.out.printf("%n%s%n", path());

        try (EchoRun ping = EchoRun.start(here, two.containerAddress(), 56, 50).awaitReplies(PINGS)) {
            System.out.printf("  ping   %d came back, %d lost, ttl %d, round trip %.3f ms%n", ping.answers(), ping.lost(), ping.ttl(), ping.roundTripMillis());
        }
        int payload = Integer.parseInt(one.subnetEnv().get("FLANNEL_MTU")) - 28;
        try (EchoRun large = EchoRun.start(here, two.containerAddress(), payload, 50).awaitReplies(3)) {
            System.out.printf("         also with full-size packets (ping -M do -s %d): %d lost%n", payload, large.lost());
        }
        System.out.printf("  TCP    container 1 to 2: %5.2f Gbit/s      2 to 1: %5.2f Gbit/s%n",
                gigabits(here, there, two.containerAddress()), gigabits(there, here, one.containerAddress()));
        if (!backend.equals("udp")) {
            stopUnderPing(here);
        }
    }

    /** The data path is the kernel's: it needs no daemon. */
    private void stopUnderPing(NetworkNamespace here) throws Exception {
        try (EchoRun running = EchoRun.start(here, two.containerAddress(), 56, 50).awaitReplies(1)) {
            one.daemon().terminate();
            two.daemon().terminate();
            running.awaitReplies(10);
            System.out.printf("  stop   both daemons stopped, the pings go on: %d lost%n", running.lost());
        }
    }

    private static double gigabits(NetworkNamespace client, NetworkNamespace server, String address) throws Exception {
        ServerSocket listening = server.call(() -> new ServerSocket(0, 1));
        CompletableFuture<Double> measured = new CompletableFuture<>();
        server.start("receiver", () -> {
            try (listening; Socket socket = listening.accept()) {
                long start = System.nanoTime();
                byte[] block = new byte[BLOCK];
                long bytes = 0;
                for (int length = socket.getInputStream().read(block); length >= 0; length = socket.getInputStream().read(block)) {
                    bytes += length;
                }
                measured.complete(bytes * 8.0 / (System.nanoTime() - start));
            } catch (IOException e) {
                measured.completeExceptionally(e);
            }
        });
        client.call(() -> {
            try (Socket socket = new Socket(InetAddress.getByName(address), listening.getLocalPort())) {
                long end = System.nanoTime() + TCP_MILLIS * 1_000_000L;
                byte[] block = new byte[BLOCK];
                while (System.nanoTime() < end) {
                    socket.getOutputStream().write(block);
                }
            }
        });
        return measured.get(Daemon.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    /** The way of a packet, drawn with what is really in the kernels: host 1 on the left, host 2 on the right. */
    private String path() throws IOException {
        String destination = two.subnet();
        String route = KernelView.routes(one).stream().filter(line -> line.startsWith(destination)).findFirst()
                .orElseGet(() -> one.run("ip", "route", "get", addressOf(two)).lines().findFirst().orElse("").strip())
                .replaceAll(" (src|proto) .*(?= onlink)| (src|proto) .*$", "");
        StringBuilder drawing = new StringBuilder();
        row(drawing, "container 1", "container 2");
        row(drawing, addressOf(one), addressOf(two));
        row(drawing, "    | default route", "    ^");
        row(drawing, "    v", "    |");
        row(drawing, "docker0 " + one.subnetEnv().get("FLANNEL_SUBNET"), "docker0 " + two.subnetEnv().get("FLANNEL_SUBNET"));
        row(drawing, "    | route      " + route, "    ^");
        switch (backend) {
            case "vxlan" -> {
                row(drawing, "    v", "    |");
                row(drawing, "flannel.1 " + KernelView.vtepMac(one), "flannel.1 " + KernelView.vtepMac(two));
                row(drawing, "    | neighbour  " + destination.replace("/24", "") + " is " + KernelView.vtepMac(two), "    ^");
                row(drawing, "    | FDB        " + KernelView.vtepMac(two) + " is at " + two.address(), "    |");
            }
            case "udp" -> {
                row(drawing, "    v", "    |");
                row(drawing, "flannel0 (TUN), read by flanneld", "flannel0 (TUN), written by flanneld");
                row(drawing, "    | flanneld   " + destination + " is at " + two.address(), "    ^");
            }
            default -> { }
        }
        row(drawing, "    v", "    |");
        String wire = switch (backend) {
            case "vxlan" -> " VXLAN in UDP, port 8472 ";
            case "udp" -> " packet in UDP, port 8285 ";
            default -> " the packet as it is ";
        };
        String left = "eth0 " + one.address() + "  ====";
        row(drawing, left + wire + "=".repeat(COLUMN - 3 - left.length() - wire.length()) + ">", "eth0 " + two.address());
        return drawing.toString();
    }

    private static void row(StringBuilder drawing, String left, String right) {
        drawing.append(String.format("  %-" + COLUMN + "s%s%n", left, right));
    }

    private static String addressOf(Host host) {
        try {
            return host.containerAddress();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void keep() throws IOException {
        System.out.printf("%nIt stays up. Look around in another terminal, as root:%n");
        for (Host host : new Host[] {one, two}) {
            if (!host.daemon().isAlive()) {
                host.start(options).awaitReady();
            }
            System.out.printf("  ip netns exec %-24s bash      host %s, flanneld is process %d%n", host.namespace().name(), host.address(),
                    host.daemon().pid());
        }
        System.out.println("Press a key to take it down.");
        System.in.read();
    }
}
