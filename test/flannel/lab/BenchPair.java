package flannel.lab;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Two hosts whose daemons run with one configuration, a container on each, and an iperf3 server in the second one's. */
final class BenchPair implements AutoCloseable {

    private static final String UDP = "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"udp\", \"Offload\": \"%s\"}}";
    private static final String KERNEL = "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"%s\"}}";

    /** The names of {@link #row}. */
    static final String ROWS = "offload,tso,batch,single,peer,vxlan,plain";

    /** What is measured: a name, the network's configuration and the program. */
    record Row(String name, String config, Path program) {
    }

    private final Row row;
    private final Host one;
    private final Host two;
    private final NetworkNamespace here;
    private final NetworkNamespace there;
    private final String address;
    private final Process iperf;

    /**
     * @param number 0, 1, 2 ...: the pair's own
     * @param more   further options of each daemon
     */
    BenchPair(Lab lab, Row row, int number, List<String> more, List<String> moreOfTwo) throws Exception {
        this.row = row;
        lab.store().put("config", row.config);
        one = lab.host(2 * number + 1, row.program);
        two = lab.host(2 * number + 2, row.program);
        one.start(lab.options(more.toArray(String[]::new)));
        two.start(lab.options(moreOfTwo.toArray(String[]::new)));
        for (Host host : List.of(one, two)) {
            Await.that("a lease", () -> Files.exists(host.file("/run/flannel/subnet.env")));
        }
        here = one.plugContainer();
        there = two.plugContainer();
        address = two.containerAddress();
        Ping.start(here, address).close();
        iperf = there.command("iperf3", "--server", "--forceflush").redirectErrorStream(true).start();
        BufferedReader lines = iperf.inputReader();
        for (String line = lines.readLine(); !line.contains("listening"); line = lines.readLine()) {
            continue;
        }
        swallow(lines);
    }

    /**
     * A row by its name.
     *
     * @param peer the other flanneld's path, may be empty
     * @return empty for the peer's row where there is none
     */
    static Optional<Row> row(String name, String peer) {
        return switch (name) {
            case "offload", "tso", "batch", "single" -> Optional.of(new Row("udp, " + name, String.format(UDP, name), Lab.built()));
            case "vxlan" -> Optional.of(new Row("vxlan", String.format(KERNEL, "vxlan"), Lab.built()));
            case "plain" -> Optional.of(new Row("plain routes", String.format(KERNEL, "host-gw"), Lab.built()));
            case "peer" -> peer.isEmpty() ? Optional.empty()
                    : Optional.of(new Row("peer's udp", "{\"Network\": \"10.1.0.0/16\"}", Path.of(peer).toAbsolutePath()));
            default -> throw new AssertionError(name);
        };
    }

    static void swallow(BufferedReader lines) {
        Thread.ofPlatform().daemon().start(() -> {
            try {
                while (lines.readLine() != null) {
                    continue;
                }
            } catch (IOException e) {
                // its process was ended
            }
        });
    }

    Row row() {
        return row;
    }

    Host one() {
        return one;
    }

    Host two() {
        return two;
    }

    /** The container that sends. */
    NetworkNamespace here() {
        return here;
    }

    NetworkNamespace there() {
        return there;
    }

    /** Of the container that receives. */
    String address() {
        return address;
    }

    /** iperf3's report; empty, with a line on standard error, when it did not get through (it may lose its own connection). */
    Optional<JsonValue> iperf(int seconds, String... more) throws JsonException {
        List<String> words = new ArrayList<>(List.of("iperf3", "--json", "--client", address, "--time", Integer.toString(seconds)));
        words.addAll(List.of(more));
        JsonValue report = JsonValue.parse(here.tryRun(words.toArray(String[]::new)).output());
        if (report.get("error") != null) {
            System.err.println(row.name + ": " + String.join(" ", words) + ": " + report.text("error"));
            return Optional.empty();
        }
        return Optional.of(report);
    }

    /** What has arrived by such a report, both ways, in Gbit/s. */
    static double gigabits(JsonValue report) {
        JsonValue end = report.get("end");
        JsonValue reverse = end.get("sum_received_bidir_reverse");
        return (number(end.get("sum_received"), "bits_per_second") + (reverse == null ? 0 : number(reverse, "bits_per_second"))) / 1e9;
    }

    static double number(JsonValue object, String member) {
        return Double.parseDouble(object.get(member).toString());
    }

    /** Processor time of both daemons' threads so far, with what the kernel did on their behalf (proc(5), schedstat). */
    double daemonSeconds() throws IOException {
        return runSeconds(one.daemon()) + runSeconds(two.daemon());
    }

    private static double runSeconds(Daemon daemon) throws IOException {
        long nanos = 0;
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc", Long.toString(daemon.pid()), "task"))) {
            for (Path thread : threads) {
                nanos += Long.parseLong(Files.readString(thread.resolve("schedstat")).split(" ")[0]);
            }
        }
        return nanos / 1e9;
    }

    /** Ends the iperf3; hosts and daemons are the lab's. */
    @Override
    public void close() {
        iperf.destroyForcibly();
    }
}
