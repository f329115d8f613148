package flannel.lab;

import flannel.json.JsonValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;

/**
 * {@code ./build.sh demo}: the two-host tutorial in one go, and a report of what happened. Everything is in namespaces of its own and
 * gone afterwards.
 */
public final class Demo {

    private static final int TCP_SECONDS = 3;
    /** Width of the drawing's left half. */
    private static final int COLUMN = 66;

    private final String backend;
    private final Lab lab;
    private Host one;
    private Host two;

    private Demo(String backend, Lab lab) {
        this.backend = backend;
        this.lab = lab;
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> given = Arguments.parse("demo [--backend vxlan|host-gw|udp] [--etcd-api v2|v3] [--keep]",
                Map.of("--backend", "vxlan|host-gw|udp", "--etcd-api", "v2|v3", "--keep", ""), arguments);
        Store.Api api = Store.Api.valueOf(given.getOrDefault("--etcd-api", "v3").toUpperCase(Locale.ROOT));
        try (Lab lab = new Lab(api, Lab.built())) {
            Demo demo = new Demo(given.getOrDefault("--backend", "vxlan"), lab);
            demo.show(api);
            if (given.containsKey("--keep")) {
                demo.keep();
            }
        } catch (IOException | AssertionError e) {
            System.err.println("The demo failed: " + e.getMessage());
            System.exit(1);
        }
    }

    private void show(Store.Api api) throws Exception {
        String config = "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"" + backend + "\"}}";
        System.out.printf("%nTwo hosts and an etcd, backend %s%n%n", backend);
        System.out.printf("  etcd    192.168.32.213   (%s store)  %s/config = %s%n", api, Lab.PREFIX, config);
        lab.store().put("config", config);
        one = lab.host(1);
        two = lab.host(2);
        one.start(lab.options());
        two.start(lab.options());
        for (Host host : new Host[] {one, two}) {
            Duration ready = host.daemon().awaitReady();
            System.out.printf("  host %d  %s   has subnet %-15s MTU %s   flanneld ready after %.2f s%n", host == one ? 1 : 2,
                    host.address(), host.subnet(), host.subnetEnv().get("FLANNEL_MTU"), ready.toMillis() / 1000.0);
        }
        NetworkNamespace here = one.plugContainer();
        NetworkNamespace there = two.plugContainer();
        System.out.printf("%n%s%n", path());

        Await.that("the containers reach each other",
                () -> here.tryRun("ping", "-c", "1", "-W", "1", two.containerAddress()).exitCode() == 0);
        String ping = here.run("ping", "-n", "-c", "10", "-i", "0.1", two.containerAddress());
        System.out.printf("  ping   %s, ttl %s, round trip %s ms%n", ping.replaceAll("(?s).*?(\\d+) packets.*? (\\d+) received.*", "$2 of $1 came back"),
                ping.replaceAll("(?s).*?ttl=(\\d+).*", "$1"), ping.replaceAll("(?s).*= [\\d.]+/([\\d.]+)/.*", "$1"));
        int payload = Integer.parseInt(one.subnetEnv().get("FLANNEL_MTU")) - 28;
        here.run("ping", "-n", "-c", "3", "-i", "0.1", "-M", "do", "-s", Integer.toString(payload), two.containerAddress());
        System.out.printf("         also with full-size packets (ping -M do -s %d)%n", payload);
        System.out.printf("  TCP    container 1 to 2: %5.2f Gbit/s      2 to 1: %5.2f Gbit/s%n",
                gigabits(here, there, two.containerAddress()), gigabits(there, here, one.containerAddress()));
        if (!backend.equals("udp")) {
            stopUnderPing(here);
        }
    }

    /** The data path is the kernel's: it needs no daemon. */
    private void stopUnderPing(NetworkNamespace here) throws Exception {
        try (Ping running = Ping.start(here, two.containerAddress())) {
            one.daemon().terminate();
            two.daemon().terminate();
            running.awaitReplies(10);
            System.out.printf("  stop   both daemons stopped, the pings go on: %d lost%n", running.lost());
        }
    }

    private static double gigabits(NetworkNamespace client, NetworkNamespace server, String address) throws Exception {
        Process serving = server.command("iperf3", "--server", "--one-off", "--forceflush").redirectErrorStream(true).start();
        try (var lines = serving.inputReader()) {
            lines.readLine();                                           // "-----": it listens
            String line = lines.readLine();
            if (line == null || !line.contains("listening")) {
                throw new IOException("iperf3 does not listen: " + line);
            }
            String report = client.run("iperf3", "--client", address, "--time", Integer.toString(TCP_SECONDS), "--json");
            JsonValue received = JsonValue.parse(report).get("end").get("sum_received");
            return Double.parseDouble(received.get("bits_per_second").toString()) / 1e9;
        } finally {
            serving.destroyForcibly();
        }
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
                host.start(lab.options()).awaitReady();
            }
            System.out.printf("  ip netns exec %-24s bash      host %s, flanneld is process %d%n", host.namespace().name(), host.address(),
                    host.daemon().pid());
        }
        System.out.println("Press a key to take it down.");
        System.in.read();
    }
}
