package flannel.daemon;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseConflictException;
import flannel.lease.StoreException;
import flannel.lease.SubnetStore;

/**
 * Gives this host's own lease back, for a host that leaves: by compare-and-swap on what is known to be its own. An operator's reservation stays.
 *
 * @param mark this host's, see {@link flannel.lease.LeaseAttributes#node}
 */
record GivingBack(SubnetStore store, String mark) {

    /**
     * Runs it.
     *
     * @param held the lease as last seen
     * @return what became of it, one sentence
     */
    String run(Lease held) throws StoreException, InterruptedException {
        String lease = "Lease " + held.subnet();
        if (held.isReservation()) {
            return lease + " is a reservation, which stays (flanneld lease release " + held.subnet() + ")";
        }
        Lease now = held;
        try {
            store.giveBack(held);
        } catch (LeaseConflictException e) { // perhaps by a renewal of our own, whose answer was not heard any more
            now = stillOurs(held);
            if (now != null) {
                store.giveBack(now);
            }
        }
        return lease + (now == null ? " is not this host's any more" : " was given back");
    }

    /** Null when it is gone, or somebody else's. */
    private Lease stillOurs(Lease held) throws StoreException, InterruptedException {
        for (Entry entry : store.read()) {
            if (entry instanceof Lease lease && lease.key().equals(held.key()) && lease.attributes().node().equals(mark) && !lease.isReservation()) {
                return lease;
            }
        }
        return null;
    }
}
