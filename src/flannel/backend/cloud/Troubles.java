package flannel.backend.cloud;

import flannel.log.Log;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/** What failed, by its subject: when each is tried again, and what the log has been told. */
final class Troubles {

    /** For what an operator has to mend: rights, settings. */
    private static final Duration SLOW = Duration.ofMinutes(5);
    private static final Duration QUOTA = Duration.ofMinutes(10);

    /** What is not found may only be new; so many tries are made at the pace of the back-off. */
    private static final int TRIES_TO_FIND = 6;

    /** @param attempts failures in a row */
    private record Trouble(String message, int attempts, long retryNanos) {
    }

    private final LongSupplier nanoTime;
    private final Pauses pauses;
    private final Log log;
    private final Map<String, Trouble> bySubject = new HashMap<>();

    Troubles(LongSupplier nanoTime, Pauses pauses, Log log) {
        this.nanoTime = nanoTime;
        this.pauses = pauses;
        this.log = log;
    }

    /** Something failed; the log is told when it did not fail the same way before. */
    void failed(String subject, CloudException e) {
        Trouble before = bySubject.get(subject);
        int attempts = before == null ? 1 : before.attempts() + 1;
        Duration pause = switch (e.kind()) {
            case THROTTLED, TRANSIENT, CONFLICT -> pauses.backOff(attempts);
            case GONE -> attempts < TRIES_TO_FIND ? pauses.backOff(attempts) : pauses.about(SLOW);
            case DENIED, UNUSABLE -> pauses.about(SLOW);
            case LIMIT -> pauses.about(QUOTA);
        };
        if (before == null || !before.message().equals(e.getMessage())) {
            String line = e.getMessage() + "; trying again in " + (pause.toSeconds() + 1) + " s";
            switch (e.kind()) {
                case THROTTLED, TRANSIENT, CONFLICT -> log.warning(line);
                case GONE, LIMIT, DENIED, UNUSABLE -> log.error(line);
            }
        }
        bySubject.put(subject, new Trouble(e.getMessage(), attempts, nanoTime.getAsLong() + pause.toNanos()));
    }

    void succeeded(String subject) {
        if (bySubject.remove(subject) != null && bySubject.isEmpty()) {
            log.info("The cloud's route tables answer as they should again");
        }
    }

    /** Whether it failed and its time has not come yet. */
    boolean isHeld(String subject) {
        Trouble trouble = bySubject.get(subject);
        return trouble != null && !isDue(trouble);
    }

    private boolean isDue(Trouble trouble) {
        return trouble.retryNanos() - nanoTime.getAsLong() <= 0;
    }

    /** The earliest time at which something is to be tried again; not after the one given. */
    long earliest(long nanos) {
        return bySubject.values().stream().mapToLong(Trouble::retryNanos).reduce(nanos, (a, b) -> a - b < 0 ? a : b);
    }

    /** What failed and is no longer to be done is no trouble any more. */
    void forgetAllDueBut(Set<String> planned) {
        bySubject.entrySet().removeIf(each -> isDue(each.getValue()) && !planned.contains(each.getKey()));
    }
}
