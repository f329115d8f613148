package flannel.remote;

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
import flannel.lease.Moment;
import flannel.lease.ServedStore;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.StoreHistory;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.remote.ServerHttp.Exchange;
import flannel.remote.ServerHttp.Reply;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * The subnets of a network as a flannel server has them, ours or 0.7.1's: the client mode, {@code -remote}. Which subnet this host gets,
 * the server decides. Follows by long polls; the configuration, of whose changes no server tells, is asked for beside them, which shows at
 * the same time that the server is alive.
 */
public final class RemoteSubnetStore implements ServedStore {

    /** Between two looks at the configuration. */
    private static final Duration LOOK = Duration.ofSeconds(30);

    /** For which a poll may be silent: a Go server's is for ever, and what is between may have forgotten the connection. */
    private static final Duration SILENCE = Duration.ofMinutes(5);

    /** Between an answer and the next poll. */
    private static final long BATCH_MILLIS = 50;

    /** In no store's history. */
    private static final Moment NOWHERE = new Moment("", 0);

    private static final long FIRST_PAUSE_MILLIS = 100;
    private static final long LONGEST_PAUSE_MILLIS = 2_000;

    private final ServerHttp http;
    /** Empty for the network without one. */
    private final String name;
    /** Of the network at the server, with a slash behind it. */
    private final String path;
    private final RandomGenerator random;
    private final Duration look;
    private final StoreHistory history = new StoreHistory();
    /** What this host's lease says; a Go server drops the mark in it. */
    private volatile LeaseAttributes mine;
    /** The highest revision heard of: what a Go server, which does not tell, answers a write with is not older. */
    private volatile long newest;

    RemoteSubnetStore(ServerHttp http, String name, RandomGenerator random) {
        this(http, name, LOOK, random);
    }

    RemoteSubnetStore(ServerHttp http, String name, Duration look, RandomGenerator random) {
        this.http = http;
        this.name = name;
        this.path = "/v1/" + (name.isEmpty() ? "_" : URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20")) + "/";
        this.look = look;
        this.random = random;
    }

    @Override
    public String configPlace() {
        return (name.isEmpty() ? "network config" : "config of network " + name) + " in the store of the flannel server " + http + " (-remote)";
    }

    // ---- following ----

    @Override
    public void follow(Consumer<StoreEvent> sink) throws InterruptedException {
        long pauseMillis = FIRST_PAUSE_MILLIS;
        while (true) {
            long startNanos = System.nanoTime();
            try {
                String config = configOf(config());
                Reply reply = http.call("GET", path + "leases", null, null);
                if (config == null && reply.isMissing() && !name.isEmpty()) { // the server's store has no such network
                    sink.accept(history.listed(null, List.of(), NOWHERE));
                } else {
                    Changes all = list(reply);
                    tell(all, config, sink);
                    poll(reply.server(), all.cursor(), config, sink);
                }
            } catch (StoreException e) {
                sink.accept(new StoreEvent.Away(e.getMessage()));
            }
            boolean lasted = System.nanoTime() - startNanos > LONGEST_PAUSE_MILLIS * 1_000_000;
            pauseMillis = lasted ? FIRST_PAUSE_MILLIS : Math.min(2 * pauseMillis, LONGEST_PAUSE_MILLIS);
            // jitter: the hosts of a cluster must not come back to their server all at once
            Thread.sleep(random.nextLong(pauseMillis / 2, pauseMillis + 1));
        }
    }

    @Override
    public Collection<Entry> read() throws StoreException, InterruptedException {
        return entries(list(http.call("GET", path + "leases", null, null)));
    }

    private Changes list(Reply reply) throws StoreException {
        Changes all = changes(reply);
        if (all.snapshot() == null) {
            throw new StoreException("flannel server " + http + " answered a list of leases with events");
        }
        return all;
    }

    private List<Entry> entries(Changes all) {
        return all.snapshot().stream().map(this::marked).toList();
    }

    private Reply config() throws StoreException, InterruptedException {
        return http.call("GET", path + "config", null, null);
    }

    private String configOf(Reply reply) throws StoreException {
        return reply.isMissing() ? null : accepted(reply, "tell the network config").strip();
    }

    /** Hands on what happens behind a cursor. Returns when it is time to list again. */
    private void poll(int server, String from, String firstConfig, Consumer<StoreEvent> sink) throws StoreException, InterruptedException {
        String config = firstConfig;
        String cursor = from;
        long lookedNanos = System.nanoTime();
        while (true) {
            long startNanos = System.nanoTime();
            Exchange exchange = http.start(server, "GET", path + "leases?next=" + cursor, null, null);
            try {
                Reply reply = null;
                while (reply == null && System.nanoTime() - startNanos < SILENCE.toNanos()) {
                    reply = ServerHttp.get(exchange, look.minusNanos(System.nanoTime() - lookedNanos));
                    if (System.nanoTime() - lookedNanos >= look.toNanos()) {
                        Reply answer = config();
                        if (answer.server() != server) {
                            return; // it is silent because it is dead
                        }
                        String now = configOf(answer);
                        lookedNanos = System.nanoTime();
                        if (!Objects.equals(now, config)) {
                            config = now;
                            told(new StoreEvent.ConfigChanged(now), sink);
                        }
                    }
                }
                if (reply != null) {
                    if (reply.status() != 200) {
                        return; // a cursor of another kind of server, perhaps
                    }
                    Changes changes = changes(reply);
                    tell(changes, config, sink);
                    cursor = changes.cursor();
                    Thread.sleep(random.nextLong(BATCH_MILLIS / 2, BATCH_MILLIS)); // where much happens, much is told at a time
                }
            } catch (StoreException e) {
                throw e;
            } catch (IOException e) {
                http.leave(server); // the next list tells whether that is a trouble
                return;
            } finally {
                exchange.cancel();
            }
        }
    }

    private void tell(Changes changes, String config, Consumer<StoreEvent> sink) {
        newest = Math.max(newest, changes.at().revision());
        if (changes.snapshot() == null) {
            changes.events().forEach(event -> told(event, sink));
        } else {
            sink.accept(history.listed(config, entries(changes), changes.at()));
        }
    }

    private void told(StoreEvent event, Consumer<StoreEvent> sink) {
        StoreEvent told = event instanceof StoreEvent.Put(Entry entry) ? new StoreEvent.Put(marked(entry)) : event;
        history.noted(told);
        sink.accept(told);
    }

    /** This host's lease, given its mark back. */
    private Entry marked(Entry entry) {
        LeaseAttributes ours = mine;
        if (ours == null || !(entry instanceof Lease lease) || !lease.attributes().node().isEmpty()) {
            return entry;
        }
        LeaseAttributes marked = new LeaseAttributes(lease.attributes().publicIp(), lease.attributes().backendType(),
                lease.attributes().backendData(), ours.node());
        return marked.equals(ours) ? new Lease(lease.key(), lease.subnet(), ours, lease.expiry(), lease.asOf()) : entry;
    }

    private Changes changes(Reply reply) throws StoreException {
        try {
            return Changes.parse(accepted(reply, "list the leases"), reply.ahead());
        } catch (JsonException e) {
            throw nonsense(e);
        }
    }

    // ---- writing ----

    @Override
    public Taken take(Wish wish, Collection<Entry> known) throws StoreException, InterruptedException {
        mine = wish.attributes();
        Reply reply = http.call("POST", path + "leases", null, LeaseRequest.toJson(wish));
        try {
            JsonValue value = JsonValue.parse(accepted(reply, "give this host a subnet"));
            JsonValue from = value.get("From");
            Lease lease = (Lease) marked(Messages.lease(value, newest, reply.ahead()));
            if (!wish.config().allows(lease.subnet())) {
                throw new StoreException("flannel server " + http + " gave this host " + lease.subnet() + ", which is none of the network's subnets");
            }
            return new Taken(lease, from == null ? null : LeaseAttributes.parse(from.toString()));
        } catch (JsonException e) {
            throw nonsense(e);
        }
    }

    @Override
    public Lease renew(Lease held, LeaseAttributes attributes) throws StoreException, InterruptedException {
        mine = attributes;
        Lease wanted = new Lease(held.key(), held.subnet(), attributes, held.expiry(), held.asOf());
        Reply reply = http.call("PUT", path(held), match(held), Messages.lease(wanted).toString());
        if (isConflict(reply)) {
            return writtenAlready(wanted).orElseThrow(() -> new LeaseConflictException(reply.reason()));
        }
        try {
            // what a Go server of its time says of the attributes may be its encoder's fault: what was sent is what is there
            Lease now = Messages.lease(JsonValue.parse(accepted(reply, "renew lease " + held.subnet())), Math.max(newest, held.asOf()),
                    reply.ahead());
            return new Lease(held.key(), held.subnet(), attributes, now.expiry(), now.asOf());
        } catch (JsonException e) {
            throw nonsense(e);
        }
    }

    /** What it ran into may be its own first attempt, whose answer was lost. */
    private Optional<Lease> writtenAlready(Lease wanted) throws StoreException, InterruptedException {
        return read().stream().filter(entry -> entry.key().equals(wanted.key()) && entry.asOf() > wanted.asOf()).filter(Lease.class::isInstance)
                .map(Lease.class::cast).filter(now -> now.attributes().equals(wanted.attributes())).findFirst();
    }

    @Override
    public void giveBack(Lease held) throws StoreException, InterruptedException {
        Reply reply = http.call("DELETE", path(held), match(held), null);
        refuseConflict(reply);
        accepted(reply, "take lease " + held.subnet() + " back");
    }

    // ---- reserving ----

    @Override
    public Lease reserve(Ipv4Subnet subnet, Ipv4 publicIp) throws StoreException, InterruptedException {
        Reply reply = http.call("POST", path + "reservations", null, new Messages.Reservation(subnet, publicIp).toJson().toString());
        refuseConflict(reply);
        accepted(reply, "reserve " + subnet);
        return find(subnet);
    }

    @Override
    public Lease release(Ipv4Subnet subnet) throws StoreException, InterruptedException {
        Reply reply = http.call("DELETE", path + "reservations/" + subnet.toKey(), null, null);
        refuseConflict(reply);
        accepted(reply, "release " + subnet);
        return find(subnet);
    }

    /** Neither kind of server answers with what it has made of it. */
    private Lease find(Ipv4Subnet subnet) throws StoreException, InterruptedException {
        return read().stream().filter(entry -> entry.key().equals(LeaseKey.of(subnet))).map(Lease.class::cast).findFirst()
                .orElseThrow(() -> new LeaseConflictException("lease " + subnet + " is gone"));
    }

    private String path(Lease held) {
        return path + "leases/" + held.subnet().toKey();
    }

    private static String match(Lease held) {
        return "\"" + held.asOf() + "\"";
    }

    private static boolean isConflict(Reply reply) {
        return reply.isMissing() || List.of(409, 412).contains(reply.status());
    }

    private static void refuseConflict(Reply reply) throws LeaseConflictException {
        if (isConflict(reply)) {
            throw new LeaseConflictException(reply.reason());
        }
    }

    /** The body of a success. */
    private String accepted(Reply reply, String what) throws StoreException {
        if (reply.status() != 200) {
            throw new StoreException("flannel server " + http + " did not " + what + ": " + reply.reason());
        }
        return reply.body();
    }

    private StoreException nonsense(JsonException e) {
        return new StoreException("flannel server " + http + " answered what is no flannel server's: " + e.getMessage(), e);
    }

    @Override
    public void reconnect() {
        http.reconnect();
    }

    @Override
    public void close() {
        http.close();
    }
}
