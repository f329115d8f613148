package flannel.etcd;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Plays hosts against one store in every order that their requests can come in. A host is a piece of code without threads: to go on, it is
 * run again from its beginning with the answers it had so far, and stops at the first request that has none. So a moment of the world is a
 * value, and each way on from it a branch. What many histories come through is gone on from once, and counted for each.
 *
 * <p>The requests are those of the two registries, with their own {@link CarefulWrite}: one exchange with etcd is one step.
 */
final class Interleavings {

    /** How a registry writes: v2 knows its write again by the value, v3 by the etcd lease that only this write had. */
    enum Api { V2, V3 }

    /** What a host does with its store; answers the lease that it holds at the end. */
    interface Life {
        Lease live(LeaseRegistry registry) throws StoreException, InterruptedException;
    }

    /** @param attributes who it is */
    record Host(LeaseAttributes attributes, Life life) {
    }

    /** What etcd has of a key. */
    private record Stored(Lease lease, long etcdLease) {
    }

    /** One exchange with the store, which may change it. */
    private interface Request {
        Object answer(Map<String, Stored> store, long nextRevision) throws LeaseConflictException;
    }

    /** What became of a write. A late one comes when its host has long given up waiting, or never. */
    private enum Fate { ANSWERED, ANSWER_LOST, LATE }

    /** @param failure null when there was an answer */
    private record Heard(Object answer, StoreException failure) {
    }

    /** Where a host stops that has no answer yet. */
    private static final class Waits extends Error {
        private static final long serialVersionUID = 1;
        private final transient Request request;
        private final String what;

        Waits(Request request, String what) {
            super(null, null, false, false);
            this.request = request;
            this.what = what;
        }

        /** What only reads is asked again by the client itself. */
        boolean canBeLost() {
            return !what.startsWith("reads");
        }
    }

    /**
     * A write that is still on its way.
     *
     * @param heard by its host before it, which tells one write from another
     */
    private record Late(int host, List<Heard> heard, Waits write) {

        @Override
        public boolean equals(Object other) {
            return other instanceof Late late && host == late.host && heard.equals(late.heard);
        }

        @Override
        public int hashCode() {
            return heard.hashCode();
        }
    }

    /**
     * A moment.
     *
     * @param heard    by each host so far
     * @param standing where that has brought each: a request that waits, the lease that it has at its end, or the reason why it has none
     * @param story    how we came here
     */
    private record Moment(Map<String, Stored> store, long revision, List<List<Heard>> heard, List<Object> standing, List<Late> underway, int losses,
            int expiries, List<String> story) {

        /** All that decides what can come of it. */
        Object essence() {
            return List.of(store, revision, heard, underway, losses, expiries);
        }
    }

    private static final LostAnswerException LOST = new LostAnswerException("no answer");
    private static final LeaseConflictException CONFLICT = new LeaseConflictException("another write was before");

    private final Api api;
    private final List<Host> hosts;
    /** How many histories there are from a moment on, by its essence. */
    private final Map<Object, Long> known = new HashMap<>();

    Interleavings(Api api, List<Host> hosts) {
        this.api = api;
        this.hosts = hosts;
    }

    /**
     * Plays all histories.
     *
     * @param losses   writes, or answers to them, that may be lost in each
     * @param expiries leases that may expire in each
     * @return how many there were
     */
    long explore(List<Lease> leases, int losses, int expiries) {
        Map<String, Stored> store = new TreeMap<>();
        leases.forEach(lease -> store.put(lease.key().name(), new Stored(lease, lease.asOf())));
        List<List<Heard>> nothing = new ArrayList<>();
        List<Object> standing = new ArrayList<>();
        for (int host = 0; host < hosts.size(); host++) {
            nothing.add(List.of());
            standing.add(play(host, List.of()));
        }
        return explore(new Moment(store, leases.size(), nothing, standing, List.of(), losses, expiries, List.of()));
    }

    /** How many moments it has been through. */
    int moments() {
        return known.size();
    }

    private long explore(Moment moment) {
        Object essence = moment.essence();
        Long before = known.get(essence);
        if (before != null) {
            return before;
        }
        long histories = goOn(moment);
        known.put(essence, histories);
        return histories;
    }

    private long goOn(Moment moment) {
        long histories = 0;
        boolean over = true;
        for (int host = 0; host < hosts.size(); host++) {
            if (moment.standing.get(host) instanceof Waits waits) {
                over = false;
                for (Fate fate : Fate.values()) {
                    if (fate == Fate.ANSWERED || waits.canBeLost() && moment.losses > 0) {
                        histories += explore(after(moment, host, waits, fate));
                    }
                }
            }
        }
        if (over) {
            check(moment);
            return 1;
        }
        for (Late late : moment.underway) {
            histories += explore(arrived(moment, late));
        }
        if (moment.expiries > 0) {
            for (String key : moment.store.keySet()) {
                histories += explore(withoutKey(moment, key));
            }
        }
        return histories;
    }

    private Object play(int host, List<Heard> heard) {
        try {
            return hosts.get(host).life.live(new Replay(host, heard));
        } catch (Waits waits) {
            return waits;
        } catch (StoreException e) {
            return e;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private Moment after(Moment moment, int host, Waits waits, Fate fate) {
        List<String> story = with(moment.story, "host " + (host + 1) + " " + waits.what + (fate == Fate.ANSWERED ? "" : ": " + fate));
        List<Late> underway = fate == Fate.LATE ? with(moment.underway, new Late(host, moment.heard.get(host), waits)) : moment.underway;
        Map<String, Stored> store = new TreeMap<>(moment.store);
        Heard heard;
        try {
            Object answer = fate == Fate.LATE ? null : waits.request.answer(store, moment.revision + 1);
            heard = fate == Fate.ANSWERED ? new Heard(answer, null) : new Heard(null, LOST);
        } catch (LeaseConflictException e) {
            heard = new Heard(null, fate == Fate.ANSWERED ? e : LOST);
        }
        boolean changed = !store.equals(moment.store);
        if (changed) {
            checkWrite(moment.store, store, hosts.get(host), story);
        }
        List<List<Heard>> all = new ArrayList<>(moment.heard);
        all.set(host, with(all.get(host), heard));
        List<Object> standing = new ArrayList<>(moment.standing);
        standing.set(host, play(host, all.get(host)));
        return new Moment(store, moment.revision + (changed ? 1 : 0), all, standing, underway, moment.losses - (fate == Fate.ANSWERED ? 0 : 1),
                moment.expiries, story);
    }

    private Moment arrived(Moment moment, Late late) {
        List<String> story = with(moment.story, "host " + (late.host + 1) + " " + late.write.what + " has come");
        Map<String, Stored> store = new TreeMap<>(moment.store);
        try {
            late.write.request.answer(store, moment.revision + 1);
            checkWrite(moment.store, store, hosts.get(late.host), story);
        } catch (LeaseConflictException e) {
            // nobody waits for the answer
        }
        List<Late> underway = new ArrayList<>(moment.underway);
        underway.remove(late);
        return new Moment(store, moment.revision + (store.equals(moment.store) ? 0 : 1), moment.heard, moment.standing, underway, moment.losses,
                moment.expiries, story);
    }

    private static Moment withoutKey(Moment moment, String key) {
        Map<String, Stored> store = new TreeMap<>(moment.store);
        store.remove(key);
        return new Moment(store, moment.revision + 1, moment.heard, moment.standing, moment.underway, moment.losses, moment.expiries - 1,
                with(moment.story, key + " expires"));
    }

    private static <T> List<T> with(List<T> list, T more) {
        List<T> longer = new ArrayList<>(list);
        longer.add(more);
        return longer;
    }

    // ---- what must hold ----

    /** Nobody overwrites or deletes a lease that tells neither its mark nor its address. */
    private static void checkWrite(Map<String, Stored> before, Map<String, Stored> after, Host host, List<String> story) {
        before.forEach((key, was) -> {
            LeaseAttributes whose = was.lease.attributes();
            if (!was.equals(after.get(key)) && !whose.node().equals(host.attributes.node())
                    && !whose.publicIp().equals(host.attributes.publicIp())) {
                throw new AssertionError(host.attributes + " wrote over " + was + " after " + story);
            }
        });
    }

    /** At the end each host that says it has a lease has it, unless it expired; each has one, and no other has it. */
    private void check(Moment moment) {
        List<Object> ends = moment.standing;
        for (int i = 0; i < ends.size(); i++) {
            String mark = hosts.get(i).attributes.node();
            List<Lease> own = moment.store.values().stream().map(Stored::lease).filter(lease -> lease.attributes().node().equals(mark)).toList();
            boolean expired = moment.story.stream().anyMatch(step -> step.endsWith("expires"));
            boolean well = switch (ends.get(i)) {
                case Lease held -> own.size() == 1 && own.getFirst().subnet().equals(held.subnet()) && own.getFirst().asOf() == held.asOf()
                        && own.getFirst().attributes().equals(held.attributes()) || expired;
                case LeaseConflictException gone -> expired;
                case Object failure -> failure.toString().contains("out of subnets") && (expired || moment.store.size() >= 2);
            };
            if (!well || own.size() > 1 && !expired) {
                throw new AssertionError(mark + " ended with " + ends.get(i) + ", the store with " + moment.store.values() + " after "
                        + moment.story);
            }
        }
    }

    // ---- a host's view of the store ----

    private final class Replay implements LeaseRegistry {

        private final int host;
        private final List<Heard> heard;
        private int next;
        private int granted;

        Replay(int host, List<Heard> heard) {
            this.host = host;
            this.heard = heard;
        }

        @SuppressWarnings("unchecked")
        private <T> T exchange(String what, Request request) throws StoreException {
            if (next == heard.size()) {
                throw new Waits(request, what);
            }
            Heard was = heard.get(next++);
            if (was.failure != null) {
                throw was.failure;
            }
            return (T) was.answer;
        }

        @Override
        public Snapshot list() throws StoreException {
            List<Entry> entries = exchange("reads all",
                    (store, revision) -> store.values().stream().map(Stored::lease).map(Entry.class::cast).toList());
            return new Snapshot("", entries, new Cursor(0, ""));
        }

        @Override
        public Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive) throws StoreException, InterruptedException {
            return write(subnet, null, attributes);
        }

        @Override
        public Lease update(Lease held, LeaseAttributes attributes, Duration timeToLive) throws StoreException, InterruptedException {
            if (api == Api.V3) {
                Stored now = read(held.key().name());
                if (now == null || now.lease.asOf() != held.asOf()) {
                    throw new LeaseConflictException("gone");
                }
                if (now.lease.attributes().equals(attributes)) {
                    return held;                                            // its etcd lease is kept alive
                }
            }
            return write(held.subnet(), held, attributes);
        }

        private Lease write(Ipv4Subnet subnet, Lease held, LeaseAttributes attributes) throws StoreException, InterruptedException {
            String key = subnet.toKey();
            long etcdLease = api == Api.V2 ? 0 : (host + 1) * 1000L + granted++;
            return CarefulWrite.run(() -> exchange((held == null ? "creates " : "writes ") + key, (store, revision) -> {
                compare(store.get(key), held);
                Lease lease = new Lease(subnet, attributes, new Lease.At(Instant.MAX), revision);
                store.put(key, new Stored(lease, etcdLease));
                return lease;
            }), () -> {
                Stored now = read(key);
                return now != null && now.etcdLease == etcdLease ? now.lease : null;
            }, now -> now != null && now.attributes().equals(attributes) && (held == null || now.asOf() > held.asOf()));
        }

        @Override
        public void delete(Lease held) throws StoreException, InterruptedException {
            String key = held.key().name();
            CarefulWrite.run(() -> exchange("deletes " + key, (store, revision) -> {
                compare(store.get(key), held);
                store.remove(key);
                return null;
            }), () -> read(key), now -> now == null);
        }

        private static void compare(Stored now, Lease held) throws LeaseConflictException {
            if (held == null ? now != null : now == null || now.lease.asOf() != held.asOf()) {
                throw CONFLICT;
            }
        }

        private Stored read(String key) throws StoreException {
            return exchange("reads " + key, (store, revision) -> store.get(key));
        }

        @Override
        public void watch(Cursor from, Duration atMost, Consumer<StoreEvent> sink) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {
        }
    }
}
