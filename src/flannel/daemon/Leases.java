package flannel.daemon;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseKey;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.SubnetStore;
import flannel.log.Log;
import flannel.status.NetworkStatus;
import flannel.status.Timings;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** One network's leases: what its store tells of them is sorted into the other hosts' and this host's own. For the session's thread. */
final class Leases {

    /** What is asked of the session. */
    interface Session extends OwnLease.Session {

        /** The config is this now, perhaps as before; null when there is none. */
        void configured(String text);

        /** Whether the kernel has the network, so that it is to follow the leases. */
        boolean isActive();

        /** The store can't be reached or asked (the reason), or can again (empty). */
        void storeIs(String trouble);
    }

    /** A store that answers again has to do so for this long before that is news: some go and come all the time. */
    private static final Duration QUIET = Duration.ofSeconds(5);

    /** Keys of one list that are said to be no leases; what more there are is counted. */
    private static final int MOST_OCCUPIED_TOLD = 10;

    /** From a tenth of a millisecond, for one entry, to seconds, for a list of ten thousand. */
    private static final List<Long> REACTION_BOUNDS_MICROS = List.of(100L, 500L, 1_000L, 5_000L, 10_000L, 50_000L, 250_000L, 1_000_000L, 5_000_000L);

    private final SubnetStore store;
    private final LeaseTable table;
    private final OwnLease own;
    private final DataPath dataPath;
    private final Session session;
    private final Log log;
    private final Clock clock;
    private final Alarm quiet;
    private final TimeMeter reaction = new TimeMeter(REACTION_BOUNDS_MICROS);
    private boolean away;
    private boolean toldFull;
    /** {@link Alarm#NEVER} before the first list. */
    private long listedNanos = Alarm.NEVER;

    Leases(Surroundings around, DataPath dataPath, Session session) {
        store = around.store();
        this.dataPath = dataPath;
        this.session = session;
        log = around.log();
        clock = around.clock();
        table = new LeaseTable(around.clock());
        own = new OwnLease(around, table, around.files().read().flatMap(SubnetFile::subnetOf).or(around.memory()::previousSubnet).orElse(null),
                session);
        quiet = new Alarm(around.clock());
    }

    /** This host's. */
    OwnLease own() {
        return own;
    }

    /** Those of all hosts. */
    List<Lease> all() {
        return table.leases();
    }

    /** What is told of the others'. */
    List<NetworkStatus.Peer> report() {
        Optional<LeaseKey> ours = own.key();
        return table.entries().stream().filter(entry -> ours.filter(entry.key()::equals).isEmpty())
                .map(entry -> dataPath.peer(entry, table.isKept(entry.key()))).toList();
    }

    /** Why not all are followed, one sentence; empty when all are. */
    String trouble() {
        return !table.isFull() ? "" : "There are more than " + LeaseTable.MOST_ENTRIES + " keys among the leases in the store; the newest are not"
                + " followed: delete those that are of no host";
    }

    /** How long ago everything was last listed; null when it was not. */
    Duration sinceListed() {
        return listedNanos == Alarm.NEVER ? null : Duration.ofNanos(clock.nanos() - listedNanos);
    }

    /** Gives this host's back, for one that leaves; what becomes of it is told by the log. */
    void giveBack() throws InterruptedException {
        Lease held = own.lease();
        try {
            if (held != null) {
                log.info(new GivingBack(store, held.attributes().node()).run(held));
            }
        } catch (StoreException e) {
            log.error("Lease " + held.subnet() + " could not be given back: " + e.getMessage() + "; it ends by itself within a day");
        }
    }

    void timers() {
        if (quiet.rings()) {
            away = false;
            log.info("The store answers again");
            session.storeIs("");
        }
        apply(table.ended());
        own.timers();
    }

    /** When {@link #timers} has something to do next. */
    long nextNanos() {
        return Math.min(quiet.atNanos(), Math.min(table.nextEndNanos(), own.nextNanos()));
    }

    /** From the moment a change was heard until it was dealt with, the kernel included. */
    Timings reaction() {
        return reaction.timings();
    }

    void told(Message.Store message) {
        told(message.event());
        if (!(message.event() instanceof StoreEvent.Away)) {
            reaction.took(System.nanoTime() - message.heardNanos());
        }
    }

    private void told(StoreEvent event) {
        switch (event) {
            case StoreEvent.Listed list -> listed(list);
            case StoreEvent.ConfigChanged(String text) -> {
                table.config(text);
                session.configured(text);
            }
            case StoreEvent.Put(Entry entry) -> {
                apply(table.put(entry, own.key()));
                own.put(entry);
            }
            case StoreEvent.Gone(LeaseKey key) -> {
                Optional<LeaseKey> ours = own.key();
                apply(table.gone(key, ours));
                if (ours.filter(key::equals).isPresent()) {
                    own.gone();
                }
                own.roomMade();
            }
            case StoreEvent.Away(String reason) -> {
                away = true;
                quiet.cancel();
                session.storeIs(reason);
            }
        }
    }

    private void listed(StoreEvent.Listed list) {
        if (away && !quiet.isSet()) {
            quiet.in(QUIET);
        }
        listedNanos = clock.nanos();
        int keptBefore = table.keptCount();
        LeaseTable.Changes changes = table.listed(list, own.key());
        if (table.keptCount() > keptBefore) {
            log.warning("The store has lost " + (table.keptCount() - keptBefore) + " leases that it had: it was emptied, restored or replaced;"
                    + " they are followed until their own time is over or their hosts write again");
        }
        if (table.isFull() && !toldFull) {
            log.warning(trouble());
        }
        toldFull = table.isFull();
        apply(changes);
        own.storeAnswers();
        own.listed(table.isContinued());
        own.roomMade();
        session.configured(list.config());
    }

    /** Has the data path follow what became known of the other hosts' leases. */
    private void apply(LeaseTable.Changes changes) {
        int occupied = 0;
        for (Entry entry : changes.put()) {
            if (entry instanceof Entry.Occupied(LeaseKey key, String why, long asOf) && ++occupied <= MOST_OCCUPIED_TOLD) {
                log.warning("ignoring " + key + " in the store: " + why
                        + (table.isKept(key) ? "; going on with what it said before, until its time is over or its host writes again"
                                : key.subnet().isPresent() ? "; its subnet counts as taken" : ""));
            }
        }
        if (occupied > MOST_OCCUPIED_TOLD) {
            log.warning("ignoring " + (occupied - MOST_OCCUPIED_TOLD) + " more keys in the store that are no leases");
        }
        if (session.isActive()) {
            changes.gone().forEach(dataPath::remove);
            changes.put().stream().filter(entry -> !table.isKept(entry.key())).forEach(dataPath::put);
        }
    }
}
