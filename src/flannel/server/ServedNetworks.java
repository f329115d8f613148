package flannel.server;

import flannel.lease.Moment;
import flannel.lease.NetworkCatalog;
import flannel.lease.ServedCatalog;
import flannel.lease.ServedStore;
import flannel.lease.StoreEvent;
import flannel.log.Log;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * The networks that a server's store has. The one without a name is followed from the start, each other one from the first request for it
 * until the store has it no longer: a server costs the store what its hosts use. For all threads.
 */
final class ServedNetworks implements AutoCloseable {

    /** As many as a host can have, and what a store's owner can make a server follow. */
    private static final int MOST = 250;

    /** For a network that is asked for the first time to be read. */
    private static final Duration FIRST = Duration.ofSeconds(2);

    private record Served(LeaseApi api, Feed feed, Thread follower) {
    }

    private final ServedCatalog catalog;
    private final String mark;
    private final Duration poll;
    private final RandomGenerator random;
    private final Log log;
    private final Runnable told;
    private final Consumer<Throwable> fatal;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<String, Served> served = new HashMap<>();
    private SortedSet<String> names = new TreeSet<>();
    private Moment at;
    private String trouble = "the store has not been asked yet";
    /** Of lists that were told. */
    private long number;
    /** Of feeds that were made: no cursor of one is another's. */
    private int feeds;
    private Thread follower;

    /**
     * @param mark  of this run of this server, letters and digits
     * @param poll  how long a client is let wait for news
     * @param told  run whenever {@link #state} may have changed
     * @param fatal told when a thread has died
     */
    ServedNetworks(ServedCatalog catalog, String mark, Duration poll, RandomGenerator random, Log log, Runnable told, Consumer<Throwable> fatal) {
        this.catalog = catalog;
        this.mark = mark;
        this.poll = poll;
        this.random = random;
        this.log = log;
        this.told = told;
        this.fatal = fatal;
    }

    /** Begins to follow the store. */
    void follow() {
        lock.lock();
        try {
            served.put("", serve(""));
            follower = start("networks", () -> catalog.follow(this::told));
        } finally {
            lock.unlock();
        }
    }

    private interface Following {
        void run() throws InterruptedException;
    }

    private Thread start(String name, Following following) {
        return Thread.ofVirtual().name(name).start(() -> {
            try {
                following.run();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (Throwable t) {
                fatal.accept(t);
            }
        });
    }

    private Served serve(String name) {
        ServedStore store = catalog.network(name);
        Feed feed = new Feed(mark + "n" + ++feeds + "g");
        Thread follower = start("store-follower " + name, () -> store.follow(event -> {
            if (name.isEmpty()) { // it is one store: as with this network it is with all
                note(feed.trouble(), event);
            }
            feed.told(event);
            told.run();
        }));
        return new Served(new LeaseApi(store, feed, poll, random), feed, follower);
    }

    private void note(String before, StoreEvent event) {
        switch (event) {
            case StoreEvent.Away(String reason) when !reason.equals(before) ->
                log.error(reason + "; clients are told what was known last, and get or renew no lease meanwhile");
            case StoreEvent.Listed list when !before.isEmpty() -> log.info("The store answers");
            default -> { }
        }
    }

    private Feed unnamed() {
        lock.lock();
        try {
            return served.get("").feed();
        } finally {
            lock.unlock();
        }
    }

    private void told(NetworkCatalog.News news) {
        lock.lock();
        try {
            switch (news) {
                case NetworkCatalog.Listed(SortedSet<String> listed, Moment now) -> {
                    SortedSet<String> usable = new TreeSet<>(listed.stream().filter(NetworkCatalog::isName).limit(MOST).toList());
                    number += usable.equals(names) ? 0 : 1;
                    names = usable;
                    at = now;
                    served.entrySet().removeIf(each -> !each.getKey().isEmpty() && !names.contains(each.getKey()) && end(each.getValue()));
                    trouble = "";
                }
                case NetworkCatalog.Away(String reason) -> trouble = reason;
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        told.run();
    }

    private static boolean end(Served served) {
        served.follower().interrupt();
        served.feed().end();
        return true;
    }

    /**
     * One of the networks; "" is the one without a name.
     *
     * @throws RefusedException when there is none of that name
     */
    LeaseApi network(String name) throws RefusedException, InterruptedException {
        Served found;
        lock.lock();
        try {
            if (!name.isEmpty() && !names.contains(name)) {
                throw at == null ? new RefusedException(503, trouble)
                        : new RefusedException(404, "there is no network of that name; it is looked for at " + catalog.place());
            }
            found = served.computeIfAbsent(name, this::serve);
        } finally {
            lock.unlock();
        }
        found.feed().awaitWord(FIRST);
        return found.api();
    }

    /** The networks with a name. */
    record Known(Collection<String> names, String cursor, Moment at) {
    }

    /**
     * The networks there are now, or as soon as it is other ones than it was.
     *
     * @param cursor as told then; null for now
     * @throws RefusedException when the store has not told yet
     */
    Known known(String cursor) throws RefusedException, InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = poll.toNanos();
            while (left > 0 && cursor().equals(cursor)) {
                left = changed.awaitNanos(left);
            }
            if (at == null) {
                throw new RefusedException(503, trouble);
            }
            return new Known(names, cursor(), at);
        } finally {
            lock.unlock();
        }
    }

    private String cursor() {
        return mark + "-" + number;
    }

    /** One clause for people; empty when nothing is missing. */
    String state() {
        String unnamed = unnamed().trouble();
        lock.lock();
        try {
            return !unnamed.isEmpty() ? " as known last: " + unnamed
                    : names.isEmpty() && unnamed().config() == null ? "; there is no network config yet"
                    : names.isEmpty() ? "" : ", of " + names.size() + " networks by name too";
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            served.values().forEach(ServedNetworks::end);
            follower.interrupt();
        } finally {
            lock.unlock();
        }
    }
}
