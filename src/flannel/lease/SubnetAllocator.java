package flannel.lease;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** Picks a free subnet the way the original does: the first hundred free ones counted up from SubnetMin, then one of these at random. */
public final class SubnetAllocator {

    private static final int CHOICES = 100;

    private final RandomGenerator random;

    public SubnetAllocator(RandomGenerator random) {
        this.random = random;
    }

    /** A subnet that overlaps none of those taken; empty when there is none left. */
    public Optional<Ipv4Subnet> pick(NetworkConfig config, Collection<Ipv4Subnet> taken) {
        List<Ipv4Subnet> sorted = taken.stream().sorted().toList();
        List<Ipv4Subnet> free = new ArrayList<>();
        long size = 1L << 32 - config.subnetLength();
        long max = Integer.toUnsignedLong(config.subnetMax().bits());
        int next = 0;
        long takenUpTo = -1;
        for (long base = Integer.toUnsignedLong(config.subnetMin().bits()); base <= max && free.size() < CHOICES; base += size) {
            while (next < sorted.size() && Integer.toUnsignedLong(sorted.get(next).base().bits()) < base + size) {
                takenUpTo = Math.max(takenUpTo, Integer.toUnsignedLong(sorted.get(next).last().bits()));
                next++;
            }
            if (takenUpTo < base) {
                free.add(new Ipv4Subnet(new Ipv4((int) base), config.subnetLength()));
            }
        }
        return free.isEmpty() ? Optional.empty() : Optional.of(free.get(random.nextInt(free.size())));
    }
}
