package flannel.lease;

import flannel.lease.SubnetStore.Holder;
import flannel.lease.SubnetStore.Wish;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.random.RandomGenerator;

/**
 * Which lease is a host's already, and which subnet it gets when none is: for every store that leaves the choice to us.
 *
 * <p>A lease belongs to a host when it bears its mark (the member Node of its value, which Go flannels pass over), whatever address it
 * tells; else when it tells the host's PublicIP. One with its PublicIP and another mark is either left by this host before it was installed
 * anew, or held by a second host that claims its address; one with its mark and another address by this host before it was renumbered, or by
 * a copy of this machine. Both are taken over all the same; if a second host is alive, its daemon sees that and takes the lease back, and
 * the first, which then knows, moves to a subnet of its own (see the daemon's OwnLease).
 */
public final class SubnetChoice {

    private final SubnetAllocator allocator;
    private final Log log;

    public SubnetChoice(RandomGenerator random, Log log) {
        this.allocator = new SubnetAllocator(random);
        this.log = log;
    }

    /** The lease of the host: one that it wrote itself before one that only has its address, and the subnet it had before any other. */
    public static Optional<Lease> own(Wish wish, Collection<? extends Entry> entries) {
        LeaseAttributes mine = wish.attributes();
        return entries.stream()
                .filter(Lease.class::isInstance).map(Lease.class::cast)
                .filter(lease -> hasMarkOf(lease, mine) || lease.attributes().publicIp().equals(mine.publicIp()))
                .filter(lease -> lease.key().isPlain()) // behind the other: it takes longer, and there are thousands
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

    /** Whether a lease that is the host's, by what it says, can have been written by no other: see {@link SubnetStore.Taken#from}. */
    public static boolean isOursForSure(LeaseAttributes before, LeaseAttributes mine) {
        return before.node().isEmpty() || before.node().equals(mine.node()) && before.publicIp().equals(mine.publicIp());
    }

    /** The subnets that are not free, by what is in a store. */
    public static SortedSet<Ipv4Subnet> taken(Collection<? extends Entry> entries) {
        SortedSet<Ipv4Subnet> taken = new TreeSet<>();
        for (Entry entry : entries) {
            switch (entry) {
                case Lease lease -> taken.add(lease.subnet());
                case Entry.Occupied occupied -> occupied.key().subnet().ifPresent(taken::add);
            }
        }
        return taken;
    }

    private static SortedSet<Ipv4Subnet> union(Collection<Ipv4Subnet> one, Collection<Ipv4Subnet> other) {
        SortedSet<Ipv4Subnet> union = new TreeSet<>(one);
        union.addAll(other);
        return union;
    }

    /**
     * A free subnet: the previous one if it is free, else one of the first that are.
     *
     * @param previous null for none
     * @param known    the subnets that are not free, by what is in the store
     * @throws StoreException when none is free
     */
    public Ipv4Subnet free(Wish wish, Ipv4Subnet previous, SortedSet<Ipv4Subnet> known, FreeFront front) throws StoreException {
        NetworkConfig config = wish.config();
        SortedSet<Ipv4Subnet> taken = wish.avoid().isEmpty() ? known : union(known, wish.avoid()); // there may be thousands
        if (previous != null && config.allows(previous) && taken.stream().noneMatch(previous::overlaps)) {
            log.info("Taking the previous subnet " + previous + " again");
            return previous;
        }
        if (log.v(1)) {
            log.info(previous == null ? "This host remembers no subnet that it had" : "The previous subnet " + previous + " can't be had: "
                    + (config.allows(previous) ? "another lease has it, or a part of it" : "the config does not allow it"));
        }
        log.info("Picking subnet in range " + config.subnetMin() + " ... " + config.subnetMax());
        return allocator.pick(config, taken, front).orElseThrow(() -> new StoreException(
                "out of subnets: all of " + config.subnetMin() + " ... " + config.subnetMax() + " are leased (" + taken.size()
                        + " leases); delete the leases of hosts that are gone, or widen the network"));
    }
}
