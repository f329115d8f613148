package flannel.etcd;

import flannel.json.JsonValue;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.LeaseKey;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.StoreHealth;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;

/** Leases in etcd's v2 store (etcd 2.0 to 3.5; Documentation/v2/api.md). The cursor is the index to wait for. */
final class EtcdV2Registry implements EtcdStore {

    private static final int KEY_NOT_FOUND = 100;
    private static final int COMPARE_FAILED = 101;
    private static final int KEY_EXISTS = 105;
    private static final int REFUSED = 110;
    private static final int WATCHER_CLEARED = 400;
    private static final int INDEX_CLEARED = 401;

    private static final String RECURSIVE = "?recursive=true&quorum=true";

    /** A member is asked for its quorum after so many polls without an event. */
    private static final int SILENT_POLLS = 3;

    private final EtcdHttp http;
    private final EtcdKeys keys;
    private final List<String> headers;
    /** The user may read the two keys that the original needs, and not the whole folder. */
    private volatile boolean narrow;
    /** What the config was when last told; for a narrow user, whose watch does not tell of it. */
    private volatile String toldConfig;

    EtcdV2Registry(EtcdHttp http, EtcdKeys keys, String username, String password) {
        this.http = http;
        this.keys = keys;
        // sent unasked: etcd's 401 has no WWW-Authenticate, at which an Authenticator of java.net.http gives up
        this.headers = username.isEmpty() ? List.of() : List.of("Authorization",
                "Basic " + Base64.getEncoder().encodeToString((username + ":" + password).getBytes(StandardCharsets.UTF_8)));
    }

    @Override
    public String api() {
        return "v2";
    }

    @Override
    public StoreHealth health() {
        return http.health("etcd " + api());
    }

    @Override
    public String config() throws StoreException, InterruptedException {
        return config(configNow());
    }

    @Override
    public void createConfig(String text) throws StoreException, InterruptedException {
        String form = "value=" + URLEncoder.encode(text, StandardCharsets.UTF_8);
        CarefulWrite.run(() -> {
            accepted(http.write(request("PUT", keys.config(), "?prevExist=false", form)), "write", keys.config());
            return text;
        }, this::config, text::equals);
    }

    private EtcdAnswer configNow() throws StoreException, InterruptedException {
        return http.read(request("GET", keys.config(), "?quorum=true", null));
    }

    private String config(EtcdAnswer answer) throws StoreException {
        return isMissing(answer) ? null : accepted(answer, "read", keys.config()).get("node").text("value");
    }

    /**
     * The whole folder in one request, asked for with a slash behind it: that is what a role's {@code PREFIX/*} matches. A user who may
     * read no more than the original needs, {@code config} and {@code subnets}, is served by two.
     */
    @Override
    public Snapshot list() throws StoreException, InterruptedException {
        Listing listing = new Listing("nodes", keys.config(), value -> value, this::entry);
        if (!narrow) {
            EtcdAnswer answer = http.read(request("GET", keys.folder(), RECURSIVE, null), listing);
            if (!isRefused(answer) || isRefused(configNow())) {
                return listing.snapshot(cursor(answer, keys.folder()));
            }
            narrow = true;
        }
        String config = config();
        Cursor cursor = cursor(http.read(request("GET", keys.subnets() + "/", RECURSIVE, null), listing), keys.subnets() + "/");
        toldConfig = config;
        return new Snapshot(config, listing.snapshot(cursor).entries(), cursor);
    }

    /** Where a list was made, after a look whether it is one: "nothing there" from anything else than the store proves nothing. */
    private Cursor cursor(EtcdAnswer answer, String folder) throws StoreException {
        boolean listed = isMissing(answer);
        if (!listed) {
            JsonValue node = accepted(answer, "list", folder).get("node");
            listed = node.isTrue("dir") && folder.equals(node.text("key") + "/");
        }
        if (!listed || answer.index() <= 0 || answer.cluster().isEmpty()) {
            throw new StoreException("the answer to a list of " + folder + " (v2 API) is not that folder with an index: it is not etcd's");
        }
        return new Cursor(answer.index() + 1, answer.cluster());
    }

    private Entry entry(JsonValue node) {
        return keys.entry(node.text("key"), node.get("value") instanceof JsonValue.Omitted ? null : node.text("value"), expiry(node), node.integer("modifiedIndex"));
    }

    /** By this host's clock, from the seconds left: etcd's own clock, in {@code expiration}, may be another. */
    private static Lease.Expiry expiry(JsonValue node) {
        // with less than a second left etcd omits the ttl and still tells the expiration
        return node.get("expiration") == null ? new Lease.Never() : Lease.At.in(node.integer("ttl"));
    }

    @Override
    public void watchWhile(Cursor from, Duration atMost, Predicate<StoreEvent> sink) throws StoreException, InterruptedException {
        long next = from.revision();
        long startNanos = System.nanoTime();
        int silent = 0;
        for (boolean first = true; System.nanoTime() - startNanos < atMost.toNanos(); first = false) {
            String query = "?wait=true&recursive=true&waitIndex=" + next;
            String folder = narrow ? keys.subnets() + "/" : keys.folder();
            try (EtcdStream poll = http.stream(request("GET", folder, query, null), http.timeouts().poll())) {
                if (poll == null) {
                    continue;
                }
                JsonValue change;
                try {
                    if (poll.status() != 200) {
                        refuseUnlessCleared(poll.complete());
                        return;
                    }
                    // with a lower index the wait would be for the far future
                    if (!poll.cluster().equals(from.cluster()) || poll.index() < next - 1) {
                        WatchEnds.behind(http, poll, first);
                        return;
                    }
                    change = poll.next();
                    // to the end, so that the connection is used for the next poll
                    if (change != null && poll.next() != null) {
                        return;
                    }
                } catch (StoreException e) {
                    throw e;
                } catch (IOException e) {
                    if (poll.expired()) {
                        // what had happened up to the poll's start would have been told at once: the history of other people's keys, of
                        // which etcd remembers 1,000 changes, need not be asked for again
                        next = Math.max(next, poll.index() + 1);
                        if ((narrow || ++silent % SILENT_POLLS == 0) && !isStillGood(poll, sink)) {
                            return;
                        }
                        continue;
                    }
                    change = null;
                }
                if (change == null) {
                    WatchEnds.cut(http, poll);
                    return;
                }
                if (!apply(change, next, sink)) {
                    return;
                }
                next = change.get("node").integer("modifiedIndex") + 1;
            }
        }
    }

    /**
     * A member serves watches from its own copy of the store: cut off from the others it is silent for ever. So now and then it has to ask
     * them, by a read with a quorum; a member that can't is left for the next one.
     */
    private boolean isStillGood(EtcdStream poll, Predicate<StoreEvent> sink) throws StoreException, InterruptedException {
        EtcdAnswer answer = configNow();
        String config = config(answer);
        boolean told = !narrow || Objects.equals(config, toldConfig) || sink.test(new StoreEvent.ConfigChanged(config));
        toldConfig = config;
        return told && answer.endpoint().equals(poll.endpoint());
    }

    private void refuseUnlessCleared(EtcdAnswer answer) throws StoreException {
        long code = errorCode(answer);
        if (code != INDEX_CLEARED && code != WATCHER_CLEARED) {
            throw failure(answer, "watch", keys.folder());
        }
    }

    /** False when the watch is to end. */
    private boolean apply(JsonValue change, long atLeast, Predicate<StoreEvent> sink) {
        JsonValue node = change.get("node");
        if (node == null || node.integer("modifiedIndex") < atLeast) {
            return false;
        }
        String path = node.text("key");
        boolean gone = switch (change.text("action")) {
            case "delete", "expire", "compareAndDelete" -> true;
            default -> false;
        };
        if (node.isTrue("dir")) {
            // one event tells of a whole folder's end
            return !gone;
        }
        if (path.equals(keys.config())) {
            return sink.test(new StoreEvent.ConfigChanged(gone ? null : node.text("value")));
        }
        LeaseKey key = keys.keyOf(path);
        return key == null || sink.test(gone ? new StoreEvent.Gone(key) : new StoreEvent.Put(entry(node)));
    }

    @Override
    public Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive)
            throws StoreException, InterruptedException {
        LeaseKey key = LeaseKey.of(subnet);
        String form = form(attributes) + "&ttl=" + ttlSeconds(timeToLive);
        return CarefulWrite.run(() -> put(key, "?prevExist=false", form), () -> get(key),
                now -> now != null && now.attributes().equals(attributes));
    }

    @Override
    public Lease update(Lease held, LeaseAttributes attributes, Duration timeToLive) throws StoreException, InterruptedException {
        // a put without a ttl takes the ttl away, or leaves none
        String form = form(attributes) + (held.isReservation() ? "" : "&ttl=" + ttlSeconds(timeToLive));
        return CarefulWrite.run(() -> put(held.key(), "?prevIndex=" + held.asOf(), form), () -> get(held.key()),
                now -> now != null && now.asOf() > held.asOf() && now.attributes().equals(attributes));
    }

    @Override
    public void delete(Lease held) throws StoreException, InterruptedException {
        String path = keys.pathOf(held.key());
        CarefulWrite.run(() -> {
            accepted(http.write(request("DELETE", path, "?prevIndex=" + held.asOf(), null)), "delete", path);
            return false;
        }, () -> !isMissing(http.read(request("GET", path, "?quorum=true", null))), there -> !there);
    }

    private static String form(LeaseAttributes attributes) {
        return "value=" + URLEncoder.encode(attributes.toJson(), StandardCharsets.UTF_8);
    }

    private static long ttlSeconds(Duration timeToLive) {
        return Math.max(1, timeToLive.toSeconds());
    }

    private Lease put(LeaseKey key, String query, String form) throws StoreException, InterruptedException {
        String path = keys.pathOf(key);
        if (entry(accepted(http.write(request("PUT", path, query, form)), "write", path).get("node")) instanceof Lease lease) {
            return lease;
        }
        throw new StoreException("etcd did not store " + path + " as it was written");
    }

    /** Null when it is gone, or is no lease. */
    private Lease get(LeaseKey key) throws StoreException, InterruptedException {
        String path = keys.pathOf(key);
        EtcdAnswer answer = http.read(request("GET", path, "?quorum=true", null));
        return !isMissing(answer) && entry(accepted(answer, "read", path).get("node")) instanceof Lease lease ? lease : null;
    }

    private EtcdHttp.Request request(String method, String key, String query, String form) {
        return new EtcdHttp.Request(method, "/v2/keys" + escape(key) + query, "application/x-www-form-urlencoded", form, headers);
    }

    private static String escape(String path) {
        try {
            return new URI(null, null, path, null).toASCIIString();
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("\"" + path + "\" can't be the path of a key", e);
        }
    }

    private static long errorCode(EtcdAnswer answer) {
        return answer.json() == null ? 0 : answer.json().integer("errorCode");
    }

    private static boolean isRefused(EtcdAnswer answer) {
        return errorCode(answer) == REFUSED || answer.status() == 403;
    }

    private static boolean isMissing(EtcdAnswer answer) {
        return errorCode(answer) == KEY_NOT_FOUND;
    }

    /** The answer's body if it is a success, else the exception that its error code stands for. */
    private static JsonValue accepted(EtcdAnswer answer, String verb, String key) throws StoreException {
        if (answer.status() < 300 && answer.json() != null && answer.json().get("node") != null) {
            return answer.json();
        }
        throw failure(answer, verb, key);
    }

    private static StoreException failure(EtcdAnswer answer, String verb, String key) {
        if (answer.json() == null && (answer.status() == 404 || answer.status() == 405)) {
            return new NotServedException(answer.endpoint() + " does not serve etcd's v2 API"
                    + " (etcd 3.4 and 3.5 do with --enable-v2, later ones never)");
        }
        return switch ((int) errorCode(answer)) {
            case KEY_NOT_FOUND, COMPARE_FAILED, KEY_EXISTS -> new LeaseConflictException(key + ": " + answer.reason());
            default -> new StoreException("etcd at " + answer.endpoint() + " did not " + verb + " " + key + " (v2 API): "
                    + answer.reason());
        };
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
