package flannel.etcd;

import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/** One of etcd's stores, of which it does not matter if etcd does not serve it: then there is nothing in it. To be read only. */
final class WhereServed implements LeaseRegistry {

    /** Between two looks at a store that is not served. */
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(30);

    /** An API whose connections break so many times in a row is not served in effect: v2 of etcd 3.5.26 over TLS. */
    private static final int BREAKS = 5;

    private static final Snapshot NOTHING = new Snapshot(null, List.of(), new Cursor(0, ""));

    private final EtcdStore store;
    private int breaks;

    WhereServed(EtcdStore store) {
        this.store = store;
    }

    @Override
    public Snapshot list() throws StoreException, InterruptedException {
        try {
            Snapshot snapshot = store.list();
            breaks = 0;
            return snapshot;
        } catch (NotServedException e) {
            return NOTHING;
        } catch (UnavailableException e) {
            if (!e.connected() || ++breaks < BREAKS) {
                throw e;
            }
            return NOTHING;
        }
    }

    @Override
    public void watch(Cursor from, Duration atMost, Consumer<StoreEvent> sink) throws StoreException, InterruptedException {
        if (from.equals(NOTHING.cursor())) {
            Thread.sleep(LOOK_AGAIN);
        } else {
            store.watch(from, atMost, sink);
        }
    }

    @Override
    public Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Lease update(Lease held, LeaseAttributes attributes, Duration timeToLive) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void delete(Lease held) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
        store.close();
    }
}
