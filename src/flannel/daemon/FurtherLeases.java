package flannel.daemon;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseKey;
import flannel.net.Ipv4;
import java.util.HashSet;
import java.util.Set;

/** Leases of this host beside the one that it holds, of no use to anybody. For the session's thread. */
final class FurtherLeases {

    private final Surroundings around;
    private final LeaseTable table;
    private final Set<Ipv4> formerAddresses = new HashSet<>();

    FurtherLeases(Surroundings around, LeaseTable table) {
        this.around = around;
        this.table = table;
    }

    /** This host told its peers that address before. */
    void addressWas(Ipv4 former) {
        formerAddresses.add(former);
    }

    /** Gives a lease back that only this host can have written. */
    void giveBack(Entry entry, LeaseKey held, LeaseAttributes mine) {
        if (!(entry instanceof Lease other) || other.key().equals(held) || other.isReservation()
                || !other.attributes().node().equals(mine.node()) || table.isKept(other.key())) {
            return;
        }
        Ipv4 address = other.attributes().publicIp();
        if (address.equals(mine.publicIp()) || formerAddresses.contains(address)) {
            around.log().info("Giving back lease " + other.subnet() + ", which this host wrote too");
            around.giveBack(other);
        }
    }
}
