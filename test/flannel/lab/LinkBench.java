package flannel.lab;

import flannel.json.JsonValue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * {@code ./build.sh bench udp --links}: what is carried where the link is the limit and not the processor, and how long others wait
 * meanwhile. TCP streams go from one container to another, and pings beside them.
 *
 * <p>A link is a token bucket at each host's network card, in front of it a queue as long as a card's. A delay is made by a
 * {@link DelayRelay} between the hosts, half of it each way.
 */
final class LinkBench {

    /** What names a link. */
    static final String LINK = "(100mbit|1gbit)(\\+[1-9][0-9]?ms)?";

    /** What the bucket lets go at once: about a millisecond's worth, for with less a busy machine's timers would be the limit. */
    private static final Map<String, String> BURSTS = Map.of("100mbit", "16kb", "1gbit", "128kb");

    /** As 1000 full packets, an Ethernet card's queue. */
    private static final String QUEUE = "1500kb";

    private static final int PING_BYTES = 56;
    private static final int PING_MILLIS = 2;
    private static final int WARM_UP_SECONDS = 2;
    private static final Map<String, Integer> PORTS = Map.of("vxlan", 8472);
    private static final int UDP_PORT = 8285;

    /** A column. */
    private enum Figure {
        RATE("Gbit/s", "%.3f"), MEAN("round trip ms", "%.2f"), HIGH("p99", "%.2f"), LOST("pings lost %", "%.2f"),
        AGAIN("retransmitted", "%.0f"), CPU("CPU s/GB daemons", "%.2f");

        private final String title;
        private final String format;

        Figure(String title, String format) {
            this.title = title;
            this.format = format;
        }
    }

    /** Hosts that have the same delay between them: a pair for each row. */
    private record Side(List<BenchPair> pairs, List<DelayRelay> relays) {
    }

    private final Lab lab;
    private final List<BenchPair.Row> rows;
    private final int rounds;
    private final int seconds;
    private int pairs;

    LinkBench(Lab lab, List<BenchPair.Row> rows, int rounds, int seconds) {
        this.lab = lab;
        this.rows = rows;
        this.rounds = rounds;
        this.seconds = seconds;
    }

    /** Measures and prints. */
    void run(String[] links, String[] controls, String[] streams) throws Exception {
        System.out.printf("medians of %d rounds, %d s each; one row / another: paired in each round, median (least-greatest); %d processors, Linux %s%n",
                rounds, seconds, Runtime.getRuntime().availableProcessors(), System.getProperty("os.version"));
        System.out.println(Arrays.stream(Figure.values()).map(figure -> figure.title)
                .collect(Collectors.joining(" | ", "| link, control, streams | | ", " |")));
        System.out.println("|---".repeat(Figure.values().length + 2) + "|");
        Map<String, List<String>> byDelay = Arrays.stream(links).collect(Collectors.groupingBy(link -> link.replaceFirst("[^+]*\\+?", "")));
        for (String delay : byDelay.keySet().stream().sorted().toList()) {
            Side side = new Side(new ArrayList<>(), new ArrayList<>());
            try {
                build(side, delay);
                for (String link : byDelay.get(delay)) {
                    for (String control : controls) {
                        for (String count : streams) {
                            measure(side.pairs, link, control, count);
                        }
                    }
                }
            } finally {
                side.pairs.forEach(BenchPair::close);
                side.relays.forEach(DelayRelay::close);
            }
        }
    }

    private void build(Side side, String delay) throws Exception {
        for (BenchPair.Row row : rows) {
            int number = pairs++;
            List<String> more = List.of();
            List<String> moreOfTwo = List.of();
            if (!delay.isEmpty()) {
                String a = "192.168.32." + (20 + 2 * number);
                String b = "192.168.32." + (21 + 2 * number);
                long nanos = Integer.parseInt(delay.replace("ms", "")) * 1_000_000L / 2;
                side.relays.add(new DelayRelay(lab.outside(), "br0", PORTS.getOrDefault(row.name(), UDP_PORT), nanos,
                        a, lab.host(2 * number + 1, row.program()).address(), b, lab.host(2 * number + 2, row.program()).address()));
                more = List.of("-public-ip=" + a);
                moreOfTwo = List.of("-public-ip=" + b);
            }
            BenchPair pair = new BenchPair(lab, row, number, more, moreOfTwo);
            side.pairs.add(pair);
            if (!delay.isEmpty()) {
                for (Host host : List.of(pair.one(), pair.two())) {
                    card(host.namespace(), "eth0");
                    if (row.name().equals("vxlan")) {
                        host.run("ethtool", "-K", "eth0", "tx", "off");
                    }
                    card(lab.outside(), "port" + host.address().substring(host.address().lastIndexOf('.') + 1));
                }
            }
            pair.iperf(WARM_UP_SECONDS);
        }
    }

    /**
     * A relay can't be handed what only the receiving tunnel could cut, nor, with vxlan, packets whose own checksum is left to the card:
     * cards get single datagrams, and merge what they receive.
     */
    private static void card(NetworkNamespace namespace, String device) {
        namespace.run("ethtool", "-K", device, "tso", "off", "tx-udp-segmentation", "off", "tx-udp_tnl-segmentation", "off",
                "tx-udp_tnl-csum-segmentation", "off", "gro", "on");
    }

    private void measure(List<BenchPair> all, String link, String control, String streams) throws Exception {
        Map<BenchPair, Map<Figure, Rounds>> figures = new LinkedHashMap<>();
        String rate = link.replaceFirst("\\+.*", "");
        for (BenchPair pair : all) {
            Map<Figure, Rounds> own = new EnumMap<>(Figure.class);
            for (Figure figure : Figure.values()) {
                own.put(figure, new Rounds());
            }
            figures.put(pair, own);
            for (Host host : List.of(pair.one(), pair.two())) {
                host.run("tc", "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", rate, "burst", BURSTS.get(rate), "limit", QUEUE);
            }
        }
        for (int round = 0; round < rounds; round++) {
            for (BenchPair pair : round % 2 == 0 ? all : all.reversed()) {
                take(pair, control, streams, round, figures.get(pair));
            }
        }
        String what = "| " + link + " " + control + " " + streams + " | ";
        figures.forEach((pair, own) -> print(what + pair.row().name(), figure -> own.get(figure).median(figure.format)));
        BenchPair first = all.getFirst();
        figures.forEach((pair, own) -> {
            if (pair != first) {
                print(what + first.row().name() + " / " + pair.row().name(), figure -> figures.get(first).get(figure).of(own.get(figure)));
            }
        });
    }

    private static void print(String beginning, Function<Figure, String> cell) {
        System.out.println(Arrays.stream(Figure.values()).map(cell).collect(Collectors.joining(" | ", beginning + " | ", " |")));
    }

    private void take(BenchPair pair, String control, String streams, int round, Map<Figure, Rounds> figures) throws Exception {
        double before = pair.daemonSeconds();
        try (EchoRun pings = EchoRun.start(pair.here(), pair.address(), PING_BYTES, PING_MILLIS)) {
            Optional<JsonValue> report = pair.iperf(seconds, "--congestion", control, "--parallel", streams);
            if (report.isEmpty()) {
                return;
            }
            double gigabits = BenchPair.gigabits(report.get());
            figures.get(Figure.RATE).note(round, gigabits);
            figures.get(Figure.AGAIN).note(round, BenchPair.number(report.get().get("end").get("sum_sent"), "retransmits"));
            figures.get(Figure.CPU).note(round, (pair.daemonSeconds() - before) / (gigabits * seconds / 8));
            figures.get(Figure.MEAN).note(round, pings.roundTripMillis());
            figures.get(Figure.HIGH).note(round, pings.roundTripMillis(99));
            figures.get(Figure.LOST).note(round, pings.lostPercent());
        }
    }
}
