package flannel.daemon;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.LeaseKey;
import flannel.lease.NetworkConfig;
import flannel.lease.StoreException;
import flannel.lease.SubnetStore;
import flannel.lease.SubnetStore.Holder;
import flannel.lease.SubnetStore.Taken;
import flannel.lease.SubnetStore.Wish;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * The life of this host's lease: asked for, held, renewed in time, written again when somebody changes it, lost, asked for again. For the
 * session's thread; the store is written to beside it, and tells of the writes by messages.
 *
 * <pre>
 *   NONE --take--> ASKING --taken--> HELD --renew--> WRITING --renewed--.
 *    ^  ^             |               | ^                               |
 *    |  '---failed----'               | '-------------------------------'
 *    '----revoked, or another's-------'
 * </pre>
 */
final class OwnLease {

    /** What is asked of the session. */
    interface Session {

        /** @param contested another host may still object: wait a little before it is used */
        void leaseTaken(Lease lease, boolean contested);

        /** The lease is gone. False to leave what comes next to the session. */
        boolean askAgain(Lease revoked);

        void complain(String trouble);

        /** Does something with the store beside the session's thread, and has the session told of the outcome (null: of none). */
        void write(StoreWrite job, boolean renewing);
    }

    /** A write to the store, and what the session shall be told when it is done. */
    interface StoreWrite {
        Message run() throws StoreException, InterruptedException;
    }

    private enum State { NONE, ASKING, HELD, WRITING }

    private static final Duration TIME_TO_LIVE = Duration.ofHours(24);

    /** A host that comes back again and again to a lease of ours is let have it. */
    private static final int REASSERTIONS = 3;

    /** After so long without a fight over the lease the next one is a new one. */
    private static final Duration CALM = Duration.ofMinutes(10);

    private final SubnetStore store;
    private final LeaseTable table;
    private final Duration renewMargin;
    private final RandomGenerator random;
    private final Clock clock;
    private final Log log;
    private final Session session;

    private final Alarm renewal;
    private final Alarm retry;
    private final Alarm calm;
    private final Pause retryPause;
    private final Pause renewalPause;
    private final Pause rewritePause;

    private State state = State.NONE;
    private NetworkConfig config;
    private LeaseAttributes attributes;
    private Ipv4Subnet wanted;
    /** Stays while it is asked for again: the data path goes on with it. */
    private Lease lease;
    /** What a lease said that was taken over from a host which may be alive. */
    private LeaseAttributes takenFrom;
    private final Set<Holder> strangers = new HashSet<>();
    private final Set<Ipv4> formerAddresses = new HashSet<>();
    private int rewrites;
    private boolean renewalFailed;
    private boolean goneWhileWriting;

    /** @param wanted the subnet this host had before; null for none */
    OwnLease(SubnetStore store, LeaseTable table, Ipv4Subnet wanted, Duration renewMargin, RandomGenerator random, Clock clock, Log log,
            Session session) {
        this.store = store;
        this.table = table;
        this.wanted = wanted;
        this.renewMargin = renewMargin;
        this.random = random;
        this.clock = clock;
        this.log = log;
        this.session = session;
        renewal = new Alarm(clock);
        retry = new Alarm(clock);
        calm = new Alarm(clock);
        retryPause = new Pause(Duration.ofSeconds(1), Duration.ofSeconds(15), random);
        renewalPause = new Pause(Duration.ofSeconds(15), Duration.ofMinutes(1), random);
        rewritePause = new Pause(Duration.ofMillis(500), Duration.ofSeconds(15), random);
    }

    /** Null when there is none. */
    Lease lease() {
        return state == State.NONE || state == State.ASKING ? null : lease;
    }

    Optional<LeaseKey> key() {
        return Optional.ofNullable(lease()).map(Lease::key);
    }

    /** Wants a lease that says this; writes the one there is again when it says something else. */
    void want(NetworkConfig config, LeaseAttributes attributes) {
        if (this.attributes != null && !this.attributes.publicIp().equals(attributes.publicIp())) {
            formerAddresses.add(this.attributes.publicIp());
        }
        boolean other = !attributes.equals(this.attributes);
        this.config = config;
        this.attributes = attributes;
        if (state == State.NONE && !retry.isSet()) {
            take();
        } else if (other && lease() != null) {
            renewal.now(); // one that is under way meets it when it is done
        }
    }

    /** Gives up what is held, for a config that has no place for it; the next {@link #want} asks for another. */
    void forget() {
        become(State.NONE);
        wanted = null;
        renewal.cancel();
        retry.cancel();
    }

    /** Does what is due. */
    void timers() {
        if (calm.rings()) {
            rewrites = 0;
            rewritePause.reset();
        }
        if (retry.rings() && state == State.NONE) {
            take();
        }
        if (state == State.HELD && renewal.rings()) {
            renew();
        }
    }

    long nextNanos() {
        long next = Math.min(retry.atNanos(), calm.atNanos());
        return state == State.HELD ? Math.min(next, renewal.atNanos()) : next;
    }

    /** A lease of somebody's is gone: there may be a free subnet now. */
    void roomMade() {
        if (state == State.NONE && retry.isSet()) {
            retry.now();
        }
    }

    // ---- writing ----

    private void become(State next) {
        state = next;
        goneWhileWriting = false;
    }

    private void take() {
        become(State.ASKING);
        Wish wish = new Wish(config, attributes, wanted, Set.copyOf(strangers), table.keptSubnets());
        List<Entry> known = List.copyOf(table.entries());
        session.write(() -> new Message.LeaseTaken(store.take(wish, known)), false);
    }

    private void renew() {
        become(State.WRITING);
        Lease held = lease;
        LeaseAttributes now = attributes;
        session.write(() -> new Message.LeaseRenewed(store.renew(held, now)), true);
    }

    void taken(Taken taken) {
        retryPause.reset();
        takenFrom = taken.from();
        hold(taken.lease());
        wanted = lease.subnet();
        log.info("Lease acquired: " + lease.subnet());
        if (takenFrom != null) {
            log.warning("Lease " + lease.subnet() + " was written by " + describe(takenFrom) + ", this is " + describe(attributes)
                    + "; taking it over unless that host is alive and objects");
        }
        session.leaseTaken(lease, takenFrom != null);
        catchUp();
        giveBackOthers();
    }

    void renewed(Lease lease) {
        renewalFailed = false;
        renewalPause.reset();
        hold(lease);
        if (lease.expiry() instanceof Lease.At(Instant end)) {
            log.info("Lease renewed, new expiration: " + end);
        }
        catchUp();
    }

    private void hold(Lease now) {
        boolean gone = goneWhileWriting;
        become(State.HELD);
        goneWhileWriting = gone;
        lease = now;
        scheduleRenewal();
    }

    /** The watch may have told what became of a write of ours before the write's own answer was here. */
    private void catchUp() {
        Entry seen = table.get(lease.key());
        if (goneWhileWriting) {
            revoked(); // or not: to take it again finds out which came first
        } else if (seen == null || seen.asOf() <= lease.asOf()) {
            table.put(lease);
            if (!lease.attributes().equals(attributes)) {
                renewal.now(); // it was to say something else by the time that this was written
            }
        } else {
            written(seen);
        }
    }

    void failed(StoreException reason, boolean renewing) {
        if (!renewing) {
            become(State.NONE);
            session.complain("failed to acquire a lease: " + reason.getMessage());
            retry.in(retryPause.next());
            return;
        }
        boolean gone = goneWhileWriting;
        become(State.HELD);
        Entry seen = table.get(lease.key());
        if (reason instanceof LeaseConflictException && (gone || seen == null)) {
            revoked();
        } else if (reason instanceof LeaseConflictException && seen.asOf() != lease.asOf()) {
            written(seen);
        } else {
            Duration wait = renewalPause.next();
            log.error("Error renewing lease (trying again in " + wait.toSeconds() + " s): " + reason.getMessage());
            renewalFailed = true;
            renewal.in(wait);
        }
    }

    /** The store can be asked again: a renewal that failed need not wait for its time. */
    void storeAnswers() {
        if (renewalFailed) {
            renewalFailed = false;
            renewal.now();
        }
    }

    private void scheduleRenewal() {
        Duration left = switch (lease.expiry()) {
            case Lease.Never never -> null;
            case Lease.At(Instant end) -> Duration.between(clock.wallTime(), end);
            case Lease.Unknown unknown -> TIME_TO_LIVE;
        };
        if (left == null) {
            renewal.cancel();
            return;
        }
        Duration wait = left.minus(renewMargin);
        // hosts that were started together need not come to their store together for ever
        renewal.in(wait.isNegative() ? Duration.ZERO : wait.minusNanos(random.nextLong(wait.toNanos() / 10 + 1)));
    }

    // ---- what becomes of it in the store ----

    /** All entries were listed anew. */
    void listed(boolean continued) {
        if (lease() == null) {
            return;
        }
        Entry seen = table.get(lease.key());
        if (seen == null) {
            gone();
        } else if (!continued || seen.asOf() > lease.asOf()) {
            written(seen);
            if (!continued) {
                renewal.now(); // what a store in doubt says of its end is as old as the store
            }
        } else if (seen.asOf() < lease.asOf()) {
            renewal.now(); // listed before our last write, or the store was restored since: writing tells which
        }
        giveBackOthers();
    }

    /** An entry was put; not more than a look when it is not of this host. */
    void put(Entry entry) {
        if (lease() == null) {
            return;
        }
        if (!entry.key().equals(lease.key())) {
            giveBack(entry);
        } else if (entry.asOf() > lease.asOf()) {
            written(entry);
        }
    }

    /** The own lease's key is not there any more. */
    void gone() {
        switch (state) {
            case ASKING, WRITING -> goneWhileWriting = true;
            case HELD -> revoked();
            case NONE -> { }
        }
    }

    private void revoked() {
        Lease former = lease;
        log.warning("Lease has been revoked: " + former.subnet() + "; asking for the same subnet again");
        lose(former.subnet());
        if (session.askAgain(former)) {
            take();
        }
    }

    private void move() {
        lose(null);
        take();
    }

    private void lose(Ipv4Subnet next) {
        become(State.NONE);
        wanted = next;
        renewal.cancel();
    }

    /** The own lease's key was written, perhaps by ourselves: the watch tells of that too, before or after the write's answer. */
    private void written(Entry entry) {
        if (entry instanceof Lease seen && seen.attributes().equals(attributes)) {
            lease = seen;
            scheduleRenewal();
            if (seen.expiry() instanceof Lease.Unknown) {
                renewal.now(); // not our doing: it may end soon
            }
        } else if (state == State.WRITING) {
            return; // our write under way meets it as a conflict, or has made it obsolete
        } else if (entry instanceof Lease seen) {
            changed(seen);
        } else {
            rewrite(entry, "The value of our lease " + lease.subnet() + " was made unreadable (" + ((Entry.Occupied) entry).why()
                    + "); writing it again");
        }
    }

    private void changed(Lease seen) {
        LeaseAttributes now = seen.attributes();
        boolean ourAddress = now.publicIp().equals(attributes.publicIp());
        boolean ourMark = now.node().equals(attributes.node());
        if (!ourAddress && !ourMark) {
            log.error("Lease " + seen.subnet() + " is now held by " + now.publicIp() + "; moving to another subnet");
            move();
        } else if (ourAddress && !isAnotherHost(now)) {
            rewrite(seen, "The value of our lease " + seen.subnet() + " was changed to " + now.toJson() + "; writing it again");
        } else if (takenFrom != null && Holder.of(now).equals(Holder.of(takenFrom)) || now.node().isEmpty() || rewrites >= REASSERTIONS) {
            log.error(rival(seen) + "; moving to another subnet");
            strangers.add(Holder.of(now));
            move();
        } else {
            rewrite(seen, rival(seen) + "; taking the lease back, the other host has to move");
        }
    }

    /** Whether the writer of a value with our PublicIP must be a host other than this one, not an operator who edited it. */
    private boolean isAnotherHost(LeaseAttributes seen) {
        return seen.node().isEmpty() ? seen.backendData() != null && !seen.backendData().equals(attributes.backendData())
                : !seen.node().equals(attributes.node());
    }

    private String rival(Lease seen) {
        LeaseAttributes now = seen.attributes();
        return now.node().equals(attributes.node())
                ? "two machines bear the mark " + now.node() + ": this one, " + attributes.publicIp() + ", and " + now.publicIp() + ", which wrote"
                        + " lease " + seen.subnet() + "; one is a copy of the other: remove the state directory (-state-dir) of the copy"
                : "two hosts claim the PublicIP " + now.publicIp() + ": this one (mark " + attributes.node() + ") and "
                        + (now.node().isEmpty() ? "one with a Go flannel" : "one with mark " + now.node()) + ", which wrote lease "
                        + seen.subnet() + "; check -iface and -public-ip on both";
    }

    private static String describe(LeaseAttributes holder) {
        return holder.publicIp() + (holder.node().isEmpty() ? "" : " (mark " + holder.node() + ")");
    }

    /** Writes the lease over what was seen there: at once, but a fight over it is slowed down. */
    private void rewrite(Entry seen, String why) {
        rewrites++;
        calm.in(CALM);
        lease = new Lease(lease.key(), lease.subnet(), attributes, lease.expiry(), seen.asOf());
        if (rewrites <= REASSERTIONS) {
            log.warning(why);
            renewal.now();
        } else {
            if (Integer.bitCount(rewrites) == 1) {
                log.warning(why + " (" + rewrites + " times by now: two daemons, or a tool that copies keys, write it in turn)");
            }
            renewal.within(rewritePause.next());
        }
    }

    // ---- further leases of this host ----

    private void giveBackOthers() {
        table.entries().forEach(this::giveBack);
    }

    /** A lease beside the one held that only this host can have written is of no use to anybody. */
    private void giveBack(Entry entry) {
        if (state != State.HELD || !(entry instanceof Lease other) || other.key().equals(lease.key()) || other.isReservation()
                || !other.attributes().node().equals(attributes.node()) || table.isKept(other.key())) {
            return;
        }
        Ipv4 address = other.attributes().publicIp();
        if (address.equals(attributes.publicIp()) || formerAddresses.contains(address)) {
            log.info("Giving back lease " + other.subnet() + ", which this host wrote too");
            session.write(() -> {
                try {
                    store.giveBack(other);
                } catch (StoreException e) {
                    // written by somebody else since, or the store is away: it is met again with the next list
                }
                return null;
            }, false);
        }
    }
}
