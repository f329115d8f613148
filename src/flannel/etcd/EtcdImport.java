package flannel.etcd;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseKey;
import flannel.lease.NetworkConfig;
import flannel.lease.NetworkContents;
import flannel.lease.StoreException;
import flannel.log.Log;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Brings a network that was kept elsewhere into one of etcd's stores. Overwrites nothing that says anything else, and may be done again. The
 * config comes last: whoever waits for it there finds the leases.
 */
public final class EtcdImport implements AutoCloseable {

    private final LeaseRegistry registry;
    private final EtcdStore store;

    private EtcdImport(EtcdStore store) {
        this.registry = store;
        this.store = store;
    }

    /** @throws IllegalArgumentException with a sentence when an option can't be used, as when they leave open which store it is to be */
    public static EtcdImport open(EtcdOptions options, Log log) {
        if (options.api().equals("auto")) {
            throw new IllegalArgumentException("which of etcd's stores is it to be? Give -etcd-api=v3, or -etcd-api=v2 where flannel 0.7.1 runs too");
        }
        return new EtcdImport(EtcdSubnetStore.store(options, options.api(), log));
    }

    /**
     * What is to be done.
     *
     * @param config    JSON text
     * @param create    leases that are not there
     * @param renew     leases that are there and say the same, as they are there, with the ends that they shall have
     * @param obstacles what has to be out of the way before anything is written, a sentence each
     * @param left      what can't be written, a clause each
     */
    public record Plan(String config, boolean writesConfig, List<Lease> create, List<Lease> renew, List<String> obstacles, List<String> left) {
    }

    public Plan plan(NetworkContents contents) throws StoreException, InterruptedException {
        LeaseRegistry.Snapshot there = registry.list();
        Map<LeaseKey, Entry> known = new HashMap<>();
        there.entries().forEach(entry -> known.put(entry.key(), entry));
        List<String> obstacles = new ArrayList<>();
        List<String> left = new ArrayList<>();
        List<Lease> create = new ArrayList<>();
        List<Lease> renew = new ArrayList<>();
        if (there.config() != null && !same(there.config(), contents.config())) {
            obstacles.add("etcd's " + store.api() + " store has another network config already: " + there.config().strip());
        }
        for (Entry entry : contents.entries()) {
            switch (entry) {
                case Lease lease when !lease.key().isPlain() -> left.add(lease.key() + ", for its name is that of another kind of lease");
                case Lease lease -> {
                    switch (known.get(lease.key())) {
                        case null -> create.add(lease);
                        case Lease now when now.attributes().equals(lease.attributes()) ->
                            renew.add(new Lease(now.key(), now.subnet(), now.attributes(), lease.expiry(), now.asOf()));
                        case Lease other -> obstacles.add(lease.subnet() + " is a lease of " + lease.attributes().publicIp() + ", and in etcd's "
                                + store.api() + " store one of " + other.attributes().publicIp() + " that says something else");
                        case Entry.Occupied occupied -> obstacles.add(lease.subnet() + " is taken in etcd's " + store.api() + " store: "
                                + occupied.why());
                    }
                }
                case Entry.Occupied occupied -> left.add(occupied.key() + ": " + occupied.why());
            }
        }
        return new Plan(contents.config(), there.config() == null, create, renew, obstacles, left);
    }

    private static boolean same(String one, String other) {
        try {
            NetworkConfig a = NetworkConfig.parse(one);
            NetworkConfig b = NetworkConfig.parse(other);
            return a.equals(b);
        } catch (IllegalArgumentException e) {
            return one.equals(other);
        }
    }

    public void write(Plan plan) throws StoreException, InterruptedException {
        for (Lease lease : plan.create()) {
            Lease made = registry.create(lease.subnet(), lease.attributes(), left(lease));
            if (lease.isReservation()) {
                keep(made, lease);
            }
        }
        for (Lease lease : plan.renew()) {
            keep(lease, lease);
        }
        if (plan.writesConfig()) {
            store.createConfig(plan.config());
        }
    }

    private void keep(Lease now, Lease wanted) throws StoreException, InterruptedException {
        registry.update(new Lease(now.key(), now.subnet(), now.attributes(), wanted.expiry(), now.asOf()), now.attributes(), left(wanted));
    }

    private static Duration left(Lease lease) {
        Duration left = lease.expiry() instanceof Lease.At(Instant end) ? Duration.between(Instant.now(), end) : Lease.TIME_TO_LIVE;
        return left.compareTo(Duration.ofSeconds(1)) < 0 ? Duration.ofSeconds(1) : left;
    }

    @Override
    public void close() {
        registry.close();
    }
}
