package flannel.lease;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.Collection;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Where one network's configuration and leases are kept: takes a subnet for this host and keeps it, and tells of all the others. Calls block
 * with a deadline of their own ({@link #follow} has none); an interrupt ends them. Safe for use by several threads. (0.7.1: subnet manager.)
 */
public interface SubnetStore extends AutoCloseable {

    /**
     * What a host asks for.
     *
     * @param config     the network's configuration
     * @param attributes what the lease shall say
     * @param previous   the subnet it had before, wanted again if free; null for none
     * @param strangers  living hosts that claim to be this one: their leases are not ours
     * @param avoid      subnets that are somebody's although the store no longer says so
     */
    record Wish(NetworkConfig config, LeaseAttributes attributes, Ipv4Subnet previous, Set<Holder> strangers, Set<Ipv4Subnet> avoid) {
    }

    /**
     * Who a lease says that it belongs to.
     *
     * @param mark see {@link LeaseAttributes#node}
     */
    record Holder(Ipv4 publicIp, String mark) {

        public static Holder of(LeaseAttributes attributes) {
            return new Holder(attributes.publicIp(), attributes.node());
        }

        @Override
        public String toString() {
            return publicIp + (mark.isEmpty() ? "" : " (mark " + mark + ")");
        }
    }

    /**
     * A lease obtained.
     *
     * @param from what it said before when another living host may have written that, and will object; null when nobody can
     */
    record Taken(Lease lease, LeaseAttributes from) {
    }

    /** Where the network's configuration is looked for, as a person would name it: "key /coreos.com/network/config in etcd (-etcd-prefix)". */
    String configPlace();

    /** How it goes with the requests to it. At any time, without waiting. */
    default StoreHealth health() {
        return StoreHealth.UNKNOWN;
    }

    /** Tells everything there is, then every change in its order, until interrupted. To be called once, on a thread of its own. */
    void follow(Consumer<StoreEvent> sink) throws InterruptedException;

    /** Reads what is there now: for whoever must not go by what was told a while ago. */
    Collection<Entry> read() throws StoreException, InterruptedException;

    /**
     * Takes the lease that is this host's already, else the previous subnet if that is free, else another free one.
     *
     * @param known the entries as last told
     * @throws StoreException when the store fails, or when no subnet is free
     */
    Taken take(Wish wish, Collection<Entry> known) throws StoreException, InterruptedException;

    /**
     * Extends a lease, or writes it again with other attributes. A reservation stays one.
     *
     * @throws LeaseConflictException when it is gone, or somebody else has written it since {@code held} was seen
     */
    Lease renew(Lease held, LeaseAttributes attributes) throws StoreException, InterruptedException;

    /**
     * Gives a lease back.
     *
     * @throws LeaseConflictException when it is gone, or somebody else has written it since {@code held} was seen
     */
    void giveBack(Lease held) throws StoreException, InterruptedException;

    /** This host's part of the network is in place: for a store that tells others so. Does not wait. */
    default void networkIsUp() {
    }

    /** This host has another address: drops connections from the former one, on which calls would wait in vain for long. */
    void reconnect();

    /** Ends the calls that wait. */
    @Override
    void close();
}
