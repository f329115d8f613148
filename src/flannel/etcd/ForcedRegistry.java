package flannel.etcd;

import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.StoreHealth;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.function.Consumer;

/** {@code -etcd-api=v2} or {@code v3}: that store alone, with a hint when the config lies in the other one. */
final class ForcedRegistry implements LeaseRegistry {

    private final EtcdStore store;
    private final EtcdStore other;
    private final String configKey;
    private final Log log;
    private boolean hinted;

    ForcedRegistry(EtcdStore store, EtcdStore other, String configKey, Log log) {
        this.store = store;
        this.other = other;
        this.configKey = configKey;
        this.log = log;
    }

    @Override
    public Snapshot list() throws StoreException, InterruptedException {
        Snapshot snapshot = store.list();
        if (snapshot.config() == null && !hinted && otherHasConfig()) {
            hinted = true;
            log.warning(configKey + " is in etcd's " + other.api() + " store, but not in its " + store.api()
                    + " store, which -etcd-api=" + store.api() + " asks for");
        }
        return snapshot;
    }

    private boolean otherHasConfig() throws InterruptedException {
        try {
            return other.config() != null;
        } catch (StoreException e) {
            return false;
        }
    }

    @Override
    public void watch(Cursor from, Duration atMost, Consumer<StoreEvent> sink) throws StoreException, InterruptedException {
        store.watch(from, atMost, sink);
    }

    @Override
    public Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive)
            throws StoreException, InterruptedException {
        return store.create(subnet, attributes, timeToLive);
    }

    @Override
    public Lease update(Lease held, LeaseAttributes attributes, Duration timeToLive) throws StoreException, InterruptedException {
        return store.update(held, attributes, timeToLive);
    }

    @Override
    public Lease withEnd(Lease lease) throws StoreException, InterruptedException {
        return store.withEnd(lease);
    }

    @Override
    public StoreHealth health() {
        return store.health();
    }

    @Override
    public void delete(Lease held) throws StoreException, InterruptedException {
        store.delete(held);
    }

    @Override
    public void reconnect() {
        store.reconnect();
    }

    @Override
    public void close() {
        store.close();
    }
}
