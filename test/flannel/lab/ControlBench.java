package flannel.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * {@code ./build.sh bench control}: how soon a daemon is ready, how soon the entries of N peers are in the kernel, how soon one changed
 * lease is, and what it costs. One row for each of backend, N and daemon; PEER adds a daemon to compare with, which runs in turn with ours.
 */
public final class ControlBench {

    private static final int[] PEERS = {1, 1_000, 5_000, 10_000};
    private static final int CHANGES = 100;
    private static final int PARALLEL_WRITES = 8;

    private final Store.Api api;
    private final String backend;
    private final int peers;

    private ControlBench(Store.Api api, String backend, int peers) {
        this.api = api;
        this.backend = backend;
        this.peers = peers;
    }

    /** What one start of a daemon cost. */
    private record Start(double readyMillis, double allEntriesMillis, double cpuSeconds, long residentKib) {
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> given = Arguments.parse("bench control [--etcd-api v2|v3] [--starts N]",
                Map.of("--etcd-api", "v2|v3", "--starts", "[1-9][0-9]{0,3}"), arguments);
        Store.Api api = Store.Api.valueOf(given.getOrDefault("--etcd-api", "v2").toUpperCase(Locale.ROOT));
        int starts = Integer.parseInt(given.getOrDefault("--starts", "5"));
        List<Path> programs = new ArrayList<>(List.of(Lab.built()));
        String peer = System.getProperty("flannel.peer", "");
        if (!peer.isEmpty()) {
            programs.add(Path.of(peer).toAbsolutePath());
        }
        System.out.printf("etcd %s; medians of %d starts with a lease of its own in etcd; %d changed leases%n", api, starts, CHANGES);
        System.out.println("| backend | peers | daemon | exec to READY ms | exec to all entries ms | CPU s until then | one lease, PUT to kernel ms "
                + "median / max | CPU s of these | RSS MiB |");
        System.out.println("|---|---|---|---|---|---|---|---|---|");
        for (String backend : List.of("vxlan", "host-gw")) {
            for (int peers : PEERS) {
                new ControlBench(api, backend, peers).run(programs, starts);
            }
        }
    }

    private void run(List<Path> programs, int starts) throws Exception {
        try (Lab lab = new Lab(api, programs.getFirst())) {
            lab.store().put("config", "{\"Network\": \"10.0.0.0/8\", \"SubnetLen\": 24, \"SubnetMin\": \"10.200.0.0\", \"Backend\":{\"Type\":\"" + backend + "\"}}");
            fill(lab);
            List<Host> hosts = new ArrayList<>();
            List<List<Start>> measured = new ArrayList<>();
            for (Path program : programs) {
                Host host = lab.host(hosts.size() + 1, program);
                host.run("ip", "address", "add", host.address() + "/16", "dev", "eth0");     // so that 10,000 peers are on-link
                host.run("ip", "address", "del", host.address() + "/24", "dev", "eth0");
                host.run("ip", "route", "replace", "default", "via", lab.gateway());
                hosts.add(host);
                measured.add(new ArrayList<>());
                start(lab, host);                                                           // takes its lease, and is not counted
            }
            for (int round = 0; round < starts; round++) {
                for (int i = 0; i < hosts.size(); i++) {
                    measured.get(i).add(start(lab, hosts.get(i)));
                }
            }
            for (int i = 0; i < hosts.size(); i++) {
                report(lab, hosts.get(i), programs.get(i), measured.get(i));
                hosts.get(i).daemon().kill();
            }
        }
    }

    /** Leases of peers that do not exist: what a daemon installs does not depend on that. */
    private void fill(Lab lab) throws Exception {
        try (ExecutorService writers = Executors.newFixedThreadPool(PARALLEL_WRITES)) {
            for (int i = 0; i < peers; i++) {
                int number = i;
                writers.submit(() -> lab.store().put("subnets/" + subnet(number) + "-24", lease(number), 86_400));
            }
        }
        if (lab.store().leases().size() != peers) {
            throw new IOException("only " + lab.store().leases().size() + " of " + peers + " leases were written");
        }
    }

    private static String subnet(int number) {
        return "10." + (100 + number / 256) + "." + number % 256 + ".0";
    }

    private String lease(int number) {
        String publicIp = "192.168." + (64 + number / 250) + "." + (1 + number % 250);
        String data = backend.equals("vxlan") ? ",\"BackendData\":{\"VtepMAC\":\"" + mac(number) + "\"}" : "";
        return "{\"PublicIP\":\"" + publicIp + "\",\"BackendType\":\"" + backend + "\"" + data + "}";
    }

    private static String mac(int number) {
        return String.format("02:77:00:00:%02x:%02x", number >> 8, number & 255);
    }

    private Start start(Lab lab, Host host) throws Exception {
        host.resetKernel();
        Daemon daemon = host.start(lab.options());
        Duration all = awaitEntries(host);
        double cpu = daemon.cpuSeconds();
        Duration ready = daemon.awaitReady();
        Start start = new Start(millis(ready), millis(all), cpu, daemon.residentKib());
        daemon.kill();
        return start;
    }

    private static double millis(Duration duration) {
        return duration.toNanos() / 1e6;
    }

    /** Waits until every peer's entries are in the kernel, and says how long after the daemon's start that was. */
    private Duration awaitEntries(Host host) throws Exception {
        Daemon daemon = host.daemon();
        Path net = Path.of("/proc", Long.toString(daemon.pid()), "net");
        Await.that(peers + " peers' entries", () -> backend.equals("host-gw") ? routes(net) >= peers
                : (wholeNetwork(net) || routes(net) >= peers && neighbours(net) >= peers) && fdb(host) >= peers);
        return daemon.sinceStart();
    }

    /** Routes to peers' subnets, /proc/net/route: destination in the second column, 10.100.0.0 and above in network byte order. */
    private static long routes(Path net) throws IOException {
        return Files.readAllLines(net.resolve("route")).stream().skip(1)
                .map(line -> line.split("\t")).filter(fields -> fields[1].endsWith("0A") && fields[7].equals("00FFFFFF")).count();
    }

    /** One route for everything, as flannel 0.7.1 has it. */
    private static boolean wholeNetwork(Path net) throws IOException {
        return Files.readAllLines(net.resolve("route")).stream().anyMatch(line -> line.startsWith("flannel.1\t0000000A\t") && line.contains("\t000000FF\t"));
    }

    private static long neighbours(Path net) throws IOException {
        return Files.readAllLines(net.resolve("arp")).stream().filter(line -> line.endsWith("flannel.1")).count();
    }

    private static long fdb(Host host) {
        NetworkNamespace.Result shown = host.namespace().tryRun("bridge", "fdb", "show", "dev", "flannel.1");
        return shown.exitCode() != 0 ? 0 : shown.output().lines().filter(line -> line.startsWith("02:77:")).count();
    }

    /** Writes leases of new peers one by one, from READY on, sees when the kernel tells of each, and prints the row. */
    private void report(Lab lab, Host host, Path program, List<Start> starts) throws Exception {
        boolean byFdb = host.namespace().tryRun("ip", "route", "show", "dev", "flannel.1").output().contains("10.0.0.0/8");
        double[] tookMillis = new double[CHANGES];
        double cpuBefore;
        Process monitor = (byFdb ? host.namespace().command("bridge", "monitor", "fdb") : host.namespace().command("ip", "-o", "monitor", "route"))
                .redirectErrorStream(true).start();
        BlockingQueue<String> events = new LinkedBlockingQueue<>();     // emptied at once, or the monitor would lose some
        Thread.ofVirtual().start(() -> {
            try {
                monitor.inputReader().lines().forEach(events::add);
            } catch (UncheckedIOException e) {
                // it was ended
            }
        });
        try {
            TimeUnit.MILLISECONDS.sleep(300);                           // until it listens: it does not say
            host.start(lab.options()).awaitReady();
            cpuBefore = host.daemon().cpuSeconds();
            for (int i = 0; i < CHANGES; i++) {
                int number = 20_000 + i;
                String sign = byFdb ? mac(number) : subnet(number);
                long put = System.nanoTime();
                lab.store().put("subnets/" + subnet(number) + "-24", lease(i).replace(mac(i), mac(number)), 86_400);
                for (String line = events.take(); !line.contains(sign); line = events.take()) {
                    continue;
                }
                tookMillis[i] = (System.nanoTime() - put) / 1e6;
            }
        } finally {
            monitor.destroyForcibly();
        }
        double cpu = host.daemon().cpuSeconds() - cpuBefore;
        IntStream.range(0, CHANGES).forEach(i -> lab.store().delete("subnets/" + subnet(20_000 + i) + "-24"));
        Arrays.sort(tookMillis);
        System.out.printf("| %s | %d | %s | %.0f | %.0f | %.2f | %.1f / %.1f | %.2f | %.0f |%n", backend, peers, program.equals(Lab.built()) ? "ours" : "peer",
                median(starts.stream().map(Start::readyMillis).toList()), median(starts.stream().map(Start::allEntriesMillis).toList()),
                median(starts.stream().map(Start::cpuSeconds).toList()), tookMillis[CHANGES / 2], tookMillis[CHANGES - 1], cpu,
                median(starts.stream().map(start -> start.residentKib / 1024.0).toList()));
    }

    private static double median(List<Double> values) {
        List<Double> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        return sorted.get(sorted.size() / 2);
    }
}
