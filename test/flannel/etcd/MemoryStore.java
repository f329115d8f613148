package flannel.etcd;

import flannel.etcd.LeaseRegistry.Cursor;
import flannel.etcd.LeaseRegistry.Snapshot;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.ServedStore;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.SubnetStore;
import flannel.log.Log;
import java.time.Instant;
import java.util.List;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** etcd in memory for whole histories on virtual time: the daemon's own code above the registry, nothing but a list of changes below it. */
public final class MemoryStore {

    private final MemoryRegistry registry;

    /** @param wallTime by which the ends of leases are told */
    public MemoryStore(Supplier<Instant> wallTime) {
        registry = new MemoryRegistry(wallTime);
    }

    /** The store as one host uses it; {@link SubnetStore#follow} is done in steps, by {@link #follower}. */
    public ServedStore client(RandomGenerator random, Log log) {
        return new EtcdSubnetStore(registry, "key /n/config in a test", random, log);
    }

    /** One host's follower, moved on by hand. */
    public final class Follower {

        private final StoreFollower told;
        private Cursor at;
        private boolean away;

        private Follower(RandomGenerator random) {
            told = new StoreFollower(registry, random);
        }

        /** What the host is told next; null when there is nothing to tell. */
        public StoreEvent next() {
            try {
                List<MemoryRegistry.Change> change = at == null ? List.of() : registry.after(at);
                if (change == null) {
                    return null;
                }
                if (change.isEmpty()) {
                    Snapshot snapshot = registry.list();
                    away = false;
                    at = snapshot.cursor();
                    return told.told(snapshot);
                }
                at = new Cursor(change.getFirst().revision() + 1, at.cluster());
                told.noted(change.getFirst().event());
                return change.getFirst().event();
            } catch (StoreException e) {
                at = null;
                boolean told = away;
                away = true;
                return told ? null : new StoreEvent.Away(e.getMessage());
            }
        }

        /** Makes it list again, as it does now and then. */
        public void relist() {
            at = null;
        }
    }

    public Follower follower(RandomGenerator random) {
        return new Follower(random);
    }

    /** An event between a daemon's look and its next write. */
    public void beforeNextWrite(Runnable intruder) {
        registry.beforeNextWrite(intruder);
    }

    /** The next write of a host happens, and the host is not told that it has. */
    public void loseNextAnswer() {
        registry.loseNextAnswer();
    }

    public void config(String text) {
        registry.config(text);
    }

    public void put(String subnet, LeaseAttributes attributes, Lease.Expiry expiry) {
        registry.put(subnet, attributes, expiry);
    }

    public void occupy(String key) {
        registry.occupy(key);
    }

    /** Writes a key and a value as they may stand in etcd, whatever they say. */
    public void write(String key, String value, long revision) {
        registry.put(new LeaseKeys("/n").entry("/n/subnets/" + key, value, new Lease.Unknown(), revision));
    }

    public void remove(String key) {
        registry.remove(key);
    }

    public List<Lease> leases() {
        return registry.leases();
    }

    public List<Entry> entries() {
        return registry.entries();
    }

    /** Another store, with nothing in it. */
    public void wipe() {
        registry.wipe();
    }

    /** Everything deleted, the config last or first, as {@code rm -r} of the whole prefix does. */
    public void empty() {
        registry.config(null);
        registry.entries().forEach(entry -> registry.remove(entry.key().name()));
    }

    /** Brings back what it was; call what is returned. */
    public Runnable backup() {
        MemoryRegistry.State state = registry.backup();
        return () -> registry.restore(state);
    }

    /** @param reason null when it can be reached again */
    public void trouble(String reason) {
        registry.trouble(reason);
    }
}
