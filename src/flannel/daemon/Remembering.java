package flannel.daemon;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/** Keeps what is known of a network on the disk, for a start without its store: some time after it has changed, since it may change all the time. */
final class Remembering {

    /** After the network is up, which this must not hold up. */
    private static final Duration FIRST = Duration.ofSeconds(3);

    /** Between two times, and how much longer for each lease. */
    private static final Duration PAUSE = Duration.ofSeconds(5);
    private static final Duration PAUSE_PER_LEASE = Duration.ofMillis(20);

    /** Though nothing has changed: leases are renewed, and what is remembered of them has an end. */
    private static final Duration REFRESH = Duration.ofHours(1);

    private final Surroundings around;
    private final Supplier<Remembered> known;
    private final Alarm due;
    private final AtomicBoolean writing = new AtomicBoolean();
    private long notBeforeNanos;

    /** @param known what there is to be remembered; null when that is nothing */
    Remembering(Surroundings around, Supplier<Remembered> known) {
        this.around = around;
        this.known = known;
        due = new Alarm(around.clock());
        notBeforeNanos = around.clock().nanos();
    }

    /** Something has changed. */
    void noted() {
        if (around.settings().startAlone()) {
            due.within(Duration.ofNanos(Math.max(FIRST.toNanos(), notBeforeNanos - around.clock().nanos())));
        }
    }

    long nextNanos() {
        return due.atNanos();
    }

    void timers() {
        if (!due.rings()) {
            return;
        }
        Remembered now = known.get();
        if (now != null && writing.compareAndSet(false, true)) {
            around.beside().execute(() -> {
                try {
                    around.memory().remember(now);
                } finally {
                    writing.set(false);
                }
            });
            notBeforeNanos = Alarm.after(around.clock().nanos(), PAUSE.plus(PAUSE_PER_LEASE.multipliedBy(now.others().size())));
        }
        due.in(REFRESH);
    }
}
