package flannel.lab;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import java.io.BufferedReader;
import java.io.IOException;
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
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * {@code ./build.sh bench udp}: the udp backend at each of its levels beside vxlan and plain routes (host-gw), between containers of two
 * hosts. Each row has a pair of hosts of its own whose daemons run all the time; the rows take turns at each figure, and medians of the
 * rounds are told, and of the first row's ratios to the others in each round. PEER adds the udp backend of another flanneld. With {@code --links} it is
 * {@link LinkBench}'s turn.
 *
 * <p>Everything shares this machine's processors, both ends and both daemons: figures hold beside each other only.
 */
public final class UdpBench {

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

    /** A row and its figures. */
    private static final class Measured {
        private final BenchPair pair;
        private final Process sockperf;
        private final Map<Figure, Rounds> figures = new EnumMap<>(Figure.class);
        private int round;

        Measured(BenchPair pair) throws IOException {
            this.pair = pair;
            sockperf = pair.there().command("sockperf", "server", "-i", pair.address()).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        }

        void stop() {
            sockperf.destroyForcibly();
            pair.close();
        }

        private void note(Figure figure, double value) {
            figures(figure).note(round, value);
        }

        private Rounds figures(Figure figure) {
            return figures.computeIfAbsent(figure, any -> new Rounds());
        }

        private OptionalDouble gigabits(int seconds, String... more) throws JsonException {
            Optional<JsonValue> report = pair.iperf(seconds, more);
            return report.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(BenchPair.gigabits(report.get()));
        }

        void oneStream(int seconds) throws Exception {
            double daemons = pair.daemonSeconds();
            double machine = machineSeconds();
            OptionalDouble gigabits = gigabits(seconds);
            if (gigabits.isPresent()) {
                double gigabytes = gigabits.getAsDouble() * seconds / 8;
                note(Figure.ONE, gigabits.getAsDouble());
                note(Figure.CPU, (pair.daemonSeconds() - daemons) / gigabytes);
                note(Figure.MACHINE, (machineSeconds() - machine) / gigabytes);
            }
            note(Figure.RESIDENT, pair.one().daemon().residentKib() / 1024.0);
        }

        void fourStreams(int seconds) throws Exception {
            gigabits(seconds, "--parallel", "4").ifPresent(value -> note(Figure.FOUR, value));
        }

        void bothWays(int seconds) throws Exception {
            gigabits(seconds, "--bidir").ifPresent(value -> note(Figure.BOTH, value));
        }

        void small(int seconds) throws Exception {
            Flood.Outcome flood = flood(Flood.UNLIMITED, seconds);
            note(Figure.SMALL, flood.receivedPerSecond() / 1000);
            note(Figure.SMALL_LOSS, flood.lossPercent());
        }

        void smallPaced(int seconds) throws Exception {
            note(Figure.PACED_LOSS, flood(PACED_PACKETS, seconds).lossPercent());
        }

        private Flood.Outcome flood(int perSecond, int seconds) throws Exception {
            return Flood.run(pair.here(), pair.there(), pair.address(), SMALL_BYTES, perSecond, seconds);
        }

        void idleLatency(int seconds) throws Exception {
            latency(Figure.IDLE_50, Figure.IDLE_99, seconds);
        }

        void loadedLatency(int seconds) throws Exception {
            Process load = pair.here().command("iperf3", "--client", pair.address(), "--time", Integer.toString(seconds + 2), "--forceflush")
                    .redirectErrorStream(true).start();
            BufferedReader lines = load.inputReader();
            String line = lines.readLine();
            while (line != null && !line.contains("bits/sec")) {
                line = lines.readLine();
            }
            if (line == null) {
                System.err.println(pair.row().name() + ": the load for the loaded round trips did not get through");
                return;
            }
            BenchPair.swallow(lines);
            latency(Figure.LOADED_50, Figure.LOADED_99, seconds);
            load.waitFor();
        }

        /** Round trips of a small datagram, one after the other; nothing is noted when all were lost. */
        private void latency(Figure median, Figure high, int seconds) {
            String report = pair.here().tryRun("sockperf", "ping-pong", "-i", pair.address(), "-t", Integer.toString(seconds), "-m",
                    Integer.toString(SMALL_BYTES), "--full-rtt").output();
            for (Matcher matcher = PERCENTILE.matcher(report); matcher.find();) {
                note(matcher.group(1).equals("50") ? median : high, Double.parseDouble(matcher.group(2)));
            }
        }

        /** Throughput of each of the first seconds of two new daemons. */
        List<String> firstSeconds(Lab lab) throws Exception {
            lab.store().put("config", pair.row().config());
            for (Host host : List.of(pair.one(), pair.two())) {
                host.daemon().kill();
                host.start(lab.options());
            }
            for (Host host : List.of(pair.one(), pair.two())) {
                host.daemon().awaitReady();
            }
            Await.that("they talk", () -> pair.here().tryRun("ping", "-c", "1", "-W", "1", pair.address()).exitCode() == 0);
            List<String> all = new ArrayList<>();
            for (JsonValue interval : ((JsonValue.Arr) pair.iperf(FIRST_SECONDS).orElseThrow().get("intervals")).elements()) {
                all.add(String.format("%.1f", BenchPair.number(interval.get("sum"), "bits_per_second") / 1e9));
            }
            return all;
        }

        String line() {
            return Arrays.stream(Figure.values()).map(figure -> figures(figure).median(figure.format))
                    .collect(Collectors.joining(" | ", "| " + pair.row().name() + " | ", " |"));
        }

        /** The same as parts of another row's figures. */
        String lineOf(Measured other) {
            return Arrays.stream(Figure.values()).map(figure -> figures(figure).of(other.figures(figure)))
                    .collect(Collectors.joining(" | ", "| " + pair.row().name() + " / " + other.pair.row().name() + " | ", " |"));
        }
    }

    /** What one row does when its turn comes. */
    private interface Taking {
        void take(Measured row, int seconds) throws Exception;
    }

    /** The rows take turns at each of these, for a machine's speed drifts within minutes. */
    private enum Measurement {
        ONE(Measured::oneStream), FOUR(Measured::fourStreams), BOTH(Measured::bothWays), SMALL(Measured::small), PACED(Measured::smallPaced),
        IDLE(Measured::idleLatency), LOADED(Measured::loadedLatency);

        private final Taking taking;

        Measurement(Taking taking) {
            this.taking = taking;
        }

        private static String names(String separator) {
            return Arrays.stream(values()).map(each -> each.name().toLowerCase(Locale.ROOT)).collect(Collectors.joining(separator));
        }
    }

    private UdpBench() {
    }

    public static void main(String[] arguments) throws Exception {
        Locale.setDefault(Locale.ROOT);
        Map<String, String> given = Arguments.parse("""
                bench udp [--rounds N] [--seconds N] [--rows ROWS] [--figures FIGURES | --links LINKS [--control CONTROLS] [--streams N,N...]]
                    ROWS      of %s
                    FIGURES   of %s; all when not given
                    LINKS     measures on these instead, beside vxlan: of 100mbit, 1gbit, and the same with a delay, as 1gbit+5ms
                    CONTROLS  of cubic, bbr: TCP's congestion control""".formatted(BenchPair.ROWS, Measurement.names(",")),
                Map.of("--rounds", "[1-9][0-9]{0,3}", "--seconds", "[1-9][0-9]{0,3}", "--rows", list(BenchPair.ROWS.replace(',', '|')),
                        "--figures", list(Measurement.names("|")),
                        "--links", list(LinkBench.LINK), "--control", list("cubic|bbr"), "--streams", list("[1-9][0-9]?")),
                arguments);
        int rounds = Integer.parseInt(given.getOrDefault("--rounds", "5"));
        int seconds = Integer.parseInt(given.getOrDefault("--seconds", "4"));
        String links = given.get("--links");
        String peer = System.getProperty("flannel.peer", "");
        List<BenchPair.Row> rows = Stream.of(given.getOrDefault("--rows", links == null ? BenchPair.ROWS : "offload,peer,vxlan").split(","))
                .flatMap(name -> BenchPair.row(name, peer).stream()).toList();
        try (Lab lab = new Lab(Store.Api.V2, Lab.built())) {
            if (links == null) {
                run(lab, rows, Stream.of(given.getOrDefault("--figures", Measurement.names(",")).toUpperCase(Locale.ROOT).split(","))
                        .map(Measurement::valueOf).distinct().sorted().toList(), rounds, seconds);
            } else {
                new LinkBench(lab, rows, rounds, seconds).run(links.split(","), given.getOrDefault("--control", "cubic,bbr").split(","),
                        given.getOrDefault("--streams", "1,8").split(","));
            }
        }
    }

    private static String list(String one) {
        return "(ONE)(,(ONE))*".replace("ONE", one);
    }

    private static void run(Lab lab, List<BenchPair.Row> rows, List<Measurement> measurements, int rounds, int seconds) throws Exception {
        List<Measured> all = new ArrayList<>();
        try {
            for (BenchPair.Row row : rows) {
                all.add(new Measured(new BenchPair(lab, row, all.size(), List.of(), List.of())));
            }
            for (Measured row : all) {
                row.gigabits(WARM_UP_SECONDS);
                row.flood(Flood.UNLIMITED, 1);
            }
            for (int round = 0; round < rounds; round++) {
                for (Measurement measurement : measurements) {
                    for (Measured row : round % 2 == 0 ? all : all.reversed()) {
                        row.round = round;
                        measurement.taking.take(row, seconds);
                    }
                }
            }
            System.out.printf("medians of %d rounds, %d s each; one row / another: paired in each round, median (least-greatest); "
                    + "%d processors, Linux %s%n", rounds, seconds, Runtime.getRuntime().availableProcessors(), System.getProperty("os.version"));
            String titles = String.join(" | ", Arrays.stream(Figure.values()).map(figure -> figure.title).toList());
            System.out.println("| | " + titles + " |");
            System.out.println("|---".repeat(Figure.values().length + 1) + "|");
            all.forEach(row -> System.out.println(row.line()));
            Measured first = all.getFirst();
            all.stream().skip(1).forEach(row -> System.out.println(first.lineOf(row)));
            if (measurements.size() == Measurement.values().length) {
                System.out.printf("%n%s, just started, Gbit/s in each second: %s%n", rows.getFirst().name(),
                        String.join(" ", all.getFirst().firstSeconds(lab)));
            }
        } finally {
            all.forEach(Measured::stop);
        }
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
}
