package flannel.store;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.ServedStore;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.SubnetChoice;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/** One of a small store's networks. */
final class StoredNetwork implements ServedStore {

    /** As many leases as can be told in one list (see {@code api.Messages}). */
    private static final int MOST_LEASES = 12_000;

    private final String name;
    private final String configPlace;
    private final Committer committer;
    private final Followers followers;
    private final SubnetChoice choice;
    private final Log log;

    /** @param name "" for the network without one */
    StoredNetwork(String name, Object folder, Committer committer, Followers followers, RandomGenerator random, Log log) {
        this.name = name;
        this.configPlace = "network config in the store " + folder + " (-net-config" + (name.isEmpty() ? "" : "=" + name + "=...") + ")";
        this.committer = committer;
        this.followers = followers;
        this.choice = new SubnetChoice(random, log);
        this.log = log;
    }

    @Override
    public String configPlace() {
        return configPlace;
    }

    @Override
    public boolean isAtomic() {
        return true;
    }

    @Override
    public void follow(Consumer<StoreEvent> sink) throws InterruptedException {
        followers.follow(name, committer, sink);
    }

    @Override
    public Collection<Entry> read() throws StoreException, InterruptedException {
        return committer.commit(draft -> List.copyOf(draft.contents().leases(name)));
    }

    @Override
    public Taken take(Wish wish, Collection<Entry> known) throws StoreException, InterruptedException {
        return committer.commit(draft -> take(draft, wish));
    }

    private Taken take(Draft draft, Wish wish) throws StoreException {
        LeaseAttributes mine = wish.attributes();
        for (Optional<Lease> own = own(draft, wish); own.isPresent(); own = own(draft, wish)) {
            Lease found = own.get();
            if (wish.config().allows(found.subnet())) {
                log.info("Found lease (" + found.subnet() + ") for current IP (" + mine.publicIp() + "), reusing");
                return new Taken(draft.put(name, found.subnet(), mine, found.isReservation()),
                        SubnetChoice.isOursForSure(found.attributes(), mine) ? null : found.attributes());
            }
            log.info("Found lease (" + found.subnet() + ") for current IP (" + mine.publicIp()
                    + ") but not compatible with current config, deleting");
            draft.remove(name, found.subnet());
        }
        Ipv4Subnet free = choice.free(wish, wish.previous(), draft.contents().taken(name), draft.contents().freeFront(name));
        return new Taken(create(draft, free, mine, false), null);
    }

    private Optional<Lease> own(Draft draft, Wish wish) {
        return SubnetChoice.own(wish, draft.contents().leasesOf(name, wish.attributes()));
    }

    private Lease create(Draft draft, Ipv4Subnet subnet, LeaseAttributes attributes, boolean reservation) throws StoreException {
        if (draft.contents().leaseCount() >= MOST_LEASES) {
            throw new StoreException("the store has " + MOST_LEASES + " leases, and takes no more: such a cluster wants etcd");
        }
        return draft.put(name, subnet, attributes, reservation);
    }

    @Override
    public Lease renew(Lease held, LeaseAttributes attributes) throws StoreException, InterruptedException {
        return committer.commit(draft -> draft.put(name, held.subnet(), attributes, same(draft, held).isReservation()));
    }

    @Override
    public void giveBack(Lease held) throws StoreException, InterruptedException {
        committer.commit(draft -> {
            draft.remove(name, same(draft, held).subnet());
            return null;
        });
    }

    /** The lease as it is, if it is as it was seen. */
    private Lease same(Draft draft, Lease held) throws LeaseConflictException {
        Lease now = draft.contents().lease(name, held.subnet());
        if (now == null) {
            throw new LeaseConflictException("lease " + held.subnet() + " is gone");
        }
        if (now.asOf() != held.asOf()) {
            throw new LeaseConflictException("lease " + held.subnet() + " has been written since by " + now.attributes().publicIp());
        }
        return now;
    }

    @Override
    public Lease reserve(Ipv4Subnet subnet, Ipv4 publicIp) throws StoreException, InterruptedException {
        return committer.commit(draft -> {
            Lease now = draft.contents().lease(name, subnet);
            for (Lease other : draft.contents().leases(name)) {
                if (other.subnet().overlaps(subnet) && (now == null || !other.attributes().publicIp().equals(publicIp))) {
                    throw new LeaseConflictException("subnet " + subnet + " is already held by " + other.attributes().publicIp()
                            + (other.subnet().equals(subnet) ? "" : ", which has " + other.subnet()));
                }
            }
            return now == null ? create(draft, subnet, new LeaseAttributes(publicIp, "", null, ""), true)
                    : now.isReservation() ? now : draft.put(name, subnet, now.attributes(), true);
        });
    }

    @Override
    public Lease release(Ipv4Subnet subnet) throws StoreException, InterruptedException {
        return committer.commit(draft -> {
            Lease now = draft.contents().lease(name, subnet);
            if (now == null) {
                throw new LeaseConflictException("there is no lease of " + subnet);
            }
            return now.isReservation() ? draft.put(name, subnet, now.attributes(), false) : now;
        });
    }

    @Override
    public void reconnect() {
    }

    /** With the store. */
    @Override
    public void close() {
    }
}
