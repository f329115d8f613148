package flannel.daemon;

import flannel.log.Log;
import flannel.status.History;
import flannel.status.History.Reading;
import flannel.status.NetworkStatus;
import flannel.status.NetworkStatus.Counter;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Probing;
import flannel.status.Status;
import flannel.status.StatusSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;

/** Keeps the history: every few seconds the counters of each network's device, of the backend udp and of the probes. Runs until interrupted. */
final class Sampler implements Runnable {

    /** proc(5): two lines of headings, then one for each device of this network namespace. */
    private static final Path DEVICES = Path.of("/proc/self/net/dev");

    private final StatusSource source;
    private final History history;
    private final Log log;

    /** What a device has counted: bytes, and packets that it has lost. */
    private record Traffic(long received, long sent, long dropped) {

        static final Traffic NONE = new Traffic(0, 0, 0);

        /** Columns, first those received: bytes, packets, errs, drop, fifo, frame, compressed, multicast; then those sent, the same to begin with. */
        static Traffic parse(String columns) {
            String[] numbers = columns.strip().split(" +");
            return new Traffic(Long.parseLong(numbers[0]), Long.parseLong(numbers[8]),
                    Long.parseLong(numbers[2]) + Long.parseLong(numbers[3]) + Long.parseLong(numbers[10]) + Long.parseLong(numbers[11]));
        }
    }

    Sampler(StatusSource source, History history, Log log) {
        this.source = source;
        this.history = history;
        this.log = log;
    }

    @Override
    public void run() {
        try {
            while (true) {
                history.take(System.nanoTime(), source.see(this::readings));
                Thread.sleep(History.STEP);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Map<String, Reading> readings(Status status) {
        Map<String, Reading> readings = new HashMap<>();
        for (NetworkStatus network : status.networks()) {
            readings.put(network.name(), network instanceof Known known ? reading(known) : null);
        }
        return readings;
    }

    private Reading reading(Known known) {
        String device = device(known);
        Traffic traffic = traffic(device);
        long dropped = known.counters().stream().filter(Counter::drop).mapToLong(Counter::value).sum();
        Probing probing = known.probing();
        return new Reading(device, traffic.received(), traffic.sent(), traffic.dropped() + dropped, probing == null ? 0 : probing.sent(),
                probing == null ? 0 : probing.answered());
    }

    /** What the containers' packets pass: the network's own device, else Docker's, else the interface to the other hosts. */
    private static String device(Known known) {
        return known.mtus().size() > 1 ? known.mtus().get(1).device() : known.underlay().name();
    }

    private Traffic traffic(String device) {
        try (Stream<String> lines = Files.lines(DEVICES)) {
            return lines.map(String::strip).filter(line -> line.startsWith(device + ":")).findFirst()
                    .map(line -> Traffic.parse(line.substring(device.length() + 1))).orElse(Traffic.NONE);
        } catch (IOException e) {
            log.warning("no traffic can be shown: " + e.getMessage());
            return Traffic.NONE;
        }
    }
}
