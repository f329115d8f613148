package flannel.store;

import flannel.lease.FreeFront;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** What is in a store, as its changes have made it. For one thread. */
final class Contents {

    /** A lease, and when it ends on the {@link StoreClock}. */
    private record Held(Change.Put put, Lease lease) {
    }

    private static final class Network {

        private Change.Config config;
        private final TreeMap<Ipv4Subnet, Held> leases = new TreeMap<>();
        private final FreeFront freeFront = new FreeFront();
        /** Whose lease is asked for with each one that is taken, and there are thousands: by the address and by the mark that they tell. */
        private final Map<String, Set<Ipv4Subnet>> byHost = new HashMap<>();

        /** @param held null for no lease any more @return what was there; null when nothing was */
        private Held set(Ipv4Subnet subnet, Held held) {
            Held was = held == null ? leases.remove(subnet) : leases.put(subnet, held);
            if (was != null) {
                hosts(was.put().attributes()).forEach(host -> byHost.computeIfPresent(host, (key, subnets) -> {
                    subnets.remove(subnet);
                    return subnets.isEmpty() ? null : subnets;
                }));
            }
            if (held == null) {
                freeFront.reset();
            } else {
                hosts(held.put().attributes()).forEach(host -> byHost.computeIfAbsent(host, key -> new TreeSet<>()).add(subnet));
            }
            return was;
        }

        private static List<String> hosts(LeaseAttributes attributes) {
            return attributes.node().isEmpty() ? List.of(attributes.publicIp().toString()) : List.of(attributes.publicIp().toString(), attributes.node());
        }
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
                yield undo(network, put.subnet(), network.set(put.subnet(), new Held(put, lease(put))), before);
            }
            case Change.Gone gone -> undo(network, gone.subnet(), network.set(gone.subnet(), null), before);
        };
    }

    private Runnable undo(Network network, Ipv4Subnet subnet, Held was, long before) {
        return () -> {
            network.set(subnet, was);
            if (was != null) {
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

    /** The subnets of all leases, as they are: to be looked at before the next change. */
    SortedSet<Ipv4Subnet> taken(String network) {
        return Collections.unmodifiableSortedSet(networks.getOrDefault(network, new Network()).leases.navigableKeySet());
    }

    FreeFront freeFront(String network) {
        return networks.getOrDefault(network, new Network()).freeFront;
    }

    /** Those that tell this address or this mark. */
    Set<Lease> leasesOf(String network, LeaseAttributes host) {
        Network found = networks.getOrDefault(network, new Network());
        Set<Lease> leases = new LinkedHashSet<>();
        for (String name : Network.hosts(host)) {
            found.byHost.getOrDefault(name, Set.of()).forEach(subnet -> leases.add(found.leases.get(subnet).lease()));
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
