package flannel.daemon;

import flannel.daemon.Message.Changed;
import flannel.daemon.Message.Listed;
import flannel.daemon.Message;
import flannel.daemon.Message.StoreAway;
import flannel.lease.LeaseRegistry;
import flannel.lease.RegistryException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/** Keeps a session told of the store: lists, watches, and lists again whenever the watch can't be trusted any more. */
final class StoreFollower {

    private static final long FIRST_PAUSE_MILLIS = 100;
    private static final long LONGEST_PAUSE_MILLIS = 2_000;

    private final LeaseRegistry registry;
    private final Consumer<Message> sink;

    StoreFollower(LeaseRegistry registry, Consumer<Message> sink) {
        this.registry = registry;
        this.sink = sink;
    }

    /** Runs until interrupted. */
    void run() {
        long pauseMillis = FIRST_PAUSE_MILLIS;
        try {
            while (true) {
                long startNanos = System.nanoTime();
                try {
                    LeaseRegistry.Snapshot snapshot = registry.list();
                    sink.accept(new Listed(snapshot));
                    registry.watch(snapshot.cursor(), event -> sink.accept(new Changed(event)));
                } catch (RegistryException e) {
                    sink.accept(new StoreAway(e.getMessage()));
                }
                boolean lasted = System.nanoTime() - startNanos > LONGEST_PAUSE_MILLIS * 1_000_000;
                pauseMillis = lasted ? FIRST_PAUSE_MILLIS : Math.min(2 * pauseMillis, LONGEST_PAUSE_MILLIS);
                // jitter: the hosts of a cluster must not come back to their store all at once
                Thread.sleep(ThreadLocalRandom.current().nextLong(pauseMillis / 2, pauseMillis + 1));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
