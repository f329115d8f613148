package flannel.etcd;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.LeaseKey;
import flannel.lease.ServedStore;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.StoreHealth;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.Collection;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/** The subnets of a network that are kept in etcd: each host takes its own there, by compare-and-swap. */
public final class EtcdSubnetStore implements ServedStore {

    private final LeaseRegistry registry;
    private final String configPlace;
    private final LeaseKeeper keeper;
    private final StoreFollower follower;

    EtcdSubnetStore(LeaseRegistry registry, String configPlace, RandomGenerator random, Log log) {
        this.registry = registry;
        this.configPlace = configPlace;
        this.keeper = new LeaseKeeper(registry, random, log);
        this.follower = new StoreFollower(registry, random);
    }

    /**
     * Needs the files that the options name, but not etcd: that is asked for the first time when it is followed.
     *
     * @throws IllegalArgumentException with a sentence when an option can't be used
     */
    public static ServedStore open(EtcdOptions options, Log log) {
        return EtcdNetworks.open(options, log).network("");
    }

    /** One of etcd's two stores. */
    static EtcdStore store(EtcdOptions options, String api, Log log) {
        EtcdConnection etcd = EtcdConnection.open(options, EtcdTimeouts.DEFAULT, log);
        LeaseKeys keys = new LeaseKeys(options.folder());
        return api.equals("v2") ? etcd.v2(keys) : etcd.v3(keys);
    }

    static LeaseRegistry registry(EtcdOptions options, EtcdTimeouts timeouts, Log log) {
        return EtcdConnection.open(options, timeouts, log).registry(options.folder());
    }

    @Override
    public String configPlace() {
        return configPlace;
    }

    @Override
    public StoreHealth health() {
        return registry.health();
    }

    @Override
    public void follow(Consumer<StoreEvent> sink) throws InterruptedException {
        follower.run(sink);
    }

    @Override
    public Collection<Entry> read() throws StoreException, InterruptedException {
        return registry.list().entries();
    }

    @Override
    public Taken take(Wish wish, Collection<Entry> known) throws StoreException, InterruptedException {
        return keeper.take(wish, known);
    }

    @Override
    public Lease renew(Lease held, LeaseAttributes attributes) throws StoreException, InterruptedException {
        return registry.update(held, attributes, Lease.TIME_TO_LIVE);
    }

    @Override
    public void giveBack(Lease held) throws StoreException, InterruptedException {
        registry.delete(held);
    }

    @Override
    public void reconnect() {
        registry.reconnect();
    }

    @Override
    public Lease reserve(Ipv4Subnet subnet, Ipv4 publicIp) throws StoreException, InterruptedException {
        Optional<Entry> found = find(subnet);
        Lease lease = switch (found.orElse(null)) {
            case null -> registry.create(subnet, new LeaseAttributes(publicIp, "", null, ""), Lease.TIME_TO_LIVE);
            case Lease held when held.attributes().publicIp().equals(publicIp) -> held;
            case Lease other -> throw new LeaseConflictException("subnet " + subnet + " is already held by "
                    + other.attributes().publicIp());
            case Entry.Occupied occupied -> throw new LeaseConflictException("subnet " + subnet + " is taken: " + occupied.why());
        };
        return lease.isReservation() ? lease : write(lease, new Lease.Never());
    }

    @Override
    public Lease release(Ipv4Subnet subnet) throws StoreException, InterruptedException {
        if (find(subnet).orElse(null) instanceof Lease lease) {
            return lease.isReservation() ? write(lease, new Lease.Unknown()) : lease;
        }
        throw new LeaseConflictException("there is no lease of " + subnet);
    }

    private Optional<Entry> find(Ipv4Subnet subnet) throws StoreException, InterruptedException {
        return read().stream().filter(entry -> entry.key().equals(LeaseKey.of(subnet))).findFirst();
    }

    private Lease write(Lease lease, Lease.Expiry expiry) throws StoreException, InterruptedException {
        Lease wanted = new Lease(lease.key(), lease.subnet(), lease.attributes(), expiry, lease.asOf());
        return registry.update(wanted, lease.attributes(), Lease.TIME_TO_LIVE);
    }

    @Override
    public Lease withEnd(Lease lease) throws StoreException, InterruptedException {
        return registry.withEnd(lease);
    }

    @Override
    public void close() {
        registry.close();
    }
}
