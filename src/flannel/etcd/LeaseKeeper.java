package flannel.etcd;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.NetworkConfig;
import flannel.lease.StoreException;
import flannel.lease.SubnetAllocator;
import flannel.lease.SubnetStore.Holder;
import flannel.lease.SubnetStore.Taken;
import flannel.lease.SubnetStore.Wish;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/**
 * Takes this host's lease. Every write is a compare-and-swap, so what another host has written is never overwritten unseen.
 *
 * <p>A lease belongs to this host when it bears its mark (the member Node of its value, which Go flannels pass over), whatever address it
 * tells; else when it tells this host's PublicIP. One with our PublicIP and another mark is either left by this host before it was installed
 * anew, or held by a second host that claims our address; one with our mark and another address by this host before it was renumbered, or by
 * a copy of this machine. Both are taken over all the same; if a second host is alive, its daemon sees that and takes the lease back, and
 * this host, which then knows, moves to a subnet of its own (see the daemon's OwnLease).
 */
final class LeaseKeeper {

    /** What the original gives each lease; newer Go flannels do the same in etcd v3. */
    static final Duration TIME_TO_LIVE = Duration.ofHours(24);

    private static final int TRIES = 10;

    private final LeaseRegistry registry;
    private final SubnetAllocator allocator;
    private final Log log;

    LeaseKeeper(LeaseRegistry registry, RandomGenerator random, Log log) {
        this.registry = registry;
        this.allocator = new SubnetAllocator(random);
        this.log = log;
    }

    /** See {@link flannel.lease.SubnetStore#take}. */
    Taken take(Wish wish, Collection<Entry> known) throws StoreException, InterruptedException {
        List<Entry> entries = new ArrayList<>(known);
        Ipv4Subnet previous = wish.previous();
        for (int i = 0; i < TRIES; i++) {
            try {
                return tryTake(wish, previous, entries);
            } catch (LeaseConflictException raced) {
                entries = new ArrayList<>(registry.list().entries());
                previous = i == 0 ? previous : null; // what stands in its way may be something that no list shows
            }
        }
        throw new StoreException("could not take a subnet: " + TRIES + " times in a row another host was faster");
    }

    private Taken tryTake(Wish wish, Ipv4Subnet previous, List<Entry> entries) throws StoreException, InterruptedException {
        LeaseAttributes mine = wish.attributes();
        for (Optional<Lease> own = own(wish, entries); own.isPresent(); own = own(wish, entries)) {
            Lease found = own.get();
            LeaseAttributes before = found.attributes();
            if (wish.config().allows(found.subnet())) {
                log.info("Found lease (" + found.subnet() + ") for current IP (" + mine.publicIp() + "), reusing"
                        + (before.publicIp().equals(mine.publicIp()) ? "" : "; it told " + before.publicIp() + " before"));
                Lease taken = registry.update(found, mine, TIME_TO_LIVE);
                boolean oursForSure = before.node().isEmpty()
                        || before.node().equals(mine.node()) && before.publicIp().equals(mine.publicIp());
                return new Taken(taken, oursForSure ? null : before);
            }
            log.info("Found lease (" + found.subnet() + ") for current IP (" + mine.publicIp()
                    + ") but not compatible with current config, deleting");
            registry.delete(found);
            entries.remove(found);
        }
        return new Taken(registry.create(wanted(wish, previous, entries), mine, TIME_TO_LIVE), null);
    }

    /** The lease of this host: one that it wrote itself before one that only has its address, and the subnet it had before any other. */
    private static Optional<Lease> own(Wish wish, List<Entry> entries) {
        LeaseAttributes mine = wish.attributes();
        return entries.stream()
                .flatMap(entry -> entry instanceof Lease lease && lease.key().isPlain() ? Stream.of(lease) : Stream.empty())
                .filter(lease -> hasMarkOf(lease, mine) || lease.attributes().publicIp().equals(mine.publicIp()))
                .filter(lease -> !wish.strangers().contains(Holder.of(lease.attributes())))
                .max(Comparator.comparing((Lease lease) -> hasMarkOf(lease, mine))
                        .thenComparing(lease -> lease.attributes().publicIp().equals(mine.publicIp()))
                        .thenComparing(lease -> lease.subnet().equals(wish.previous()))
                        .thenComparing(Lease::subnet));
    }

    /** A Go daemon, for which a server takes leases, has no mark. */
    private static boolean hasMarkOf(Lease lease, LeaseAttributes mine) {
        return !mine.node().isEmpty() && lease.attributes().node().equals(mine.node());
    }

    private Ipv4Subnet wanted(Wish wish, Ipv4Subnet previous, List<Entry> entries) throws StoreException {
        NetworkConfig config = wish.config();
        List<Ipv4Subnet> taken = Stream.concat(wish.avoid().stream(), entries.stream().flatMap(entry -> switch (entry) {
            case Lease lease -> Stream.of(lease.subnet());
            case Entry.Occupied occupied -> occupied.key().subnet().stream();
        })).toList();
        if (previous != null && config.allows(previous) && taken.stream().noneMatch(previous::overlaps)) {
            log.info("Taking the previous subnet " + previous + " again");
            return previous;
        }
        log.info("Picking subnet in range " + config.subnetMin() + " ... " + config.subnetMax());
        return allocator.pick(config, taken).orElseThrow(() -> new StoreException(
                "out of subnets: all of " + config.subnetMin() + " ... " + config.subnetMax() + " are leased (" + taken.size()
                        + " leases); delete the leases of hosts that are gone, or widen the network"));
    }
}
