package flannel.lease;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What is in a network's store at one moment.
 *
 * @param config  JSON text; null when there is none
 * @param entries in the order of their subnets
 */
public record NetworkContents(String config, List<Entry> entries) {

    /** Each costs two requests, which wait for the store and not for us. */
    private static final int ASKED_AT_A_TIME = 16;

    public NetworkContents {
        entries = entries.stream().sorted(Comparator.comparing((Entry entry) -> entry.key().subnet().orElse(null),
                Comparator.nullsLast(Comparator.naturalOrder())).thenComparing(entry -> entry.key().name())).toList();
    }

    /** Asks a store, which is not followed yet. */
    public static NetworkContents of(ServedStore store) throws StoreException, InterruptedException {
        return switch (FirstTold.of(store::follow, FirstTold.PATIENCE)) {
            case StoreEvent.Listed list -> new NetworkContents(list.config(), list.entries());
            case StoreEvent.Away(String reason) -> throw new StoreException(reason);
            case null, default -> throw new StoreException("the store does not answer");
        };
    }

    public Optional<Entry> find(LeaseKey key) {
        return entries.stream().filter(entry -> entry.key().equals(key)).findFirst();
    }

    public List<Lease> leases() {
        return entries.stream().filter(Lease.class::isInstance).map(Lease.class::cast).toList();
    }

    /** The same with no lease ending before that moment. */
    public NetworkContents endingAfter(Instant least) {
        return new NetworkContents(config, entries.stream().map(entry -> entry instanceof Lease lease && lease.expiry() instanceof Lease.At(Instant end)
                && end.isBefore(least) ? (Entry) new Lease(lease.key(), lease.subnet(), lease.attributes(), new Lease.At(least), lease.asOf())
                : entry).toList());
    }

    /** The same with the ends that the store tells only when asked, lease by lease. */
    public NetworkContents withEnds(ServedStore store) throws StoreException, InterruptedException {
        List<Entry> told = new ArrayList<>();
        try (ExecutorService asking = Executors.newFixedThreadPool(ASKED_AT_A_TIME, Thread.ofVirtual().factory())) {
            try {
                for (Future<Entry> answer : entries.stream().map(entry -> asking.submit(() -> withEnd(entry, store))).toList()) {
                    told.add(answer.get());
                }
            } catch (ExecutionException e) {
                if (e.getCause() instanceof StoreException why) {
                    throw why;
                }
                throw new IllegalStateException(e.getCause());
            } finally {
                asking.shutdownNow();
            }
        }
        return new NetworkContents(config, told);
    }

    private static Entry withEnd(Entry entry, ServedStore store) throws StoreException, InterruptedException {
        return entry instanceof Lease lease && lease.expiry() instanceof Lease.Unknown ? store.withEnd(lease) : entry;
    }
}
