package flannel.lab;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * {@code ./build.sh bench start}: how soon the packaged daemon is ready, and what it holds of the machine's memory when it has nothing to do;
 * with the classes linked ahead of time, without, and run by the whole JDK. The kinds take turns.
 */
public final class StartBench {

    private static final int PEERS = 100;
    private static final int IDLE_SECONDS = 5;

    private static final Path PACKAGED = Path.of("build/runtime/bin/flanneld").toAbsolutePath();

    /** A way to run the daemon: a program, and options that go before the daemon's own. */
    private record Kind(String name, Path program, List<String> options) {
    }

    private StartBench() {
    }

    public static void main(String[] arguments) throws Exception {
        int starts = Integer.parseInt(Arguments.parse("bench start [--starts N]", Map.of("--starts", "[1-9][0-9]{0,3}"), arguments)
                .getOrDefault("--starts", "15"));
        List<Kind> kinds = List.of(
                new Kind("package", PACKAGED, List.of()),
                new Kind("package, cache off", PACKAGED, List.of("-J-Xshare:off")),
                new Kind("JDK and jar", Path.of(System.getProperty("java.home"), "bin/java"),
                        List.of("@" + Path.of("etc/jvm.options").toAbsolutePath(), "-p", Path.of("build/flanneld.jar").toAbsolutePath().toString(), "-m", "flannel")));
        for (Store.Api api : Store.Api.values()) {
            run(api, kinds, starts);
        }
    }

    private static void run(Store.Api api, List<Kind> kinds, int starts) throws Exception {
        try (Lab lab = new Lab(api, PACKAGED)) {
            lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"vxlan\"}}");
            List<List<Double>> readyMillis = kinds.stream().map(kind -> (List<Double>) new ArrayList<Double>()).toList();
            List<List<Double>> cpuMillis = kinds.stream().map(kind -> (List<Double>) new ArrayList<Double>()).toList();
            for (int round = -1; round < starts; round++) {             // the first, with cold disks, does not count
                for (int i = 0; i < kinds.size(); i++) {
                    Daemon daemon = start(lab, i, kinds.get(i));
                    double ready = daemon.awaitReady().toNanos() / 1e6;
                    if (round >= 0) {
                        readyMillis.get(i).add(ready);
                        cpuMillis.get(i).add(daemon.cpuSeconds() * 1000);
                    }
                    daemon.close();
                }
            }
            for (int peer = 0; peer < PEERS; peer++) {
                lab.store().put("subnets/10.1." + (100 + peer) + ".0-24", "{\"PublicIP\":\"192.168.40." + (1 + peer)
                        + "\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"" + String.format("02:77:00:00:00:%02x", peer) + "\"}}", 86_400);
            }
            System.out.printf("etcd %s, vxlan; %d starts%n", api, starts);
            System.out.println("| daemon | exec to READY ms: median | min | max | CPU ms until then, median | RSS MiB, idle with " + PEERS + " peers | of that its own |");
            System.out.println("|---|---|---|---|---|---|---|");
            for (int i = 0; i < kinds.size(); i++) {
                Daemon daemon = start(lab, i, kinds.get(i));
                daemon.awaitLog("Following the leases of 1\\d\\d other");
                TimeUnit.SECONDS.sleep(IDLE_SECONDS);
                System.out.printf("| %s | %.0f | %.0f | %.0f | %.0f | %.1f | %.1f |%n", kinds.get(i).name(), median(readyMillis.get(i)),
                        Collections.min(readyMillis.get(i)), Collections.max(readyMillis.get(i)), median(cpuMillis.get(i)),
                        daemon.residentKib() / 1024.0, anonymousKib(daemon) / 1024.0);
                daemon.close();
            }
        }
    }

    /** A first start: neither the host nor the store knows of an earlier one. */
    private static Daemon start(Lab lab, int number, Kind kind) throws Exception {
        Host host = lab.host(number + 1, kind.program());
        host.reset();
        lab.store().leasesWith("\"" + host.address() + "\"").forEach(key -> lab.store().delete("subnets/" + key));
        List<String> options = new ArrayList<>(kind.options());
        options.addAll(lab.options());
        return host.start(options);
    }

    /** The part that is in no file: heap, stacks, tables, compiled code. */
    private static long anonymousKib(Daemon daemon) throws Exception {
        return Files.readAllLines(Path.of("/proc", Long.toString(daemon.pid()), "status")).stream().filter(line -> line.startsWith("RssAnon:"))
                .collect(Collectors.summingLong(line -> Long.parseLong(line.replaceAll("\\D", ""))));
    }

    private static double median(List<Double> values) {
        List<Double> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        return sorted.get(sorted.size() / 2);
    }
}
