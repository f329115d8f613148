package flannel.etcd;

import flannel.lease.Entry;
import flannel.lease.FreeFront;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.StoreException;
import flannel.lease.SubnetChoice;
import flannel.lease.SubnetStore.Taken;
import flannel.lease.SubnetStore.Wish;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;

/** Takes this host's lease, as {@link SubnetChoice} says. Every write is a compare-and-swap: what another host wrote is never overwritten unseen. */
final class LeaseKeeper {

    private static final int TRIES = 10;

    private final LeaseRegistry registry;
    private final SubnetChoice choice;
    private final Log log;

    LeaseKeeper(LeaseRegistry registry, RandomGenerator random, Log log) {
        this.registry = registry;
        this.choice = new SubnetChoice(random, log);
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
        for (Optional<Lease> own = SubnetChoice.own(wish, entries); own.isPresent(); own = SubnetChoice.own(wish, entries)) {
            Lease found = own.get();
            LeaseAttributes before = found.attributes();
            if (wish.config().allows(found.subnet())) {
                log.info("Found lease (" + found.subnet() + ") for current IP (" + mine.publicIp() + "), reusing"
                        + (before.publicIp().equals(mine.publicIp()) ? "" : "; it told " + before.publicIp() + " before"));
                Lease taken = registry.update(found, mine, Lease.TIME_TO_LIVE);
                return new Taken(taken, SubnetChoice.isOursForSure(before, mine) ? null : before);
            }
            log.info("Found lease (" + found.subnet() + ") for current IP (" + mine.publicIp()
                    + ") but not compatible with current config, deleting");
            registry.delete(found);
            entries.remove(found);
        }
        Ipv4Subnet free = choice.free(wish, previous, SubnetChoice.taken(entries), new FreeFront());
        return new Taken(registry.create(free, mine, Lease.TIME_TO_LIVE), null);
    }
}
