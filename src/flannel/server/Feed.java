package flannel.server;

import flannel.api.Changes;
import flannel.api.Messages;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseKey;
import flannel.lease.Moment;
import flannel.lease.StoreEvent;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * A network as its store last told it, and the latest changes, numbered, for all who wait for the next: one watch of the store serves
 * any number of clients. Written by the store's follower, read by every request. While the store is away it stays as it was.
 *
 * <p>A cursor is the feed's own mark and the number of the last change that was told, as in {@code k3f9x2ab-124}. One of another server, of
 * an earlier run, or too old is answered with the whole list.
 */
final class Feed {

    /** Changes that are remembered, as many as etcd remembers. */
    private static final int HISTORY = 1_000;

    private static final String UNASKED = "the store has not been asked yet";

    /**
     * One change.
     *
     * @param news false when the lease was only renewed: who follows all leases has no use for that
     * @param json the event as it is told
     */
    record Change(long number, LeaseKey key, boolean news, String json) {
    }

    private final String mark;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<LeaseKey, Entry> entries = new LinkedHashMap<>();
    private final Deque<Change> history = new ArrayDeque<>();
    private long number;
    private int generation;
    private String config;
    private Moment at = new Moment("", 0);
    private boolean listed;
    private boolean gone;
    private String trouble = UNASKED;
    private byte[] snapshot;

    /** @param mark of this run of this server, letters and digits */
    Feed(String mark) {
        this.mark = mark;
    }

    // ---- what the store tells ----

    void told(StoreEvent event) {
        lock.lock();
        try {
            switch (event) {
                case StoreEvent.Listed list -> listed(list);
                case StoreEvent.ConfigChanged(String text) -> config = text;
                case StoreEvent.Put(Entry entry) -> put(entry);
                case StoreEvent.Gone(LeaseKey key) -> gone(key);
                case StoreEvent.Away(String reason) -> trouble = reason;
            }
            snapshot = null;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The store has the network no longer: who waits, waits in vain. */
    void end() {
        lock.lock();
        try {
            gone = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void listed(StoreEvent.Listed list) {
        if (!list.continued()) { // what is missing now may not be gone: who follows has to judge that by the whole list
            generation++;
            history.clear();
            entries.clear();
        }
        config = list.config();
        List<LeaseKey> now = list.entries().stream().map(Entry::key).toList();
        List<LeaseKey> missing = new ArrayList<>(entries.keySet());
        missing.removeAll(new HashSet<>(now));
        missing.forEach(this::gone);
        list.entries().forEach(this::put);
        at = list.at();
        listed = true;
        trouble = "";
    }

    private void put(Entry entry) {
        Entry before = entries.put(entry.key(), entry);
        at = new Moment(at.store(), Math.max(at.revision(), entry.asOf()));
        if (entry instanceof Lease lease) {
            if (before == null || before.asOf() != lease.asOf()) {
                boolean news = !(before instanceof Lease earlier) || !earlier.attributes().equals(lease.attributes())
                        || earlier.isReservation() != lease.isReservation();
                note(lease.key(), news, Changes.added(Messages.lease(lease)));
            }
        } else if (before instanceof Lease lease) {
            note(lease.key(), true, Changes.removed(lease));
        }
    }

    private void gone(LeaseKey key) {
        if (entries.remove(key) instanceof Lease lease) {
            note(key, true, Changes.removed(lease));
        }
    }

    private void note(LeaseKey key, boolean news, String json) {
        history.addLast(new Change(++number, key, news, json));
        if (history.size() > HISTORY) {
            history.removeFirst();
        }
    }

    // ---- what requests ask ----

    /** Why nothing is known yet; empty when the store has been listed. */
    String unready() {
        return with(() -> listed ? "" : trouble);
    }

    /** Waits for the first that the store tells. */
    boolean awaitWord(Duration atMost) throws InterruptedException {
        return await(atMost, () -> listed || !trouble.equals(UNASKED));
    }

    /** Whether the store has the network no longer. */
    boolean isGone() {
        return with(() -> gone);
    }

    /** Why the store can't be written to; empty as far as is known. */
    String trouble() {
        return with(() -> trouble);
    }

    /** JSON text; null when there is none. */
    String config() {
        return with(() -> config);
    }

    /** Null when there is none. */
    Entry entry(LeaseKey key) {
        return with(() -> entries.get(key));
    }

    List<Entry> entries() {
        return with(() -> List.copyOf(entries.values()));
    }

    List<Lease> leases() {
        return with(this::leasesNow);
    }

    private List<Lease> leasesNow() {
        return entries.values().stream().filter(Lease.class::isInstance).map(Lease.class::cast).toList();
    }

    Moment at() {
        return with(() -> at);
    }

    /** The cursor of now. */
    String cursor() {
        return with(() -> cursor(number));
    }

    /** Until when a cursor has told. */
    String cursor(long number) {
        return mark + generation + "-" + number;
    }

    /** The whole list as it is told; made once for all who ask at the same time. */
    byte[] snapshot() {
        return with(() -> {
            if (snapshot == null) {
                snapshot = (Changes.snapshot(leasesNow(), cursor(number), at) + "\n").getBytes(StandardCharsets.UTF_8);
            }
            return snapshot;
        });
    }

    /** The changes behind a cursor, and the cursor behind those. */
    record Next(List<Change> changes, String cursor, Moment at) {
    }

    /**
     * The changes since a cursor that are wanted, as soon as there is one.
     *
     * @return none when there was none in that time; null when the cursor can't be gone on from
     */
    Next changesAfter(String cursor, Predicate<Change> wanted, Duration atMost) throws InterruptedException {
        long[] from = {numberOf(cursor)};
        List<Change> found = new ArrayList<>();
        String start = cursor.substring(0, Math.max(0, cursor.indexOf('-')));
        lock.lockInterruptibly();
        try {
            boolean[] lost = {false};
            awaitLocked(atMost, () -> {
                lost[0] = gone || from[0] < 0 || !start.equals(mark + generation) || from[0] > number
                        || from[0] < number && (history.isEmpty() || history.getFirst().number() > from[0] + 1);
                if (lost[0]) {
                    return true;
                }
                for (Change change : behind(from[0])) {
                    if (wanted.test(change)) {
                        found.add(change);
                    }
                }
                from[0] = number;
                return !found.isEmpty();
            });
            return lost[0] ? null : new Next(found, cursor(number), at);
        } finally {
            lock.unlock();
        }
    }

    private List<Change> behind(long number) {
        List<Change> behind = new ArrayList<>();
        for (var it = history.descendingIterator(); it.hasNext();) {
            Change change = it.next();
            if (change.number() <= number) {
                break;
            }
            behind.addFirst(change);
        }
        return behind;
    }

    private static long numberOf(String cursor) {
        String number = cursor.substring(cursor.indexOf('-') + 1);
        return cursor.indexOf('-') > 0 && number.matches("\\d{1,18}") ? Long.parseLong(number) : -1;
    }

    /** Waits until the store has told of a write: who has the answer to it will ask for the list, and it has to be in there. */
    boolean awaitWrite(Lease written, Duration atMost) throws InterruptedException {
        return await(atMost, () -> entries.get(written.key()) instanceof Entry entry && entry.asOf() >= written.asOf());
    }

    /** Waits until the store has told that a key is other than it was at some time. */
    boolean awaitGone(LeaseKey key, long asOf, Duration atMost) throws InterruptedException {
        return await(atMost, () -> !(entries.get(key) instanceof Entry entry) || entry.asOf() > asOf);
    }

    private boolean await(Duration atMost, BooleanSupplier holds) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            return awaitLocked(atMost, holds);
        } finally {
            lock.unlock();
        }
    }

    private boolean awaitLocked(Duration atMost, BooleanSupplier holds) throws InterruptedException {
        long left = atMost.toNanos();
        while (!holds.getAsBoolean()) {
            if (left <= 0) {
                return false;
            }
            left = changed.awaitNanos(left);
        }
        return true;
    }

    private <T> T with(Supplier<T> reader) {
        lock.lock();
        try {
            return reader.get();
        } finally {
            lock.unlock();
        }
    }
}
