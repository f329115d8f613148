package flannel.etcd;

import flannel.etcd.LeaseRegistry.Cursor;
import flannel.etcd.LeaseRegistry.Snapshot;
import flannel.lease.Entry;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
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
    private Cursor last;
    private boolean hadConfig;

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

    /** A store whose config has vanished is in doubt as one of another cluster is: whoever empties a store takes that key along. */
    StoreEvent.Listed told(Snapshot snapshot) {
        boolean continued = last != null && snapshot.cursor().continues(last) && (snapshot.config() != null || !hadConfig);
        last = snapshot.cursor();
        hadConfig |= snapshot.config() != null;
        return new StoreEvent.Listed(snapshot.config(), snapshot.entries(), continued);
    }

    void noted(StoreEvent event) {
        hadConfig |= event instanceof StoreEvent.ConfigChanged(String config) && config != null;
        if (event instanceof StoreEvent.Put(Entry entry)) {
            last = new Cursor(Math.max(last.revision(), entry.asOf() + 1), last.cluster());
        }
    }

    private Duration untilNextList(int leases) {
        long millis = RELIST.toMillis() * Math.max(1, leases / LEASES_A_RELIST);
        return Duration.ofMillis(random.nextLong(millis, 2 * millis));
    }
}
