package flannel.lease;

import flannel.net.Ipv4Subnet;
import java.time.Instant;

/**
 * A subnet that a host holds.
 *
 * @param subnet     the range, also the lease's key
 * @param attributes its value
 * @param expiry     when it ends unless renewed
 * @param revision   changes with each write of the key (v2 modifiedIndex, v3 mod_revision): the token of compare-and-swap
 * @param storeLease v3: id of the etcd lease the key hangs on, 0 for none; v2: always 0
 */
public record Lease(Ipv4Subnet subnet, LeaseAttributes attributes, Expiry expiry, long revision, long storeLease) {

    /** When a lease ends. */
    public sealed interface Expiry {
    }

    /** Never: a reservation, made by an operator. */
    public record Never() implements Expiry {
    }

    public record At(Instant instant) implements Expiry {
    }

    /** Some day: etcd v3 does not tell with the key, only when asked about the etcd lease. */
    public record Unknown() implements Expiry {
    }

    public boolean isReservation() {
        return expiry instanceof Never;
    }
}
