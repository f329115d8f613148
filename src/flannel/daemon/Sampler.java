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
import java.util.StringTokenizer;

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

        private static final int COLUMNS = 12;

        /** Columns, first those received: bytes, packets, errs, drop, fifo, frame, compressed, multicast; then those sent, the same to begin with. */
        static Traffic parse(String columns) {
            StringTokenizer words = new StringTokenizer(columns);
            long[] numbers = new long[COLUMNS];
            for (int i = 0; i < COLUMNS; i++) {
                numbers[i] = Long.parseLong(words.nextToken());
            }
            return new Traffic(numbers[0], numbers[8], numbers[2] + numbers[3] + numbers[10] + numbers[11]);
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
        try {
            for (String line : Files.readString(DEVICES).split("\n")) {
                String found = line.strip();
                if (found.startsWith(device) && found.startsWith(":", device.length())) {
                    return Traffic.parse(found.substring(device.length() + 1));
                }
            }
            return Traffic.NONE;
        } catch (IOException e) {
            log.warning("no traffic can be shown: " + e.getMessage());
            return Traffic.NONE;
        }
    }
}
