package flannel.etcd;

import flannel.json.JsonValue;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.RegistryException;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.function.Predicate;

/** Leases in etcd's v2 store (etcd 2.0 to 3.5; Documentation/v2/api.md). The cursor is the index to wait for. */
final class EtcdV2Registry implements EtcdStore {

    private static final int KEY_NOT_FOUND = 100;
    private static final int COMPARE_FAILED = 101;
    private static final int KEY_EXISTS = 105;
    private static final int WATCHER_CLEARED = 400;
    private static final int INDEX_CLEARED = 401;

    private final EtcdHttp http;
    private final LeaseKeys keys;
    private final List<String> headers;

    EtcdV2Registry(EtcdHttp http, LeaseKeys keys, String username, String password) {
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
    public String config() throws RegistryException, InterruptedException {
        EtcdAnswer answer = http.read(request("GET", keys.config(), "?quorum=true", null));
        return isMissing(answer) ? null : accepted(answer, "read", keys.config()).get("node").text("value");
    }

    /** The folder is asked for with a slash behind it: that is what a role's {@code PREFIX/*} matches. */
    @Override
    public Snapshot list() throws RegistryException, InterruptedException {
        Listing listing = new Listing("nodes", keys.config(), value -> value, this::lease);
        EtcdAnswer answer = http.read(request("GET", keys.folder(), "?recursive=true&quorum=true", null), listing);
        Cursor cursor = new Cursor(answer.index() + 1, answer.cluster());
        if (isMissing(answer)) {
            return new Snapshot(null, List.of(), cursor);
        }
        accepted(answer, "list", keys.folder());
        return listing.snapshot(cursor);
    }

    private Lease lease(JsonValue node) {
        return keys.lease(node.text("key"), node.text("value"), expiry(node), node.integer("modifiedIndex"), 0);
    }

    /** By this host's clock, from the seconds left: etcd's own clock, in {@code expiration}, may be another. */
    private static Lease.Expiry expiry(JsonValue node) {
        // with less than a second left etcd omits the ttl and still tells the expiration
        return node.get("expiration") == null ? new Lease.Never() : new Lease.At(Instant.now().plusSeconds(node.integer("ttl")));
    }

    @Override
    public void watchWhile(Cursor from, Predicate<Event> sink) throws RegistryException, InterruptedException {
        long next = from.revision();
        for (boolean first = true;; first = false) {
            String query = "?wait=true&recursive=true&waitIndex=" + next;
            try (EtcdStream poll = http.stream(request("GET", keys.folder(), query, null), http.timeouts().poll())) {
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
                } catch (RegistryException e) {
                    throw e;
                } catch (IOException e) {
                    if (poll.expired()) {
                        // what had happened up to the poll's start would have been told at once: the history of other people's keys, of
                        // which etcd remembers 1,000 changes, need not be asked for again
                        next = Math.max(next, poll.index() + 1);
                        continue;
                    }
                    change = null;
                }
                if (change == null) {
                    WatchEnds.cut(http, poll);
                    return;
                }
                if (!apply(change, sink)) {
                    return;
                }
                next = change.get("node").integer("modifiedIndex") + 1;
            }
        }
    }

    private void refuseUnlessCleared(EtcdAnswer answer) throws RegistryException {
        long code = errorCode(answer);
        if (code != INDEX_CLEARED && code != WATCHER_CLEARED) {
            throw failure(answer, "watch", keys.folder());
        }
    }

    /** False when the watch is to end. */
    private boolean apply(JsonValue change, Predicate<Event> sink) {
        JsonValue node = change.get("node");
        if (node == null || node.integer("modifiedIndex") == 0) {
            return false;
        }
        String key = node.text("key");
        boolean gone = switch (change.text("action")) {
            case "delete", "expire", "compareAndDelete" -> true;
            default -> false;
        };
        if (node.isTrue("dir")) {
            // one event tells of a whole folder's end
            return !gone;
        }
        if (key.equals(keys.config())) {
            return sink.test(new ConfigChanged(gone ? null : node.text("value")));
        }
        Ipv4Subnet subnet = keys.subnetOf(key, node.integer("modifiedIndex"));
        if (subnet == null) {
            return true;
        }
        Lease lease = gone ? null : lease(node);
        return sink.test(lease == null ? new LeaseGone(subnet) : new LeasePut(lease));
    }

    @Override
    public Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive)
            throws RegistryException, InterruptedException {
        String form = form(attributes) + "&ttl=" + ttlSeconds(timeToLive);
        return CarefulWrite.run(() -> put(subnet, "?prevExist=false", form), () -> get(subnet),
                now -> now != null && now.attributes().equals(attributes));
    }

    @Override
    public Lease update(Lease held, LeaseAttributes attributes, Duration timeToLive) throws RegistryException, InterruptedException {
        // a put without a ttl takes the ttl away, or leaves none
        String form = form(attributes) + (held.isReservation() ? "" : "&ttl=" + ttlSeconds(timeToLive));
        return CarefulWrite.run(() -> put(held.subnet(), "?prevIndex=" + held.revision(), form), () -> get(held.subnet()),
                now -> now != null && now.revision() > held.revision() && now.attributes().equals(attributes));
    }

    @Override
    public void delete(Lease held) throws RegistryException, InterruptedException {
        CarefulWrite.run(() -> {
            String key = keys.keyOf(held.subnet());
            accepted(http.write(request("DELETE", key, "?prevIndex=" + held.revision(), null)), "delete", key);
            return null;
        }, () -> get(held.subnet()), now -> now == null);
    }

    private static String form(LeaseAttributes attributes) {
        return "value=" + URLEncoder.encode(attributes.toJson(), StandardCharsets.UTF_8);
    }

    private static long ttlSeconds(Duration timeToLive) {
        return Math.max(1, timeToLive.toSeconds());
    }

    private Lease put(Ipv4Subnet subnet, String query, String form) throws RegistryException, InterruptedException {
        String key = keys.keyOf(subnet);
        Lease lease = lease(accepted(http.write(request("PUT", key, query, form)), "write", key).get("node"));
        if (lease == null) {
            throw new RegistryException("etcd did not store " + key + " as it was written");
        }
        return lease;
    }

    private Lease get(Ipv4Subnet subnet) throws RegistryException, InterruptedException {
        String key = keys.keyOf(subnet);
        EtcdAnswer answer = http.read(request("GET", key, "?quorum=true", null));
        return isMissing(answer) ? null : lease(accepted(answer, "read", key).get("node"));
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

    private static boolean isMissing(EtcdAnswer answer) {
        return errorCode(answer) == KEY_NOT_FOUND;
    }

    /** The answer's body if it is a success, else the exception that its error code stands for. */
    private static JsonValue accepted(EtcdAnswer answer, String verb, String key) throws RegistryException {
        if (answer.status() < 300 && answer.json() != null && answer.json().get("node") != null) {
            return answer.json();
        }
        throw failure(answer, verb, key);
    }

    private static RegistryException failure(EtcdAnswer answer, String verb, String key) {
        if (answer.json() == null && (answer.status() == 404 || answer.status() == 405)) {
            return new NotServedException(answer.endpoint() + " does not serve etcd's v2 API"
                    + " (etcd 3.4 and 3.5 do with --enable-v2, later ones never)");
        }
        return switch ((int) errorCode(answer)) {
            case KEY_NOT_FOUND, COMPARE_FAILED, KEY_EXISTS -> new LeaseConflictException(key + ": " + answer.reason());
            default -> new RegistryException("etcd at " + answer.endpoint() + " did not " + verb + " " + key + " (v2 API): "
                    + answer.reason());
        };
    }

    @Override
    public void close() {
        http.close();
    }
}
