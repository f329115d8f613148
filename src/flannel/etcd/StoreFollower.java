package flannel.etcd;

import flannel.etcd.LeaseRegistry.Cursor;
import flannel.etcd.LeaseRegistry.Snapshot;
import flannel.lease.Moment;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.StoreHistory;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * Lists, watches, and lists again whenever the watch can't be trusted any more; and now and then in any case, for a watch that has gone deaf
 * looks like a quiet one.
 */
final class StoreFollower {

    private static final long FIRST_PAUSE_MILLIS = 100;
    private static final long LONGEST_PAUSE_MILLIS = 2_000;

    /** Between two lists; longer where there are many leases, so that a large cluster's store has as little of it as a small one's. */
    private static final Duration RELIST = Duration.ofMinutes(5);
    private static final int LEASES_A_RELIST = 1_000;

    private final LeaseRegistry registry;
    private final RandomGenerator random;
    private final StoreHistory history = new StoreHistory();

    StoreFollower(LeaseRegistry registry, RandomGenerator random) {
        this.registry = registry;
        this.random = random;
    }

    /** Runs until interrupted. */
    void run(Consumer<StoreEvent> sink) throws InterruptedException {
        long pauseMillis = FIRST_PAUSE_MILLIS;
        while (true) {
            long startNanos = System.nanoTime();
            try {
                Snapshot snapshot = registry.list();
                sink.accept(told(snapshot));
                registry.watch(snapshot.cursor(), untilNextList(snapshot.entries().size()), event -> {
                    noted(event);
                    sink.accept(event);
                });
            } catch (StoreException e) {
                sink.accept(new StoreEvent.Away(e.getMessage()));
            }
            boolean lasted = System.nanoTime() - startNanos > LONGEST_PAUSE_MILLIS * 1_000_000;
            pauseMillis = lasted ? FIRST_PAUSE_MILLIS : Math.min(2 * pauseMillis, LONGEST_PAUSE_MILLIS);
            // jitter: the hosts of a cluster must not come back to their store all at once
            Thread.sleep(random.nextLong(pauseMillis / 2, pauseMillis + 1));
        }
    }

    StoreEvent.Listed told(Snapshot snapshot) {
        Cursor next = snapshot.cursor();
        return history.listed(snapshot.config(), snapshot.entries(), new Moment(next.cluster(), next.revision() - 1));
    }

    void noted(StoreEvent event) {
        history.noted(event);
    }

    private Duration untilNextList(int leases) {
        long millis = RELIST.toMillis() * Math.max(1, leases / LEASES_A_RELIST);
        return Duration.ofMillis(random.nextLong(millis, 2 * millis));
    }
}
