package flannel.server;

import flannel.api.Changes;
import flannel.api.LeaseRequest;
import flannel.api.Messages;
import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.LeaseKey;
import flannel.lease.NetworkConfig;
import flannel.lease.ServedStore;
import flannel.lease.StoreException;
import flannel.lease.SubnetStore.Taken;
import flannel.lease.SubnetStore.Wish;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;

/**
 * One network's part of the HTTP API: its config, leases and reservations. Keeps nothing: what is written goes to the store, what is read is
 * what the store last told.
 *
 * <p>Beyond 0.7.1: every write is a compare-and-swap. A client that says in {@code If-Match} as of when it knows a lease is refused when
 * that is not how it stands (412); one that does not, as a Go daemon, may renew only what is its own.
 */
final class LeaseApi {

    /** For the store to tell of what has just been written to it. */
    private static final Duration ECHO = Duration.ofSeconds(2);

    /** What a Go daemon is told of the end of what has none: with Go's zero time it would renew without a pause. */
    private static final Duration NO_END = Duration.ofHours(24);

    /** And where the end is not known: soon, so that it renews. */
    private static final Duration UNKNOWN_END = Duration.ofHours(1);

    /** To wait for the others who ask for a subnet. */
    private static final Duration TURN = Duration.ofSeconds(10);

    private final ServedStore store;
    private final Feed feed;
    private final Duration poll;
    private final RandomGenerator random;
    private final ReentrantLock taking = new ReentrantLock();

    /** @param poll how long a client is let wait for news; a little longer for some, so that they do not all come at once */
    LeaseApi(ServedStore store, Feed feed, Duration poll, RandomGenerator random) {
        this.store = store;
        this.feed = feed;
        this.poll = poll;
        this.random = random;
    }

    /**
     * Answers.
     *
     * @param what what stands behind the network's name: config, leases, reservations
     * @param key  what stands behind that, a subnet as in a key; empty for nothing
     */
    Answer answer(Request request, String what, String key) throws IOException, InterruptedException {
        Ipv4Subnet subnet = key.isEmpty() ? null : subnet(key);
        return switch (what) {
            case "config" -> {
                request.allow("GET");
                yield Answer.json(Messages.config(config()));
            }
            case "leases" -> subnet == null ? leases(request) : lease(request, LeaseKey.of(subnet));
            case "reservations" -> subnet == null ? reservations(request) : reservation(request, subnet);
            default -> throw new RefusedException(404, "there is no " + request.path() + "; there are config, leases and reservations");
        };
    }

    private static Ipv4Subnet subnet(String key) throws RefusedException {
        try {
            return Ipv4Subnet.parseKey(key);
        } catch (IllegalArgumentException e) {
            throw new RefusedException(400, "bad subnet: " + e.getMessage());
        }
    }

    /** What the store has told; nothing can be said before it has told anything. */
    private Feed feed() throws RefusedException {
        if (feed.isGone()) {
            throw new RefusedException(404, "there is no " + store.configPlace());
        }
        String unready = feed.unready();
        if (!unready.isEmpty()) {
            throw new RefusedException(503, unready);
        }
        return feed;
    }

    private NetworkConfig config() throws RefusedException {
        String text = feed().config();
        if (text == null) {
            throw new RefusedException(404, "there is no " + store.configPlace());
        }
        try {
            return NetworkConfig.parse(text);
        } catch (IllegalArgumentException e) {
            throw new RefusedException(500, "the network config " + text + " can't be used: " + e.getMessage());
        }
    }

    private Duration wait(Request request) {
        return poll.plusNanos(random.nextLong(poll.toNanos() / 2));
    }

    // ---- leases ----

    private Answer leases(Request request) throws IOException, InterruptedException {
        request.allow("GET", "POST");
        if (request.method().equals("POST")) {
            return take(LeaseRequest.parse(request.body(), config()));
        }
        String cursor = request.parameter("next");
        Feed.Next next = cursor == null ? null : feed().changesAfter(cursor, Feed.Change::news, wait(request));
        if (next == null) {
            return new Answer(200, "application/json; charset=utf-8", feed().snapshot());
        }
        List<String> events = next.changes().isEmpty() ? sameAgain(request) : next.changes().stream().map(Feed.Change::json).toList();
        return events.isEmpty() ? new Answer(200, "application/json; charset=utf-8", feed.snapshot())
                : Answer.json(Changes.events(events, next.cursor(), next.at()));
    }

    /** One at a time, and until the feed has it: a host that asks twice would be given two subnets, and many would run into each other. */
    private Answer take(Wish wish) throws IOException, InterruptedException {
        if (store.isAtomic()) {
            return takeNow(wish, List.of()); // it knows
        }
        if (!taking.tryLock(TURN.toNanos(), TimeUnit.NANOSECONDS)) {
            throw new RefusedException(503, "too many hosts ask for a subnet at once; try again");
        }
        try {
            return takeNow(wish, feed.entries());
        } finally {
            taking.unlock();
        }
    }

    private Answer takeNow(Wish wish, List<Entry> known) throws IOException, InterruptedException {
        writable();
        Taken taken = store.take(wish, known);
        feed.awaitWrite(taken.lease(), ECHO);
        return Answer.json(told(taken.lease(), taken.from()));
    }

    /** What would wait for a store that is away is refused at once. */
    private void writable() throws RefusedException {
        String trouble = feed.trouble();
        if (!trouble.isEmpty()) {
            throw new RefusedException(503, trouble);
        }
    }

    /**
     * Nothing has happened. To a Go daemon an answer without events is the whole list; so it is told something that it knows: its own
     * lease, which it passes over, or, behind address translation, another.
     */
    private List<String> sameAgain(Request request) {
        List<Lease> leases = feed.leases();
        return leases.stream().filter(lease -> lease.attributes().publicIp().toString().equals(request.from().getHostAddress())).findFirst()
                .or(() -> leases.stream().findFirst()).map(lease -> Changes.added(Messages.lease(lease))).stream().toList();
    }

    private Answer lease(Request request, LeaseKey key) throws IOException, InterruptedException {
        request.allow("GET", "PUT", "DELETE");
        return switch (request.method()) {
            case "PUT" -> renew(request, key);
            case "DELETE" -> giveBack(request, key);
            default -> watch(request, key);
        };
    }

    /** One lease, or the next change of it; one at a time, for a Go daemon looks at the first only. */
    private Answer watch(Request request, LeaseKey key) throws RefusedException, InterruptedException {
        String cursor = request.parameter("next");
        Feed.Next next = cursor == null ? null : feed().changesAfter(cursor, change -> change.key().equals(key), wait(request));
        if (next != null && !next.changes().isEmpty()) {
            Feed.Change first = next.changes().getFirst();
            return Answer.json(Changes.events(List.of(first.json()), feed.cursor(first.number()), next.at()));
        }
        String now = feed().cursor();
        if (!(feed.entry(key) instanceof Lease lease)) {
            throw new RefusedException(404, "there is no lease " + key);
        }
        return Answer.json("{\"events\":null,\"snapshot\":[" + told(lease, null) + "],\"cursor\":\"" + now + "\"}");
    }

    private Answer renew(Request request, LeaseKey key) throws IOException, InterruptedException {
        Lease wanted = Messages.lease(request.body());
        if (!wanted.key().equals(key)) {
            throw new RefusedException(400, "the body's Subnet " + wanted.subnet() + " is not the path's " + key);
        }
        writable();
        Lease held = held(request, key);
        if (request.ifMatch().isEmpty() && !held.attributes().publicIp().equals(wanted.attributes().publicIp())) {
            throw new RefusedException(409, "lease " + key + " is held by " + held.attributes().publicIp());
        }
        Lease renewed = store.renew(held, wanted.attributes());
        feed.awaitWrite(renewed, ECHO);
        return Answer.json(told(renewed, null));
    }

    private Answer giveBack(Request request, LeaseKey key) throws IOException, InterruptedException {
        writable();
        Lease held = held(request, key);
        store.giveBack(held);
        feed.awaitGone(key, held.asOf(), ECHO);
        return Answer.empty();
    }

    /** The lease as the client knows it; what it knows from another server may be newer than what this one has heard. */
    private Lease held(Request request, LeaseKey key) throws RefusedException, InterruptedException {
        String tag = request.ifMatch().replace("\"", "");
        if (!tag.matches("\\d{0,18}")) {
            throw new RefusedException(400, "If-Match is not of the form \"124\"");
        }
        long asOf = tag.isEmpty() ? 0 : Long.parseLong(tag);
        feed().awaitGone(key, asOf - 1, ECHO);
        if (!(feed.entry(key) instanceof Lease lease)) {
            throw new RefusedException(404, "there is no lease " + key);
        }
        if (asOf != 0 && lease.asOf() != asOf) {
            throw new RefusedException(412, "lease " + key + " has been written since by " + lease.attributes().publicIp());
        }
        return lease;
    }

    /**
     * A lease for the host that holds it.
     *
     * @param from see {@link Taken#from}
     */
    private static JsonValue told(Lease lease, LeaseAttributes from) {
        boolean go = lease.attributes().node().isEmpty();
        JsonValue.Obj json = Messages.lease(lease, switch (lease.expiry()) {
            case Lease.Never never when go -> new Lease.At(Instant.now().plus(NO_END));
            case Lease.Unknown unknown -> new Lease.At(Instant.now().plus(UNKNOWN_END));
            case Lease.Expiry end -> end;
        });
        if (from == null) {
            return json;
        }
        Map<String, JsonValue> members = new LinkedHashMap<>(json.members());
        members.put("From", from.toJsonObject());
        return new JsonValue.Obj(members);
    }

    // ---- reservations ----

    private Answer reservations(Request request) throws IOException, InterruptedException {
        request.allow("GET", "POST");
        if (request.method().equals("GET")) {
            return Answer.json(Messages.reservations(feed().leases()));
        }
        Messages.Reservation wanted = Messages.Reservation.parse(request.body());
        NetworkConfig config = config();
        if (!config.allows(wanted.subnet())) {
            throw new RefusedException(400, "subnet " + wanted.subnet() + " is none of the network's: those are the /"
                    + config.subnetLength() + " of " + config.subnetMin() + " ... " + config.subnetMax());
        }
        writable();
        feed.awaitWrite(store.reserve(wanted.subnet(), wanted.publicIp()), ECHO);
        return Answer.empty();
    }

    private Answer reservation(Request request, Ipv4Subnet subnet) throws IOException, InterruptedException {
        request.allow("DELETE");
        feed();
        writable();
        feed.awaitWrite(store.release(subnet), ECHO);
        return Answer.empty();
    }
}
