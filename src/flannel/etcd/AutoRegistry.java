package flannel.etcd;

import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseRegistry;
import flannel.lease.RegistryException;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;

/**
 * {@code -etcd-api=auto}: the store that has the network's config, v2 first. As long as neither has it, both are watched. Only the caller
 * of {@link #list} and {@link #watch} decides, so these two are for one thread; the writes are for any.
 */
final class AutoRegistry implements LeaseRegistry {

    /** A store without a config, and where to watch it from. */
    private record Candidate(EtcdStore store, Cursor cursor) {
    }

    private final EtcdStore v2;
    private final EtcdStore v3;
    private final String configKey;
    private final Log log;
    /** Where leases are written; null before the first list. */
    private volatile EtcdStore active;
    /** Empty when a store with a config was found. */
    private List<Candidate> candidates = List.of();
    private boolean decided;
    private boolean checkedForTwo;
    private String announced = "";

    AutoRegistry(EtcdStore v2, EtcdStore v3, String configKey, Log log) {
        this.v2 = v2;
        this.v3 = v3;
        this.configKey = configKey;
        this.log = log;
    }

    @Override
    public Snapshot list() throws RegistryException, InterruptedException {
        if (decided) {
            Snapshot snapshot = active.list();
            if (snapshot.config() != null) {
                return snapshot;
            }
            decided = false;
        }
        return decide();
    }

    private Snapshot decide() throws RegistryException, InterruptedException {
        List<Candidate> without = new ArrayList<>();
        List<String> refusals = new ArrayList<>();
        Snapshot empty = null;
        RegistryException failure = null;
        for (EtcdStore store : List.of(v2, v3)) {
            try {
                Snapshot snapshot = store.list();
                if (snapshot.config() != null) {
                    return decideFor(store, snapshot);
                }
                if (empty == null) {
                    empty = snapshot;
                }
                without.add(new Candidate(store, snapshot.cursor()));
            } catch (UnavailableException e) {
                // a connection that breaks may be this API's fault alone: etcd 3.5.26 cuts v2 requests over TLS
                if (!e.connected()) {
                    throw e;
                }
                failure = e;
                refusals.add(e.getMessage());
            } catch (RegistryException e) {
                failure = e;
                refusals.add(e.getMessage());
            }
        }
        if (without.isEmpty()) {
            throw refusals.size() == 1 || refusals.getFirst().equals(refusals.getLast()) ? failure
                    : new RegistryException(String.join("; ", refusals));
        }
        candidates = without;
        active = without.getFirst().store();
        announce(true, "no network config at " + configKey + " in etcd's " + (without.size() == 2 ? "v2 or v3 store"
                : active.api() + " store (" + refusals.getFirst() + ")") + ": waiting for it");
        return empty;
    }

    private Snapshot decideFor(EtcdStore store, Snapshot snapshot) {
        active = store;
        decided = true;
        candidates = List.of();
        announce(false, "network config found in etcd's " + store.api() + " store");
        if (store == v2 && !checkedForTwo) {
            checkedForTwo = true;
            // for the warning only: nothing waits for it
            Thread.ofVirtual().start(this::warnIfBothHaveIt);
        }
        return snapshot;
    }

    private void warnIfBothHaveIt() {
        try {
            if (v3.config() != null) {
                log.warning(configKey + " is in etcd's v2 store and in its v3 store: using the v2 store (-etcd-api=v3 uses the other)");
            }
        } catch (RegistryException | InterruptedException e) {
            // then there is nothing to warn of
        }
    }

    /** Says it unless it was the last thing said: the caller tries again and again. */
    private void announce(boolean isTrouble, String text) {
        if (text.equals(announced)) {
            return;
        }
        announced = text;
        if (isTrouble) {
            log.warning(text);
        } else {
            log.info(text);
        }
    }

    @Override
    public void watch(Cursor from, Consumer<Event> sink) throws RegistryException, InterruptedException {
        if (!decided) {
            awaitConfig();
            return;
        }
        active.watchWhile(from, event -> {
            sink.accept(event);
            // a deleted config may come back in the other store
            return !(event instanceof ConfigChanged(String config) && config == null);
        });
    }

    /** Waits until a config appears in one of the stores, or one of the watches ends for another reason. */
    private void awaitConfig() throws RegistryException, InterruptedException {
        BlockingQueue<Object> ends = new LinkedBlockingQueue<>();
        Object resync = new Object();
        List<Thread> watchers = new ArrayList<>();
        for (Candidate candidate : candidates) {
            watchers.add(Thread.ofVirtual().start(() -> {
                try {
                    candidate.store().watchWhile(candidate.cursor(), event -> !(event instanceof ConfigChanged));
                    ends.add(resync);
                } catch (Exception e) {
                    ends.add(e);
                }
            }));
        }
        try {
            switch (ends.take()) {
                case RegistryException e -> throw e;
                case RuntimeException e -> throw e;
                default -> { }
            }
        } finally {
            for (Thread watcher : watchers) {
                watcher.interrupt();
            }
        }
    }

    private EtcdStore active() throws RegistryException {
        EtcdStore store = active;
        if (store == null) {
            throw new RegistryException("etcd has not been asked for the network config yet");
        }
        return store;
    }

    @Override
    public Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive)
            throws RegistryException, InterruptedException {
        return active().create(subnet, attributes, timeToLive);
    }

    @Override
    public Lease update(Lease held, LeaseAttributes attributes, Duration timeToLive) throws RegistryException, InterruptedException {
        return active().update(held, attributes, timeToLive);
    }

    @Override
    public void delete(Lease held) throws RegistryException, InterruptedException {
        active().delete(held);
    }

    @Override
    public void close() {
        v2.close();
        v3.close();
    }
}
