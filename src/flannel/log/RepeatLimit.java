package flannel.log;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Keeps one kind of line from flooding the log: a token bucket for each place in the program that logs. When a place has spent its
 * tokens it is quiet until it has some again. Not for several threads at once.
 */
final class RepeatLimit {

    /** Lines at once; journald's own limit on older systems: see RateLimitBurst in journald.conf(5). */
    static final int BURST = 1000;

    /** In the long run. */
    static final int PER_SECOND = 5;

    /** How many tokens end a silence: so that what is said about it are few lines. */
    static final int ROOM = 50;

    private static final double SECOND_NANOS = 1e9;

    /** What becomes of a line. */
    enum Verdict {
        WRITTEN, FIRST_LEFT_OUT, LEFT_OUT
    }

    /** A silence that has ended. */
    record Silence(String place, long lines) {
    }

    private static final class Bucket {
        private double tokens = BURST;
        private long filledNanos;
        private long leftOut;

        Bucket(long nowNanos) {
            filledNanos = nowNanos;
        }

        void fill(long nowNanos) {
            tokens = Math.min(BURST, tokens + (nowNanos - filledNanos) / SECOND_NANOS * PER_SECOND);
            filledNanos = nowNanos;
        }
    }

    private final Map<String, Bucket> buckets = new HashMap<>();

    /** Decides on one more line of a place. To be asked after {@link #endedSilences}. */
    Verdict admit(String place, long nowNanos) {
        Bucket bucket = buckets.computeIfAbsent(place, p -> new Bucket(nowNanos));
        bucket.fill(nowNanos);
        if (bucket.leftOut == 0 && bucket.tokens >= 1) {
            bucket.tokens--;
            return Verdict.WRITTEN;
        }
        return bucket.leftOut++ == 0 ? Verdict.FIRST_LEFT_OUT : Verdict.LEFT_OUT;
    }

    /** The places that may write again, each with the number of lines that were left out. Tells each silence once. */
    List<Silence> endedSilences(long nowNanos) {
        List<Silence> ended = new ArrayList<>();
        buckets.forEach((place, bucket) -> {
            if (bucket.leftOut > 0) {
                bucket.fill(nowNanos);
                if (bucket.tokens >= ROOM) {
                    ended.add(new Silence(place, bucket.leftOut));
                    bucket.leftOut = 0;
                }
            }
        });
        return ended;
    }
}
