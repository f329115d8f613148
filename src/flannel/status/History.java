package flannel.status;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * The last hour of each network's traffic and losses, as rates in rings of a fixed size: 6 KB a network, 1.2 MB at most. For all threads.
 */
public final class History {

    /** Between two samples. */
    public static final Duration STEP = Duration.ofSeconds(10);

    static final int SAMPLES = 360;

    /** Networks beyond that are left out. */
    static final int NETWORKS = 200;

    private static final int VALUES = 4;

    /**
     * Counters of one network at one moment, all since whenever they began.
     *
     * @param device   whose bytes these are
     * @param received bytes
     * @param sent     bytes
     * @param dropped  packets, by the device and by a data path of our own
     * @param echoes   sent to peers, as far as they are probed
     * @param answered of these
     */
    public record Reading(String device, long received, long sent, long dropped, long echoes, long answered) {
    }

    /**
     * Rates, the oldest first, one each {@link #STEP}; NaN where nothing is known.
     *
     * @param device   empty when there was no reading
     * @param received bytes a second
     * @param sent     bytes a second
     * @param dropped  packets a second
     * @param loss     part of the echoes that was not answered, 0 to 1
     */
    record Series(String device, float[] received, float[] sent, float[] dropped, float[] loss) {

        static final Series NONE = new Series("", new float[0], new float[0], new float[0], new float[0]);
    }

    private final Map<String, Ring> rings = new HashMap<>();
    private long takenNanos;

    /**
     * Takes a sample. Networks that are not among the readings are forgotten.
     *
     * @param nowNanos of a clock that nobody sets
     * @param readings by the network's name; null of one that tells nothing at present
     */
    public synchronized void take(long nowNanos, Map<String, Reading> readings) {
        rings.keySet().retainAll(readings.keySet());
        long steps = Math.clamp(Math.round((nowNanos - takenNanos) / (double) STEP.toNanos()), 1, SAMPLES);
        readings.forEach((network, reading) -> {
            if (rings.containsKey(network) || rings.size() < NETWORKS) {
                rings.computeIfAbsent(network, name -> new Ring()).add(reading, (int) steps, (nowNanos - takenNanos) / 1e9);
            }
        });
        takenNanos = nowNanos;
    }

    /** That of a network. */
    synchronized Series of(String network) {
        Ring ring = rings.get(network);
        return ring == null ? Series.NONE : ring.series();
    }

    private static final class Ring {

        private final float[][] values = new float[VALUES][SAMPLES];
        private int next;
        private int filled;
        private Reading last;

        /** @param steps since the sample before: more than one where the process was held up, and of the others nothing is known */
        void add(Reading now, int steps, double seconds) {
            if (last != null || filled > 0) {
                for (int i = 1; i < steps; i++) {
                    put(Float.NaN, Float.NaN, Float.NaN, Float.NaN);
                }
                if (now == null || last == null || !now.device().equals(last.device())) {
                    put(Float.NaN, Float.NaN, Float.NaN, Float.NaN);
                } else {
                    put(rate(now.received() - last.received(), seconds), rate(now.sent() - last.sent(), seconds),
                            rate(now.dropped() - last.dropped(), seconds), loss(now.echoes() - last.echoes(), now.answered() - last.answered()));
                }
            }
            last = now;
        }

        /** A counter that went back was begun anew: the device was made again. */
        private static float rate(long more, double seconds) {
            return more < 0 ? Float.NaN : (float) (more / seconds);
        }

        /** An answer may be counted one sample later than its echo. */
        private static float loss(long echoes, long answered) {
            return echoes <= 0 || answered < 0 ? Float.NaN : Math.clamp(1 - (float) answered / echoes, 0, 1);
        }

        private void put(float... sample) {
            for (int i = 0; i < VALUES; i++) {
                values[i][next] = sample[i];
            }
            next = (next + 1) % SAMPLES;
            filled = Math.min(SAMPLES, filled + 1);
        }

        Series series() {
            return new Series(last == null ? "" : last.device(), inOrder(values[0]), inOrder(values[1]), inOrder(values[2]), inOrder(values[3]));
        }

        private float[] inOrder(float[] ring) {
            float[] ordered = new float[filled];
            for (int i = 0; i < filled; i++) {
                ordered[i] = ring[Math.floorMod(next - filled + i, SAMPLES)];
            }
            return ordered;
        }
    }
}
