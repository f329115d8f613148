package flannel.lease;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;

/**
 * A store that a server can stand in front of. For the hosts behind the server it does what it does for this one: a
 * {@link SubnetStore.Wish} says for whom. What comes on top is what operators ask for: subnets that are kept for a host for ever.
 */
public interface ServedStore extends SubnetStore {

    /** True when {@link #take} knows what the store has at that moment: then any number of hosts may be given subnets at a time. */
    default boolean isAtomic() {
        return false;
    }

    /** The same lease with its end, where the store does not tell that by itself ({@link Lease.Unknown}). */
    default Lease withEnd(Lease lease) throws StoreException, InterruptedException {
        return lease;
    }

    /**
     * Makes a subnet a reservation, whether it is free or that host's already.
     *
     * @throws LeaseConflictException when another host has it
     */
    Lease reserve(Ipv4Subnet subnet, Ipv4 publicIp) throws StoreException, InterruptedException;

    /**
     * Makes a reservation a lease again, that ends unless its host renews it.
     *
     * @throws LeaseConflictException when there is nothing under that name
     */
    Lease release(Ipv4Subnet subnet) throws StoreException, InterruptedException;
}
