package flannel.lease;

import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.time.Instant;

/**
 * A subnet that a host holds.
 *
 * @param key        its name in the store
 * @param subnet     the range
 * @param attributes its value
 * @param expiry     when it ends unless renewed
 * @param asOf       see {@link Entry#asOf}
 */
public record Lease(LeaseKey key, Ipv4Subnet subnet, LeaseAttributes attributes, Expiry expiry, long asOf) implements Entry {

    /** What the original gives each lease; newer Go flannels do the same in etcd v3. */
    public static final Duration TIME_TO_LIVE = Duration.ofHours(24);

    /** A lease under its subnet's own name. */
    public Lease(Ipv4Subnet subnet, LeaseAttributes attributes, Expiry expiry, long asOf) {
        this(LeaseKey.of(subnet), subnet, attributes, expiry, asOf);
    }

    /** When a lease ends. */
    public sealed interface Expiry {
    }

    /** Never: a reservation, made by an operator. */
    public record Never() implements Expiry {
    }

    public record At(Instant instant) implements Expiry {

        /** Ten years: more than any lease needs, and nothing that arithmetic of times could overflow by. */
        private static final long LONGEST_SECONDS = 10L * 365 * 86_400;

        /** So many seconds from now on, as a store tells: by this host's clock, for the store's may be another. */
        public static At in(long seconds) {
            return new At(Instant.now().plusSeconds(Math.clamp(seconds, 0, LONGEST_SECONDS)));
        }
    }

    /** Some day: the store does not tell without being asked. */
    public record Unknown() implements Expiry {
    }

    public boolean isReservation() {
        return expiry instanceof Never;
    }
}
