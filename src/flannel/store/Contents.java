package flannel.store;

import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What is in a store, as its changes have made it. For one thread. */
final class Contents {

    /** A lease, and when it ends on the {@link StoreClock}. */
    private record Held(Change.Put put, Lease lease) {
    }

    private static final class Network {

        private Change.Config config;
        private final Map<Ipv4Subnet, Held> leases = new TreeMap<>();
    }

    private final StoreClock clock;
    private final Map<String, Network> networks = new TreeMap<>();
    private long revision;
    /** No lease ends before. */
    private long nextEnd = Change.NEVER;

    Contents(StoreClock clock) {
        this.clock = clock;
    }

    /** Number of the last change. */
    long revision() {
        return revision;
    }

    /** For a store whose first changes are not told any more. */
    void startAt(long revision) {
        this.revision = revision;
    }

    /** Does a change. @return what undoes it, if that is run before any change but those that came later and were undone */
    Runnable apply(Change change) {
        Network network = networks.computeIfAbsent(change.network(), name -> new Network());
        long before = revision;
        revision = Math.max(revision, change.asOf());
        return switch (change) {
            case Change.Config config -> {
                Change.Config was = network.config;
                network.config = config;
                yield () -> {
                    network.config = was;
                    revision = before;
                };
            }
            case Change.Put put -> {
                nextEnd = Math.min(nextEnd, put.endMillis());
                yield undo(network, put.subnet(), network.leases.put(put.subnet(), new Held(put, lease(put))), before);
            }
            case Change.Gone gone -> undo(network, gone.subnet(), network.leases.remove(gone.subnet()), before);
        };
    }

    private Runnable undo(Network network, Ipv4Subnet subnet, Held was, long before) {
        return () -> {
            if (was == null) {
                network.leases.remove(subnet);
            } else {
                network.leases.put(subnet, was);
                nextEnd = Math.min(nextEnd, was.put().endMillis());
            }
            revision = before;
        };
    }

    private Lease lease(Change.Put put) {
        return new Lease(put.subnet(), put.attributes(), put.endMillis() == Change.NEVER ? new Lease.Never()
                : new Lease.At(clock.wallTime(put.endMillis())), put.asOf());
    }

    /** The wall clock was set: ends are told anew. */
    void tellEndsAnew() {
        networks.values().forEach(network -> network.leases.replaceAll((subnet, held) -> new Held(held.put(), lease(held.put()))));
    }

    /** No lease ends before that moment: its host could not renew it. */
    void keepUntil(long moment) {
        for (Network network : networks.values()) {
            network.leases.replaceAll((subnet, held) -> {
                Change.Put put = held.put();
                Change.Put kept = new Change.Put(put.network(), put.subnet(), put.attributes(), Math.max(put.endMillis(), moment), put.asOf());
                return new Held(kept, lease(kept));
            });
        }
        nextEnd = moment;
    }

    /** The leases that have ended. */
    List<Change.Put> ended() {
        long now = clock.now();
        if (now < nextEnd) {
            return List.of();
        }
        List<Change.Put> all = puts().toList();
        List<Change.Put> ended = all.stream().filter(put -> put.endMillis() <= now).toList();
        nextEnd = all.stream().mapToLong(Change.Put::endMillis).filter(end -> end > now).min().orElse(Change.NEVER);
        return ended;
    }

    /** When the next lease may end; {@link Change#NEVER} for none. */
    long nextEnd() {
        return nextEnd;
    }

    private Stream<Change.Put> puts() {
        return networks.values().stream().flatMap(network -> network.leases.values().stream().map(Held::put));
    }

    int leaseCount() {
        return networks.values().stream().mapToInt(network -> network.leases.size()).sum();
    }

    /** The names of those with a config and a name. */
    List<String> networks() {
        return networks.entrySet().stream().filter(entry -> entry.getValue().config != null && !entry.getKey().isEmpty()).map(Map.Entry::getKey)
                .toList();
    }

    /** Null when there is none. */
    String config(String network) {
        Network found = networks.get(network);
        return found == null || found.config == null ? null : found.config.text();
    }

    /** Null when there is none. */
    Lease lease(String network, Ipv4Subnet subnet) {
        Held held = networks.getOrDefault(network, new Network()).leases.get(subnet);
        return held == null ? null : held.lease();
    }

    /** In the order of their subnets. */
    List<Lease> leases(String network) {
        Collection<Held> held = networks.getOrDefault(network, new Network()).leases.values();
        List<Lease> leases = new ArrayList<>(held.size());
        held.forEach(one -> leases.add(one.lease())); // for each lease taken: no stream
        return leases;
    }

    /** Those that tell this address or this mark. */
    List<Lease> leasesOf(String network, LeaseAttributes host) {
        List<Lease> leases = new ArrayList<>();
        int address = host.publicIp().bits();
        for (Held held : networks.getOrDefault(network, new Network()).leases.values()) {
            LeaseAttributes attributes = held.lease().attributes();
            if (attributes.publicIp().bits() == address || attributes.node().equals(host.node())) {
                leases.add(held.lease());
            }
        }
        return leases;
    }

    /** The changes that make all of it out of nothing. */
    List<Change> everything() {
        List<Change> changes = new ArrayList<>();
        networks.values().stream().map(network -> network.config).filter(config -> config != null).forEach(changes::add);
        puts().forEach(changes::add);
        changes.sort(Comparator.comparingLong(Change::asOf));
        return changes;
    }
}
