package flannel.etcd;

import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.StoreEvent;
import flannel.lease.StoreEvent.ConfigChanged;
import flannel.lease.StoreException;
import flannel.lease.StoreHealth;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * {@code -etcd-api=auto}: the store that has the network's config, v2 first. Only an answer decides: a v2 that does not answer may have a
 * config that the other hosts use, so it is asked again until it does, or says that it is not served. As long as neither has a config, both
 * are watched. From this host's first lease on the store with that lease is the one, whatever becomes of the config: so it follows when config
 * and leases were moved to the other store, for then that has its lease.
 *
 * <p>Only the caller of {@link #list} and {@link #watch} decides, so these two are for one thread; the writes are for any.
 */
final class AutoRegistry implements LeaseRegistry {

    /** While no store has a config: one that could not be watched is asked again this often. */
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(30);

    /** A v2 whose connections break so many times in a row, while v3 answers, is not served in effect: etcd 3.5.26 over TLS. */
    private static final int BREAKS = 5;

    /** A store without a config, and where to watch it from. */
    private record Candidate(EtcdStore store, Cursor cursor) {
    }

    private final EtcdStore v2;
    private final EtcdStore v3;
    private final String configKey;
    private final Log log;
    /** Where leases are written; null before the first list. */
    private volatile EtcdStore active;
    /** This host's, as written last; null before its first. */
    private volatile Lease held;
    /** The store with this host's lease has no config any more. */
    private boolean left;
    /** Empty when a store with a config was found. */
    private List<Candidate> candidates = List.of();
    private boolean decided;
    private int breaks;
    private boolean checkedForTwo;
    private String announced = "";

    AutoRegistry(EtcdStore v2, EtcdStore v3, String configKey, Log log) {
        this.v2 = v2;
        this.v3 = v3;
        this.configKey = configKey;
        this.log = log;
    }

    @Override
    public Snapshot list() throws StoreException, InterruptedException {
        if (decided) {
            Snapshot snapshot = active.list();
            left = snapshot.config() == null && held != null;
            if (snapshot.config() != null) {
                return snapshot;
            }
            if (left) {
                return follow(snapshot);
            }
            decided = false;
        }
        return decide();
    }

    /** To the other store, if config and leases are there now: our lease, as it was copied, is among them. */
    private Snapshot follow(Snapshot here) throws InterruptedException {
        EtcdStore other = active == v2 ? v3 : v2;
        Lease ours = held;
        try {
            Snapshot there = other.list();
            if (there.config() != null && there.leases().stream().anyMatch(lease -> lease.key().equals(ours.key())
                    && lease.attributes().equals(ours.attributes()))) {
                log.info("The network has moved to etcd's " + other.api() + " store: config and this host's lease " + ours.subnet()
                        + " are there, and no config in the " + active.api() + " store any more");
                active = other;
                left = false;
                return there;
            }
        } catch (StoreException e) {
            // it stays where it is, and looks again
        }
        return here;
    }

    private Snapshot decide() throws StoreException, InterruptedException {
        List<Candidate> without = new ArrayList<>();
        String refusal = "";
        Snapshot empty = null;
        try {
            Snapshot snapshot = v2.list();
            breaks = 0;
            if (snapshot.config() != null) {
                return decideFor(v2, snapshot);
            }
            empty = snapshot;
            without.add(new Candidate(v2, snapshot.cursor()));
        } catch (NotServedException e) {
            refusal = e.getMessage();
        } catch (UnavailableException e) {
            if (!e.connected() || ++breaks < BREAKS) {
                throw e;
            }
            refusal = e.getMessage();
        }
        try {
            Snapshot snapshot = v3.list();
            if (snapshot.config() != null) {
                return decideFor(v3, snapshot);
            }
            empty = empty == null ? snapshot : empty;
            without.add(new Candidate(v3, snapshot.cursor()));
        } catch (StoreException e) {
            if (empty == null) {
                throw refusal.isEmpty() || refusal.equals(e.getMessage()) ? e : new StoreException(refusal + "; " + e.getMessage());
            }
            refusal = e.getMessage(); // v2 answers, and has none: it is watched, and v3 asked again
        }
        candidates = without;
        active = without.getFirst().store();
        announce(true, "no network config at " + configKey + " in etcd's " + (without.size() == 2 ? "v2 or v3 store"
                : active.api() + " store (" + refusal + ")") + ": waiting for it");
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
        } catch (StoreException | InterruptedException e) {
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
    public void watch(Cursor from, Duration atMost, Consumer<StoreEvent> sink) throws StoreException, InterruptedException {
        if (!decided) {
            awaitConfig();
            return;
        }
        Duration upTo = left && atMost.compareTo(LOOK_AGAIN) > 0 ? LOOK_AGAIN : atMost;
        active.watchWhile(from, upTo, event -> {
            sink.accept(event);
            // a deleted config may come back in the other store
            return !(event instanceof ConfigChanged(String config) && config == null);
        });
    }

    /** Waits until a config appears in one of the stores, one of the watches ends for another reason, or it is time to look again. */
    private void awaitConfig() throws StoreException, InterruptedException {
        BlockingQueue<Object> ends = new LinkedBlockingQueue<>();
        Object resync = new Object();
        List<Thread> watchers = new ArrayList<>();
        for (Candidate candidate : candidates) {
            watchers.add(Thread.ofVirtual().start(() -> {
                try {
                    candidate.store().watchWhile(candidate.cursor(), LOOK_AGAIN, event -> !(event instanceof ConfigChanged));
                    ends.add(resync);
                } catch (Exception e) {
                    ends.add(e);
                }
            }));
        }
        try {
            switch (ends.poll(LOOK_AGAIN.toMillis(), TimeUnit.MILLISECONDS)) {
                case StoreException e -> throw e;
                case RuntimeException e -> throw e;
                case null, default -> { }
            }
        } finally {
            for (Thread watcher : watchers) {
                watcher.interrupt();
            }
        }
    }

    private EtcdStore active() throws StoreException {
        EtcdStore store = active;
        if (store == null) {
            throw new StoreException("etcd has not been asked for the network config yet");
        }
        return store;
    }

    @Override
    public Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive)
            throws StoreException, InterruptedException {
        return held(active().create(subnet, attributes, timeToLive));
    }

    @Override
    public Lease update(Lease held, LeaseAttributes attributes, Duration timeToLive) throws StoreException, InterruptedException {
        return held(active().update(held, attributes, timeToLive));
    }

    private Lease held(Lease lease) {
        held = lease;
        return lease;
    }

    @Override
    public Lease withEnd(Lease lease) throws StoreException, InterruptedException {
        return active().withEnd(lease);
    }

    @Override
    public StoreHealth health() {
        EtcdStore store = active;
        return store == null ? v2.health().withoutApi() : store.health();
    }

    @Override
    public void delete(Lease held) throws StoreException, InterruptedException {
        active().delete(held);
    }

    @Override
    public void reconnect() {
        v2.reconnect();
        v3.reconnect();
    }

    @Override
    public void close() {
        v2.close();
        v3.close();
    }
}
