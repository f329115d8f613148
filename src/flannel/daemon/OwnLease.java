package flannel.daemon;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.LeaseKey;
import flannel.lease.NetworkConfig;
import flannel.lease.StoreException;
import flannel.lease.SubnetStore.Holder;
import flannel.lease.SubnetStore.Taken;
import flannel.lease.SubnetStore.Wish;
import flannel.log.Log;
import flannel.net.Ipv4Subnet;
import flannel.status.NetworkStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

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
        boolean askAgain();

        void complain(String trouble);
    }

    private enum State { NONE, ASKING, HELD, WRITING }

    private static final Duration TIME_TO_LIVE = Duration.ofHours(24);

    private final Surroundings around;
    private final LeaseTable table;
    private final Log log;
    private final Session session;

    private final Alarm renewal;
    private final Alarm retry;
    private final Pause retryPause;
    private final Pause renewalPause;
    private final Rewrites rewrites;

    private State state = State.NONE;
    private NetworkConfig config;
    private LeaseAttributes attributes;
    private Ipv4Subnet wanted;
    /** Stays while it is asked for again: the data path goes on with it. */
    private Lease lease;
    /** What a lease said that was taken over from a host which may be alive. */
    private LeaseAttributes takenFrom;
    private final Set<Holder> strangers = new HashSet<>();
    private final FurtherLeases further;
    /** Why the lease could not be renewed; empty when it could. */
    private String trouble = "";
    private boolean goneWhileWriting;

    /** @param wanted the subnet this host had before; null for none */
    OwnLease(Surroundings around, LeaseTable table, Ipv4Subnet wanted, Session session) {
        this.around = around;
        this.table = table;
        this.wanted = wanted;
        this.session = session;
        log = around.log();
        renewal = new Alarm(around.clock());
        retry = new Alarm(around.clock());
        retryPause = new Pause(Duration.ofSeconds(1), Duration.ofSeconds(15), around.random());
        renewalPause = new Pause(Duration.ofSeconds(15), Duration.ofMinutes(1), around.random());
        further = new FurtherLeases(around, table);
        rewrites = new Rewrites(around.clock(), around.random());
    }

    /** Null when there is none. */
    Lease lease() {
        return state == State.NONE || state == State.ASKING ? null : lease;
    }

    /** Why it could not be renewed, one sentence; empty when there is no such trouble. */
    String trouble() {
        return trouble;
    }

    /** What is told of it; null when there is none. */
    NetworkStatus.OwnLease report() {
        Lease held = lease();
        return held == null ? null : new NetworkStatus.OwnLease(held.subnet().toString(), held.attributes().publicIp().toString(),
                held.isReservation(), held.expiry() instanceof Lease.At(Instant end) ? Duration.between(around.clock().wallTime(), end) : null);
    }

    Optional<LeaseKey> key() {
        return Optional.ofNullable(lease()).map(Lease::key);
    }

    /**
     * Wants a lease that says this; writes the one there is again when it says something else.
     *
     * @param remembered one that this host had, to go on with without asking for it; null for none
     */
    void want(NetworkConfig config, LeaseAttributes attributes, Lease remembered) {
        if (this.attributes != null && !this.attributes.publicIp().equals(attributes.publicIp())) {
            further.addressWas(this.attributes.publicIp());
        }
        boolean other = !attributes.equals(this.attributes);
        this.config = config;
        this.attributes = attributes;
        if (state == State.NONE && remembered != null) {
            taken(new Taken(remembered, null));
        } else if (state == State.NONE && !retry.isSet()) {
            take();
        } else if (other && lease() != null) {
            renewal.now(); // one that is under way meets it when it is done
        }
    }

    boolean isWriting() {
        return state == State.WRITING || state == State.ASKING;
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
        rewrites.timers();
        if (retry.rings() && state == State.NONE) {
            take();
        }
        if (state == State.HELD && renewal.rings()) {
            renew();
        }
    }

    long nextNanos() {
        long next = Math.min(retry.atNanos(), rewrites.nextNanos());
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
        around.ask(() -> {
            try {
                return new Message.LeaseTaken(around.store().take(wish, known));
            } catch (StoreException e) {
                return new Message.LeaseFailed(e, false);
            }
        });
    }

    private void renew() {
        become(State.WRITING);
        Lease held = lease;
        LeaseAttributes now = attributes;
        around.ask(() -> {
            try {
                return new Message.LeaseRenewed(around.store().renew(held, now));
            } catch (StoreException e) {
                return new Message.LeaseFailed(e, true);
            }
        });
    }

    void taken(Taken taken) {
        retryPause.reset();
        takenFrom = taken.from();
        hold(taken.lease());
        wanted = lease.subnet();
        log.info("Lease acquired: " + lease.subnet());
        if (takenFrom != null) {
            log.warning("Lease " + lease.subnet() + " was written by " + Holder.of(takenFrom) + ", this is " + Holder.of(attributes)
                    + "; taking it over unless that host is alive and objects");
        }
        session.leaseTaken(lease, takenFrom != null);
        catchUp();
        table.entries().forEach(this::giveBack);
    }

    void renewed(Lease lease) {
        trouble = "";
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

    /** What the store has under the own lease's key, as far as told; null for nothing. */
    private Entry seen() {
        return table.isKept(lease.key()) ? null : table.get(lease.key());
    }

    /** The watch may have told what became of a write of ours before the write's own answer was here. */
    private void catchUp() {
        Entry seen = seen();
        if (goneWhileWriting) {
            revoked(); // or not: to take it again finds out which came first
        } else if (seen == null || !isNews(seen)) {
            table.put(lease, key());
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
        Entry seen = seen();
        if (reason instanceof LeaseConflictException && (gone || seen == null)) {
            revoked();
        } else if (reason instanceof LeaseConflictException && seen.asOf() != lease.asOf()) {
            written(seen);
        } else {
            Duration wait = renewalPause.next();
            log.error("Error renewing lease (trying again in " + wait.toSeconds() + " s): " + reason.getMessage());
            trouble = "this host's lease can't be renewed: " + reason.getMessage();
            renewal.in(wait);
        }
    }

    /** The store can be asked again: a renewal that failed need not wait for its time. */
    void storeAnswers() {
        if (!trouble.isEmpty()) {
            trouble = "";
            renewal.now();
        }
    }

    private void scheduleRenewal() {
        Duration left = switch (lease.expiry()) {
            case Lease.Never never -> null;
            case Lease.At(Instant end) -> Duration.between(around.clock().wallTime(), end);
            case Lease.Unknown unknown -> TIME_TO_LIVE;
        };
        if (left == null) {
            renewal.cancel();
            return;
        }
        Duration wait = left.minus(around.settings().renewMargin());
        // hosts that were started together need not come to their store together for ever
        renewal.in(wait.isNegative() ? Duration.ZERO : wait.minusNanos(around.random().nextLong(wait.toNanos() / 10 + 1)));
    }

    // ---- what becomes of it in the store ----

    /** All entries were listed anew. */
    void listed(boolean continued) {
        if (lease() == null) {
            return;
        }
        Entry seen = seen();
        if (seen == null) {
            gone();
        } else if (!continued || isNews(seen)) {
            written(seen);
            if (!continued) {
                renewal.now(); // what a store in doubt says of its end is as old as the store
            }
        } else if (seen.asOf() < lease.asOf()) {
            renewal.now(); // listed before our last write, or the store was restored since: writing tells which
        }
        table.entries().forEach(this::giveBack);
    }

    /** An entry was put; not more than a look when it is not of this host. */
    void put(Entry entry) {
        if (lease() == null) {
            return;
        }
        if (!entry.key().equals(lease.key())) {
            giveBack(entry);
        } else if (isNews(entry)) {
            written(entry);
        }
    }

    /** Newer than what is held; or as old and other, as in a store that was restored from a backup and written to since. */
    private boolean isNews(Entry entry) {
        return entry.asOf() > lease.asOf() || entry.asOf() == lease.asOf()
                && !(entry instanceof Lease seen && seen.attributes().equals(lease.attributes()));
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
        log.warning("Lease has been revoked: " + lease.subnet() + "; asking for the same subnet again");
        lose(lease.subnet());
        if (session.askAgain()) {
            take();
        }
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
        } else if (state != State.WRITING) { // one under way meets it as a conflict, or has made it obsolete
            switch (Verdict.of(entry, lease, attributes, takenFrom, rewrites.areMany())) {
                case Verdict.Rewrite(String why) -> rewrite(entry, why);
                case Verdict.Move(String why, Holder stranger) -> {
                    log.error(why);
                    if (stranger != null) {
                        strangers.add(stranger);
                    }
                    lose(null);
                    take();
                }
            }
        }
    }

    /** Writes the lease over what was seen there. */
    private void rewrite(Entry seen, String why) {
        lease = new Lease(lease.key(), lease.subnet(), attributes, lease.expiry(), seen.asOf());
        renewal.within(rewrites.next());
        if (rewrites.isNews()) {
            log.warning(why + (rewrites.areMany() ? " (" + rewrites.count()
                    + " times by now: two daemons, or a tool that copies keys, write it in turn)" : ""));
        }
    }

    private void giveBack(Entry entry) {
        if (state == State.HELD) {
            further.giveBack(entry, lease.key(), attributes);
        }
    }
}
