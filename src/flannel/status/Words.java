package flannel.status;

import java.time.Duration;

/** Numbers as people read them. */
final class Words {

    private Words() {
    }

    /** Two units at most: "3 d 4 h", "12 min", "250 ms". */
    static String duration(Duration duration) {
        long seconds = duration.toSeconds();
        if (seconds < 1) {
            return duration.toMillis() + " ms";
        }
        if (seconds < 60) {
            return seconds + " s";
        }
        if (seconds < 600) {
            return two(seconds / 60, "min", seconds % 60, "s");
        }
        if (seconds < 3_600) {
            return seconds / 60 + " min";
        }
        return seconds < 86_400 ? two(seconds / 3_600, "h", seconds / 60 % 60, "min") : two(seconds / 86_400, "d", seconds / 3_600 % 24, "h");
    }

    private static String two(long large, String largeUnit, long small, String smallUnit) {
        return large + " " + largeUnit + (small == 0 ? "" : " " + small + " " + smallUnit);
    }

    /** In milliseconds: short ones with a tenth. */
    static String latency(Duration latency) {
        long micros = latency.toNanos() / 1_000;
        return micros < 10_000 ? micros / 1_000 + "." + micros / 100 % 10 + " ms" : latency.toMillis() + " ms";
    }

    /** In MiB, rounded. */
    static String mebibytes(long bytes) {
        return ((bytes + (1 << 19)) >> 20) + " MiB";
    }

    /** With a dot after each three digits would be read as a fraction, so with spaces: "12 345". */
    static String count(long count) {
        StringBuilder text = new StringBuilder().append(count);
        for (int at = text.length() - 3; at > (count < 0 ? 1 : 0); at -= 3) {
            text.insert(at, ' ');
        }
        return text.toString();
    }
}
