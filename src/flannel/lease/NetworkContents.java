package flannel.lease;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What is in a network's store at one moment.
 *
 * @param config  JSON text; null when there is none
 * @param entries in the order of their subnets
 */
public record NetworkContents(String config, List<Entry> entries) {

    /** Each may cost two requests. */
    private static final int MOST_ENDS = 2_000;

    public NetworkContents {
        entries = entries.stream().sorted(Comparator.comparing((Entry entry) -> entry.key().subnet().orElse(null),
                Comparator.nullsLast(Comparator.naturalOrder())).thenComparing(entry -> entry.key().name())).toList();
    }

    /** Asks a store, which is not followed yet. */
    public static NetworkContents of(ServedStore store) throws StoreException, InterruptedException {
        return switch (FirstTold.of(store::follow)) {
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

    /** The same with the ends that the store tells only when asked; of many leases it is not. */
    public NetworkContents withEnds(ServedStore store) throws StoreException, InterruptedException {
        if (entries.size() > MOST_ENDS) {
            return this;
        }
        List<Entry> asked = new ArrayList<>();
        for (Entry entry : entries) {
            asked.add(entry instanceof Lease lease && lease.expiry() instanceof Lease.Unknown ? store.withEnd(lease) : entry);
        }
        return new NetworkContents(config, asked);
    }
}
