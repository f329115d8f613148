package flannel.lab;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code ./build.sh bench udp}: the udp backend at each of its levels beside vxlan and plain routes (host-gw), between containers of two
 * hosts. Each row has a pair of hosts of its own whose daemons run all the time; the rows take turns at each figure, and medians of the
 * rounds are told. PEER adds the udp backend of another flanneld.
 *
 * <p>Everything shares this machine's processors, both ends and both daemons: figures hold beside each other only.
 */
public final class UdpBench {

    private static final String ROWS = "offload,tso,batch,single,peer,vxlan,plain";
    private static final String UDP = "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"udp\", \"Offload\": \"%s\"}}";
    private static final int WARM_UP_SECONDS = 2;
    private static final int FIRST_SECONDS = 10;
    private static final int SMALL_BYTES = 64;
    private static final int PACED_PACKETS = 50_000;
    private static final Pattern PERCENTILE = Pattern.compile("percentile (50|99)\\.000 = +([\\d.]+)");

    /** A column: a figure of each round, or of the whole run. */
    private enum Figure {
        ONE("TCP 1 stream Gbit/s", "%.2f"), CPU("CPU s/GB daemons", "%.2f"), MACHINE("CPU s/GB machine", "%.2f"),
        FOUR("TCP 4 streams", "%.2f"), BOTH("TCP both ways", "%.2f"),
        SMALL("64 B UDP k/s received", "%.0f"), SMALL_LOSS("loss %", "%.1f"), PACED_LOSS("loss % at 50 k/s", "%.2f"),
        IDLE_50("idle RTT us p50", "%.0f"), IDLE_99("p99", "%.0f"), LOADED_50("loaded RTT us p50", "%.0f"), LOADED_99("p99", "%.0f"),
        RESIDENT("RSS MiB", "%.0f");

        private final String title;
        private final String format;

        Figure(String title, String format) {
            this.title = title;
            this.format = format;
        }
    }

    /** What is measured: a name, the network's configuration and the program. */
    private record Row(String name, String config, Path program) {
    }

    /** A row's two hosts. */
    private static final class Pair {
        private final Row row;
        private final Host one;
        private final Host two;
        private final NetworkNamespace here;
        private final NetworkNamespace there;
        private final String address;
        private final Map<Figure, List<Double>> figures = new EnumMap<>(Figure.class);
        private final Process iperf;
        private final Process sockperf;

        Pair(Lab lab, Row row, int number) throws Exception {
            this.row = row;
            lab.store().put("config", row.config);
            one = lab.host(2 * number + 1, row.program);
            two = lab.host(2 * number + 2, row.program);
            one.start(lab.options());
            two.start(lab.options());
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
            Thread.ofPlatform().daemon().start(() -> swallow(lines));
            sockperf = there.command("sockperf", "server", "-i", address).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        }

        private static void swallow(BufferedReader lines) {
            try {
                while (lines.readLine() != null) {
                    continue;
                }
            } catch (IOException e) {
                // ended by stop()
            }
        }

        void stop() {
            iperf.destroyForcibly();
            sockperf.destroyForcibly();
        }

        private void note(Figure figure, double value) {
            figures.computeIfAbsent(figure, any -> new ArrayList<>()).add(value);
        }

        /** iperf3's report; empty, with a line on standard error, when it did not get through (it may lose its own connection). */
        private Optional<JsonValue> iperf(int seconds, String... more) throws JsonException {
            List<String> words = new ArrayList<>(List.of("iperf3", "--json", "--client", address, "--time", Integer.toString(seconds)));
            words.addAll(List.of(more));
            JsonValue report = JsonValue.parse(here.tryRun(words.toArray(String[]::new)).output());
            if (report.get("error") != null) {
                System.err.println(row.name + ": " + String.join(" ", words) + ": " + report.text("error"));
                return Optional.empty();
            }
            return Optional.of(report);
        }

        private OptionalDouble gigabits(int seconds, String... more) throws JsonException {
            Optional<JsonValue> report = iperf(seconds, more);
            if (report.isEmpty()) {
                return OptionalDouble.empty();
            }
            JsonValue end = report.get().get("end");
            JsonValue reverse = end.get("sum_received_bidir_reverse");
            return OptionalDouble.of((number(end.get("sum_received"), "bits_per_second")
                    + (reverse == null ? 0 : number(reverse, "bits_per_second"))) / 1e9);
        }

        void oneStream(int seconds) throws Exception {
            double daemons = daemonSeconds();
            double machine = machineSeconds();
            OptionalDouble gigabits = gigabits(seconds);
            if (gigabits.isPresent()) {
                double gigabytes = gigabits.getAsDouble() * seconds / 8;
                note(Figure.ONE, gigabits.getAsDouble());
                note(Figure.CPU, (daemonSeconds() - daemons) / gigabytes);
                note(Figure.MACHINE, (machineSeconds() - machine) / gigabytes);
            }
            note(Figure.RESIDENT, one.daemon().residentKib() / 1024.0);
        }

        void fourStreams(int seconds) throws Exception {
            gigabits(seconds, "--parallel", "4").ifPresent(value -> note(Figure.FOUR, value));
        }

        void bothWays(int seconds) throws Exception {
            gigabits(seconds, "--bidir").ifPresent(value -> note(Figure.BOTH, value));
        }

        void small(int seconds) throws Exception {
            Flood.Outcome flood = Flood.run(here, there, address, SMALL_BYTES, Flood.UNLIMITED, seconds);
            note(Figure.SMALL, flood.receivedPerSecond() / 1000);
            note(Figure.SMALL_LOSS, flood.lossPercent());
        }

        void smallPaced(int seconds) throws Exception {
            note(Figure.PACED_LOSS, Flood.run(here, there, address, SMALL_BYTES, PACED_PACKETS, seconds).lossPercent());
        }

        void idleLatency(int seconds) throws Exception {
            latency(Figure.IDLE_50, Figure.IDLE_99, seconds);
        }

        void loadedLatency(int seconds) throws Exception {
            Process load = here.command("iperf3", "--client", address, "--time", Integer.toString(seconds + 2), "--forceflush")
                    .redirectErrorStream(true).start();
            BufferedReader lines = load.inputReader();
            String line = lines.readLine();
            while (line != null && !line.contains("bits/sec")) {
                line = lines.readLine();
            }
            if (line == null) {
                System.err.println(row.name + ": the load for the loaded round trips did not get through");
                return;
            }
            Thread.ofPlatform().daemon().start(() -> swallow(lines));
            latency(Figure.LOADED_50, Figure.LOADED_99, seconds);
            load.waitFor();
        }

        /** Round trips of a small datagram, one after the other; nothing is noted when all were lost. */
        private void latency(Figure median, Figure high, int seconds) throws IOException {
            String report = here.tryRun("sockperf", "ping-pong", "-i", address, "-t", Integer.toString(seconds), "-m",
                    Integer.toString(SMALL_BYTES), "--full-rtt").output();
            for (Matcher matcher = PERCENTILE.matcher(report); matcher.find();) {
                note(matcher.group(1).equals("50") ? median : high, Double.parseDouble(matcher.group(2)));
            }
        }

        private double daemonSeconds() throws IOException {
            return runSeconds(one.daemon()) + runSeconds(two.daemon());
        }

        /** Throughput of each of the first seconds of two new daemons. */
        List<String> firstSeconds(Lab lab) throws Exception {
            lab.store().put("config", row.config);
            for (Host host : List.of(one, two)) {
                host.daemon().kill();
                host.start(lab.options());
            }
            for (Host host : List.of(one, two)) {
                host.daemon().awaitReady();
            }
            Await.that("they talk", () -> here.tryRun("ping", "-c", "1", "-W", "1", address).exitCode() == 0);
            List<String> all = new ArrayList<>();
            for (JsonValue interval : ((JsonValue.Arr) iperf(FIRST_SECONDS).orElseThrow().get("intervals")).elements()) {
                all.add(String.format("%.1f", number(interval.get("sum"), "bits_per_second") / 1e9));
            }
            return all;
        }

        String line() {
            StringBuilder line = new StringBuilder("| ").append(row.name);
            for (Figure figure : Figure.values()) {
                List<Double> values = figures.getOrDefault(figure, List.of());
                line.append(" | ").append(values.isEmpty() ? "-" : String.format(figure.format, median(values)));
            }
            return line.append(" |").toString();
        }
    }

    /** What one row does when its turn comes. */
    private interface Measurement {
        void take(Pair pair, int seconds) throws Exception;
    }

    /** The rows take turns at each of these, for a machine's speed drifts within minutes. */
    private static final List<Measurement> MEASUREMENTS = List.of(Pair::oneStream, Pair::fourStreams, Pair::bothWays, Pair::small,
            Pair::smallPaced, Pair::idleLatency, Pair::loadedLatency);

    private UdpBench() {
    }

    public static void main(String[] arguments) throws Exception {
        Locale.setDefault(Locale.ROOT);
        Map<String, String> given = Arguments.parse("bench udp [--rounds N] [--seconds N] [--rows " + ROWS + "]",
                Map.of("--rounds", "[1-9][0-9]{0,3}", "--seconds", "[1-9][0-9]{0,3}", "--rows", "(ROW)(,(ROW))*".replace("ROW", ROWS.replace(',', '|'))),
                arguments);
        int rounds = Integer.parseInt(given.getOrDefault("--rounds", "5"));
        int seconds = Integer.parseInt(given.getOrDefault("--seconds", "4"));
        List<Row> rows = new ArrayList<>();
        for (String name : given.getOrDefault("--rows", ROWS).split(",")) {
            row(name, rows);
        }
        try (Lab lab = new Lab(Store.Api.V2, Lab.built())) {
            run(lab, rows, rounds, seconds);
        }
    }

    private static void row(String name, List<Row> rows) {
        String peer = System.getProperty("flannel.peer", "");
        switch (name) {
            case "offload", "tso", "batch", "single" -> rows.add(new Row("udp, " + name, String.format(UDP, name), Lab.built()));
            case "vxlan" -> rows.add(new Row("vxlan", "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"vxlan\"}}", Lab.built()));
            case "plain" -> rows.add(new Row("plain routes", "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"host-gw\"}}", Lab.built()));
            case "peer" -> {
                if (!peer.isEmpty()) {
                    rows.add(new Row("peer's udp", "{\"Network\": \"10.1.0.0/16\"}", Path.of(peer).toAbsolutePath()));
                }
            }
            default -> throw new AssertionError(name);
        }
    }

    private static void run(Lab lab, List<Row> rows, int rounds, int seconds) throws Exception {
        List<Pair> pairs = new ArrayList<>();
        try {
            for (Row row : rows) {
                pairs.add(new Pair(lab, row, pairs.size()));
            }
            for (Pair pair : pairs) {
                pair.gigabits(WARM_UP_SECONDS);
                Flood.run(pair.here, pair.there, pair.address, SMALL_BYTES, Flood.UNLIMITED, 1);
            }
            for (int round = 0; round < rounds; round++) {
                for (Measurement measurement : MEASUREMENTS) {
                    for (Pair pair : round % 2 == 0 ? pairs : pairs.reversed()) {
                        measurement.take(pair, seconds);
                    }
                }
            }
            System.out.printf("medians of %d rounds, %d s each; %d processors, Linux %s%n", rounds, seconds,
                    Runtime.getRuntime().availableProcessors(), System.getProperty("os.version"));
            String titles = String.join(" | ", Arrays.stream(Figure.values()).map(figure -> figure.title).toList());
            System.out.println("| | " + titles + " |");
            System.out.println("|---".repeat(Figure.values().length + 1) + "|");
            pairs.forEach(pair -> System.out.println(pair.line()));
            System.out.printf("%s, just started, Gbit/s in each second: %s%n", rows.getFirst().name,
                    String.join(" ", pairs.getFirst().firstSeconds(lab)));
        } finally {
            pairs.forEach(Pair::stop);
        }
    }

    /** Processor time of all threads, with what the kernel did on their behalf (proc(5), schedstat). */
    private static double runSeconds(Daemon daemon) throws IOException {
        long nanos = 0;
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(Path.of("/proc", Long.toString(daemon.pid()), "task"))) {
            for (Path thread : threads) {
                nanos += Long.parseLong(Files.readString(thread.resolve("schedstat")).split(" ")[0]);
            }
        }
        return nanos / 1e9;
    }

    /** Busy time of all processors (proc(5), stat): user, nice, system, irq, softirq, in hundredths of a second. */
    private static double machineSeconds() throws IOException {
        String[] fields = Files.readAllLines(Path.of("/proc/stat")).getFirst().split(" +");
        long busy = 0;
        for (int field : new int[] {1, 2, 3, 6, 7}) {
            busy += Long.parseLong(fields[field]);
        }
        return busy / 100.0;
    }

    private static double number(JsonValue object, String member) throws JsonException {
        return Double.parseDouble(object.get(member).toString());
    }

    private static double median(List<Double> values) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return sorted[sorted.length / 2];
    }
}
