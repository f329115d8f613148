package flannel.lab.faults;

import flannel.lab.Host;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Whether daemons with nothing to do take no processor: one that spins never does, one that is still compiled or tries again does soon. */
final class Idleness {

    /** Of a processor, in one window: a hundredth, by clocks that tick as often a second. */
    private static final double MOST = 0.0101;
    private static final int WINDOW_MILLIS = 4_000;
    private static final int WINDOWS = 8;

    private Idleness() {
    }

    /** Waits until each was idle for one window; the share of a processor of the busiest in its own. */
    static double awaitAll(List<Host> hosts) throws IOException, InterruptedException {
        List<Host> busy = new ArrayList<>(hosts);
        double busiest = 0;
        for (int window = 0; ; window++) {
            Map<Host, Double> shares = shares(busy);
            for (Map.Entry<Host, Double> share : shares.entrySet()) {
                if (share.getValue() <= MOST) {
                    busy.remove(share.getKey());
                    busiest = Math.max(busiest, share.getValue());
                } else if (window == WINDOWS) {
                    throw new AssertionError("the daemon of " + share.getKey().address() + " takes " + share.getValue()
                            + " of a processor with nothing to do");
                }
            }
            if (busy.isEmpty()) {
                return busiest;
            }
        }
    }

    private static Map<Host, Double> shares(List<Host> hosts) throws IOException, InterruptedException {
        Map<Host, Double> shares = new HashMap<>();
        for (Host host : hosts) {
            shares.put(host, host.daemon().cpuSeconds());
        }
        long startNanos = System.nanoTime();
        Thread.sleep(WINDOW_MILLIS);
        for (Host host : hosts) {
            shares.merge(host, host.daemon().cpuSeconds(), (before, now) -> (now - before) / ((System.nanoTime() - startNanos) / 1e9));
        }
        return shares;
    }
}
