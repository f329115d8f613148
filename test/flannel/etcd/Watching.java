package flannel.etcd;

import static org.junit.jupiter.api.Assertions.assertNotNull;

import flannel.etcd.LeaseRegistry.Cursor;
import flannel.lease.Lease;
import flannel.lease.StoreEvent;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A watch that runs beside the test, with its events in a queue. */
final class Watching implements AutoCloseable {

    private final BlockingQueue<StoreEvent> events = new LinkedBlockingQueue<>();
    private final CompletableFuture<String> end = new CompletableFuture<>();
    private final Thread thread;

    Watching(LeaseRegistry registry, Cursor from) {
        thread = Thread.ofVirtual().start(() -> {
            try {
                registry.watch(from, Duration.ofHours(1), events::add);
                end.complete("RESYNC");
            } catch (Exception e) {
                end.complete(e.getClass().getSimpleName() + ": " + e.getMessage());
            }
        });
    }

    /** The next event; fails when none comes. */
    StoreEvent next() throws Exception {
        StoreEvent event = events.poll(20, TimeUnit.SECONDS);
        assertNotNull(event, () -> "no event came; the watch: " + end.getNow("goes on"));
        return event;
    }

    /** The lease that the next event puts. */
    Lease nextLease() throws Exception {
        return (Lease) ((StoreEvent.Put) next()).entry();
    }

    boolean isSilent() {
        return events.isEmpty();
    }

    /** How the watch ended: "RESYNC", or the exception. */
    String end() throws Exception {
        return end.get(20, TimeUnit.SECONDS);
    }

    /** "goes on" while it does. */
    String state() {
        return end.getNow("goes on");
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
