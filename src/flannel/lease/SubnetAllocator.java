package flannel.lease;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.random.RandomGenerator;

/** Picks a free subnet the way the original does: the first hundred free ones counted up from SubnetMin, then one of these at random. */
public final class SubnetAllocator {

    private static final int CHOICES = 100;

    private final RandomGenerator random;

    public SubnetAllocator(RandomGenerator random) {
        this.random = random;
    }

    /** A subnet that overlaps none of those taken; empty when there is none left. */
    public Optional<Ipv4Subnet> pick(NetworkConfig config, SortedSet<Ipv4Subnet> taken, FreeFront front) {
        List<Ipv4Subnet> free = new ArrayList<>();
        long size = 1L << 32 - config.subnetLength();
        long max = Integer.toUnsignedLong(config.subnetMax().bits());
        long first = front.of(config);
        boolean isKnown = first != Integer.toUnsignedLong(config.subnetMin().bits());
        Iterator<Ipv4Subnet> next = (isKnown ? taken.tailSet(subnet(first, config)) : taken).iterator();
        Ipv4Subnet ahead = next.hasNext() ? next.next() : null;
        long takenUpTo = -1;
        for (long base = first; base <= max && free.size() < CHOICES; base += size) {
            while (ahead != null && Integer.toUnsignedLong(ahead.base().bits()) < base + size) {
                takenUpTo = Math.max(takenUpTo, Integer.toUnsignedLong(ahead.last().bits()));
                ahead = next.hasNext() ? next.next() : null;
            }
            if (takenUpTo < base) {
                free.add(subnet(base, config));
            } else if (free.isEmpty()) {
                front.found(base + size);
            }
        }
        return free.isEmpty() ? Optional.empty() : Optional.of(free.get(random.nextInt(free.size())));
    }

    private static Ipv4Subnet subnet(long base, NetworkConfig config) {
        return new Ipv4Subnet(new Ipv4((int) base), config.subnetLength());
    }
}
