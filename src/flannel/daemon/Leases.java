package flannel.daemon;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseKey;
import flannel.lease.Moment;
import flannel.lease.NetworkConfig;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.log.Log;
import flannel.status.NetworkStatus;
import flannel.status.Timings;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
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

    /** From the start; the first answer of a store that is well comes sooner, and Docker must not be kept waiting for one that is not. */
    private static final Duration PATIENCE = Duration.ofMillis(2_500);

    private final Surroundings around;
    private final String mark;
    private final LeaseTable table;
    private final OwnLease own;
    private final DataPath dataPath;
    private final Session session;
    private final Log log;
    private final Clock clock;
    private final Alarm quiet;
    /** Rings when this host is to start with what it remembers. */
    private final Alarm alone;
    private final Remembering remembering;
    /** What is to be used, and is not yet; null for nothing. */
    private Remembered remembered;
    /** By which all that is known was there; null before the first list. */
    private Moment last;
    /** Whether nothing is known but what was remembered, and since when; empty otherwise. */
    private String memory = "";
    private final TimeMeter reaction = new TimeMeter(REACTION_BOUNDS_MICROS);
    private String configInUse;
    private boolean away;
    private boolean toldFull;
    /** {@link Alarm#NEVER} before the first list. */
    private long listedNanos = Alarm.NEVER;

    /** @param mark this host's */
    Leases(Surroundings around, String mark, DataPath dataPath, Session session) {
        this.around = around;
        this.mark = mark;
        this.dataPath = dataPath;
        this.session = session;
        log = around.log();
        clock = around.clock();
        table = new LeaseTable(around.clock());
        own = new OwnLease(around, table, around.files().read().flatMap(SubnetFile::subnetOf).or(around.memory()::previousSubnet).orElse(null),
                session);
        quiet = new Alarm(around.clock());
        alone = new Alarm(around.clock());
        remembering = new Remembering(around, this::toRemember);
        if (around.settings().startAlone()) {
            alone.in(PATIENCE);
        }
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
        LeaseKey ours = own.key().orElse(null);
        List<NetworkStatus.Peer> peers = new ArrayList<>();
        for (Entry entry : table.entries()) {
            if (!entry.key().equals(ours)) {
                peers.add(dataPath.peer(entry, table.isKept(entry.key())));
            }
        }
        return peers;
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

    // ---- a start without the store ----

    /** Wants this host's to say this; at a start without the store, that is the one remembered. */
    void want(NetworkConfig config, LeaseAttributes attributes) {
        Lease from = remembered == null ? null : remembered.own();
        remembered = null;
        own.want(config, attributes, from);
    }

    /** Whether nothing is known but what was remembered. */
    boolean areRemembered() {
        return !memory.isEmpty();
    }

    /** Goes on from what this host remembers, as a daemon does that has just lost its store. Does nothing when that can't be relied on. */
    private void startAlone(String reason) {
        alone.cancel();
        away = true;
        Optional<Remembered> recalled = around.memory().recall().filter(all -> all.own().attributes().node().equals(mark));
        remembered = recalled.flatMap(all -> all.asOf(clock.wallTime())).orElse(null);
        if (remembered == null) {
            recalled.ifPresent(all -> log.info("What this host remembers, of " + all.saved() + ", is no help: its lease " + all.own().subnet()
                    + " has ended since"));
            session.storeIs(reason);
            return;
        }
        last = remembered.at();
        memory = "; going by what this host remembers of " + remembered.saved().truncatedTo(ChronoUnit.SECONDS);
        session.storeIs(reason + memory);
        dataPath.spareUndeclared(true);
        table.put(remembered.own(), Optional.empty());
        remembered.others().forEach(lease -> table.put(lease, Optional.empty()));
        session.configured(remembered.config());
    }

    /** Null when there is nothing that a start could go by. */
    private Remembered toRemember() {
        Lease held = own.lease();
        return held == null || configInUse == null ? null : new Remembered(configInUse, last, clock.wallTime(), held,
                all().stream().filter(lease -> !lease.key().equals(held.key())).toList());
    }

    /** The network of this config is in place with this host's lease. */
    void areInUse(String config) {
        configInUse = config;
        remembering.noted();
    }

    /** Gives this host's back, for one that leaves; what becomes of it is told by the log. */
    void giveBack() throws InterruptedException {
        Lease held = own.lease();
        try {
            if (held != null) {
                log.info(new GivingBack(around.store(), held.attributes().node()).run(held));
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
        if (alone.rings()) {
            startAlone("the store does not answer");
        }
        apply(table.ended());
        own.timers();
        remembering.timers();
    }

    /** When {@link #timers} has something to do next. */
    long nextNanos() {
        return Math.min(Math.min(quiet.atNanos(), alone.atNanos()), Math.min(remembering.nextNanos(), Math.min(table.nextEndNanos(), own.nextNanos())));
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
                last = new Moment(last.store(), Math.max(last.revision(), entry.asOf()));
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
                if (alone.isSet()) {
                    startAlone(reason);
                } else {
                    session.storeIs(reason + memory);
                }
            }
        }
    }

    private void listed(StoreEvent.Listed list) {
        if (away && !quiet.isSet()) {
            quiet.in(QUIET);
        }
        alone.cancel();
        remembered = null;
        boolean fromMemory = listedNanos == Alarm.NEVER && last != null;
        boolean continued = list.continued() || fromMemory && list.config() != null && list.at().continues(last);
        list = new StoreEvent.Listed(list.config(), list.entries(), continued, list.at());
        if (last != null && !continued && log.v(1)) {
            log.info("What is missing from the store's list proves nothing: it is of " + place(list.at()) + ", and what was known was of " + place(last));
        }
        last = list.at();
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
        if (areRemembered()) {
            memory = "";
            dataPath.spareUndeclared(false);
        }
    }

    private static String place(Moment moment) {
        return (moment.store().isEmpty() ? "" : "store " + moment.store() + " at ") + "revision " + moment.revision();
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
        if (!changes.put().isEmpty() || !changes.gone().isEmpty()) {
            remembering.noted();
        }
        if (session.isActive()) {
            changes.gone().forEach(dataPath::remove);
            changes.put().stream().filter(entry -> !table.isKept(entry.key())).forEach(dataPath::put);
        }
    }
}
