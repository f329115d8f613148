package flannel.lease;

import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * Takes and renews this host's lease. Every write is a compare-and-swap, so what another host has written is never overwritten unseen.
 *
 * <p>A lease belongs to this host when its PublicIP is this host's. The member Node of its value, which Go flannels pass over, marks the
 * host that wrote it: a lease with our PublicIP and another mark is either left by this host before it was installed anew, or held by a
 * second host that claims our address. It is taken over all the same; if a second host is alive, its daemon sees that and takes the lease
 * back, and this host, which then knows, moves to a subnet of its own (see NetworkSession).
 */
public final class LeaseKeeper {

    /** What the original gives each lease; newer Go flannels do the same in etcd v3. */
    public static final Duration TIME_TO_LIVE = Duration.ofHours(24);

    private static final int TRIES = 10;

    private final LeaseRegistry registry;
    private final SubnetAllocator allocator;
    private final Log log;

    public LeaseKeeper(LeaseRegistry registry, RandomGenerator random, Log log) {
        this.registry = registry;
        this.allocator = new SubnetAllocator(random);
        this.log = log;
    }

    /**
     * What a daemon asks for.
     *
     * @param config     the network's configuration
     * @param attributes what its lease shall say
     * @param previous   the subnet it had before, wanted again if free; null for none
     * @param strangers  marks of living hosts that claim the same PublicIP: their leases are not ours
     */
    public record Wish(NetworkConfig config, LeaseAttributes attributes, Ipv4Subnet previous, Set<String> strangers) {
    }

    /**
     * A lease obtained.
     *
     * @param takenFrom mark of the host that had written it before, when that was another; else empty
     */
    public record Acquired(Lease lease, String takenFrom) {
    }

    /**
     * Takes over the lease of one's own PublicIP if there is one that fits the configuration, else the previous subnet if it is free, else
     * a random free one.
     *
     * @param known the leases as last seen
     * @throws RegistryException when the store fails, or when no subnet is free
     */
    public Acquired acquire(Wish wish, Collection<Lease> known) throws RegistryException, InterruptedException {
        Map<Ipv4Subnet, Lease> leases = bySubnet(known);
        for (int i = 0; i < TRIES; i++) {
            try {
                return tryAcquire(wish, leases);
            } catch (LeaseConflictException raced) {
                leases = bySubnet(registry.list().leases());
            }
        }
        throw new RegistryException("could not take a subnet: " + TRIES + " times in a row another host was faster");
    }

    private Acquired tryAcquire(Wish wish, Map<Ipv4Subnet, Lease> leases) throws RegistryException, InterruptedException {
        LeaseAttributes mine = wish.attributes();
        for (Optional<Lease> own = own(wish, leases); own.isPresent(); own = own(wish, leases)) {
            Lease found = own.get();
            if (wish.config().allows(found.subnet())) {
                log.info("Found lease (" + found.subnet() + ") for current IP (" + mine.publicIp() + "), reusing");
                Lease taken = registry.update(found, mine, TIME_TO_LIVE);
                String writer = found.attributes().node();
                return new Acquired(taken, writer.equals(mine.node()) ? "" : writer);
            }
            log.info("Found lease (" + found.subnet() + ") for current IP (" + mine.publicIp()
                    + ") but not compatible with current config, deleting");
            registry.delete(found);
            leases.remove(found.subnet());
        }
        Ipv4Subnet subnet = wanted(wish, leases);
        return new Acquired(registry.create(subnet, mine, TIME_TO_LIVE), "");
    }

    /** The lease of this host: one that it wrote itself before one that only has its address. */
    private static Optional<Lease> own(Wish wish, Map<Ipv4Subnet, Lease> leases) {
        Lease found = null;
        for (Lease lease : leases.values()) {
            LeaseAttributes attributes = lease.attributes();
            if (!attributes.publicIp().equals(wish.attributes().publicIp()) || wish.strangers().contains(attributes.node())) {
                continue;
            }
            boolean written = attributes.node().equals(wish.attributes().node());
            if (found == null || written || lease.subnet().equals(wish.previous())) {
                found = lease;
            }
            if (written) {
                break;
            }
        }
        return Optional.ofNullable(found);
    }

    private Ipv4Subnet wanted(Wish wish, Map<Ipv4Subnet, Lease> leases) throws RegistryException {
        NetworkConfig config = wish.config();
        Ipv4Subnet previous = wish.previous();
        if (previous != null && config.allows(previous) && leases.keySet().stream().noneMatch(previous::overlaps)) {
            log.info("Taking the previous subnet " + previous + " again");
            return previous;
        }
        log.info("Picking subnet in range " + config.subnetMin() + " ... " + config.subnetMax());
        return allocator.pick(config, leases.keySet()).orElseThrow(() -> new RegistryException(
                "out of subnets: all of " + config.subnetMin() + " ... " + config.subnetMax() + " are leased (" + leases.size()
                        + " leases); delete the leases of hosts that are gone, or widen the network"));
    }

    /** Extends a lease, or writes it again with other attributes. A reservation stays one. */
    public Lease renew(Lease held, LeaseAttributes attributes) throws RegistryException, InterruptedException {
        return registry.update(held, attributes, TIME_TO_LIVE);
    }

    private static Map<Ipv4Subnet, Lease> bySubnet(Collection<Lease> leases) {
        Map<Ipv4Subnet, Lease> map = new HashMap<>(leases.size() * 2);
        leases.forEach(lease -> map.put(lease.subnet(), lease));
        return map;
    }
}
