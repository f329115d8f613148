package flannel.backend.cloud;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Times to wait, all of them random, so that hosts that do the same at one time do the next thing at many.
 *
 * @param random another sequence on each host
 */
record Pauses(RandomGenerator random) {

    /** AWS has the smallest bucket: 50 writes, and 5 more each second. */
    static final int WRITES_PER_SECOND = 4;

    /** Others that may have come unseen: so the first hosts of a fleet wait too, for up to a second, and see each other. */
    static final int UNSEEN = 4;

    private static final Duration FIRST_BACK_OFF = Duration.ofSeconds(2);
    private static final Duration LONGEST_BACK_OFF = Duration.ofMinutes(1);

    /** Anything up to a limit that doubles ("full jitter"): hosts that were throttled together don't come back together. */
    Duration backOff(int attempts) {
        Duration limit = FIRST_BACK_OFF.multipliedBy(1L << Math.min(attempts - 1, 16));
        return Duration.ofSeconds(1).plus(upTo(limit.compareTo(LONGEST_BACK_OFF) > 0 ? LONGEST_BACK_OFF : limit));
    }

    /** A time when so many other hosts are about to write. */
    Duration among(int hosts) {
        return upTo(Duration.ofSeconds(1).multipliedBy(hosts + UNSEEN).dividedBy(WRITES_PER_SECOND));
    }

    Duration upTo(Duration limit) {
        return Duration.ofNanos((long) (random.nextDouble() * limit.toNanos()));
    }

    /** A fifth more or less. */
    Duration about(Duration duration) {
        return Duration.ofNanos((long) (duration.toNanos() * (0.8 + 0.4 * random.nextDouble())));
    }
}
