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
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.function.Predicate;

/**
 * Leases in etcd's v3 store, as Go flannels since 0.18 keep them: the key hangs on an etcd lease of the time-to-live. The cursor is the
 * revision to watch from. (etcd: api/etcdserverpb/rpc.proto.)
 */
final class EtcdV3Registry implements EtcdStore {

    private final EtcdHttp http;
    private final EtcdV3Gateway gateway;
    private final EtcdKeys keys;

    EtcdV3Registry(EtcdHttp http, EtcdKeys keys, EtcdV3Gateway gateway) {
        this.http = http;
        this.keys = keys;
        this.gateway = gateway;
    }

    @Override
    public String api() {
        return "v3";
    }

    @Override
    public StoreHealth health() {
        return http.health("etcd " + api());
    }

    @Override
    public String config() throws StoreException, InterruptedException {
        JsonValue kv = read(keys.config());
        return kv == null ? null : decode(kv.text("value"));
    }

    @Override
    public void createConfig(String text) throws StoreException, InterruptedException {
        JsonValue put = JsonValue.object("request_put", JsonValue.object("key", encode(keys.config()), "value", encode(text)));
        CarefulWrite.run(() -> {
            transact(absent(keys.config()), put, keys.config());
            return text;
        }, this::config, text::equals);
    }

    private static JsonValue absent(String path) {
        return JsonValue.object("key", encode(path), "target", "VERSION", "result", "EQUAL", "version", "0");
    }

    /** The v3 store tells of a key which etcd lease it hangs on, and of that what time it has left, only when it is asked. */
    @Override
    public Lease withEnd(Lease lease) throws StoreException, InterruptedException {
        JsonValue kv = read(keys.pathOf(lease.key()));
        if (kv == null || etcdLease(kv) == 0) {
            return lease;
        }
        long ttlSeconds = gateway.read(gateway.leaseMethod("timetolive"), JsonValue.object("ID", Long.toString(etcdLease(kv)))).integer("TTL");
        return new Lease(lease.key(), lease.subnet(), lease.attributes(), Lease.At.in(ttlSeconds), lease.asOf());
    }

    @Override
    public Snapshot list() throws StoreException, InterruptedException {
        Listing listing = new Listing("kvs", encode(keys.config()), EtcdV3Registry::decode, this::entry);
        JsonValue answer = gateway.list("/kv/range",
                JsonValue.object("key", encode(keys.folder()), "range_end", encode(folderEnd()),
                        "keys_only", keys.valuesMatter() ? null : true), listing);
        if (revision(answer) <= 0 || cluster(answer).isEmpty()) {
            throw noStore(keys.folder());
        }
        return listing.snapshot(new Cursor(revision(answer) + 1, cluster(answer)));
    }

    /** An answer without the header that etcd puts on each may come from anything, and "nothing there" from it proves nothing. */
    private static StoreException noStore(String what) {
        return new StoreException("the answer to a range of " + what + " (v3 API) has no header with a revision: it is not etcd's");
    }

    /** End of the range of all keys that start with the folder: '0' comes after '/'. */
    private String folderEnd() {
        String folder = keys.folder();
        return folder.substring(0, folder.length() - 1) + "0";
    }

    private Entry entry(JsonValue kv) {
        return keys.entry(decode(kv.text("key")), kv.get("value") instanceof JsonValue.Omitted ? null : decode(kv.text("value")), etcdLease(kv) == 0 ? new Lease.Never() : new Lease.Unknown(),
                kv.integer("mod_revision"));
    }

    /** Id of the etcd lease that a key hangs on; 0 for none. */
    private static long etcdLease(JsonValue kv) {
        return kv.integer("lease");
    }

    private static long revision(JsonValue message) {
        return message.get("header") == null ? 0 : message.get("header").integer("revision");
    }

    private static String cluster(JsonValue message) {
        return message.get("header") == null ? "" : message.get("header").text("cluster_id");
    }

    @Override
    public void watchWhile(Cursor from, Duration atMost, Predicate<StoreEvent> sink) throws StoreException, InterruptedException {
        long next = from.revision();
        long startNanos = System.nanoTime();
        for (boolean first = true; System.nanoTime() - startNanos < atMost.toNanos(); first = false) {
            try (EtcdStream poll = gateway.watch(JsonValue.object("create_request", JsonValue.object("key", encode(keys.folder()),
                    "range_end", encode(folderEnd()), "start_revision", Long.toString(next))))) {
                while (poll != null) {
                    JsonValue message;
                    try {
                        message = poll.next();
                    } catch (IOException e) {
                        if (poll.expired()) {
                            break;
                        }
                        message = null;
                    }
                    if (message == null || message.get("result") == null) {
                        // cut, or {"error":…} as "no leader" and "transport is closing"
                        WatchEnds.cut(http, poll);
                        return;
                    }
                    JsonValue result = message.get("result");
                    if (result.isTrue("canceled")) {
                        refuseUnlessCompacted(poll, result);
                        return;
                    }
                    // with a lower revision the wait would be for the far future
                    if (!cluster(result).equals(from.cluster()) || revision(result) < next - 1) {
                        WatchEnds.behind(http, poll, first);
                        return;
                    }
                    for (JsonValue event : result.list("events")) {
                        if (event.get("kv") == null || !apply(event, sink)) {
                            return;
                        }
                        next = Math.max(next, event.get("kv").integer("mod_revision") + 1);
                    }
                }
            }
        }
    }

    private void refuseUnlessCompacted(EtcdStream poll, JsonValue result) throws StoreException {
        String reason = result.text("cancel_reason");
        if (reason.contains("Unauthenticated") || reason.contains("auth token") || reason.contains("auth store")) {
            gateway.forgetToken();
        } else if (result.integer("compact_revision") == 0) {
            throw new StoreException("etcd at " + poll.endpoint() + " refused to watch " + keys.folder() + " (v3 API): "
                    + (reason.isEmpty() ? "canceled" : reason));
        }
    }

    /** False when the watch is to end. */
    private boolean apply(JsonValue event, Predicate<StoreEvent> sink) {
        JsonValue kv = event.get("kv");
        boolean gone = event.text("type").equals("DELETE");
        String path = decode(kv.text("key"));
        if (path.equals(keys.config())) {
            return sink.test(new StoreEvent.ConfigChanged(gone ? null : decode(kv.text("value"))));
        }
        LeaseKey key = keys.keyOf(path);
        return key == null || sink.test(gone ? new StoreEvent.Gone(key) : new StoreEvent.Put(entry(kv)));
    }

    @Override
    public Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive)
            throws StoreException, InterruptedException {
        return putOnNewLease(absent(keys.pathOf(LeaseKey.of(subnet))), LeaseKey.of(subnet), subnet, attributes, timeToLive);
    }

    @Override
    public Lease update(Lease held, LeaseAttributes attributes, Duration timeToLive) throws StoreException, InterruptedException {
        if (held.isReservation()) {
            return put(unchanged(held), held.key(), held.subnet(), attributes, 0, new Lease.Never());
        }
        JsonValue kv = read(keys.pathOf(held.key()));
        if (kv == null || kv.integer("mod_revision") != held.asOf()) {
            throw new LeaseConflictException(keys.pathOf(held.key()) + ": " + (kv == null ? "deleted" : "written") + " by somebody else");
        }
        boolean saysIt = entry(kv) instanceof Lease now && now.attributes().equals(attributes);
        Lease kept = saysIt && etcdLease(kv) != 0 ? keepAlive(held, etcdLease(kv), attributes, timeToLive) : null;
        if (kept != null) {
            return kept;
        }
        Lease lease = putOnNewLease(unchanged(held), held.key(), held.subnet(), attributes, timeToLive);
        revokeIfUnused(etcdLease(kv));
        return lease;
    }

    /** Renews without a write; null when the etcd lease is gone or too short. */
    private Lease keepAlive(Lease held, long etcdLease, LeaseAttributes attributes, Duration timeToLive)
            throws StoreException, InterruptedException {
        // a stream in gRPC; the gateway answers one request with one message
        JsonValue answer = gateway.read("/lease/keepalive", JsonValue.object("ID", Long.toString(etcdLease))).get("result");
        long ttlSeconds = answer == null ? 0 : answer.integer("TTL");
        return ttlSeconds == 0 || ttlSeconds < timeToLive.toSeconds() ? null
                : new Lease(held.key(), held.subnet(), attributes, Lease.At.in(ttlSeconds), held.asOf());
    }

    @Override
    public void delete(Lease held) throws StoreException, InterruptedException {
        String path = keys.pathOf(held.key());
        JsonValue before = read(path);
        JsonValue delete = JsonValue.object("request_delete_range", JsonValue.object("key", encode(path)));
        CarefulWrite.run(() -> {
            transact(unchanged(held), delete, path);
            return null;
        }, () -> read(path), now -> now == null);
        revokeIfUnused(before == null ? 0 : etcdLease(before));
    }

    private JsonValue unchanged(Lease held) {
        return JsonValue.object("key", encode(keys.pathOf(held.key())), "target", "MOD", "result", "EQUAL",
                "mod_revision", Long.toString(held.asOf()));
    }

    private Lease putOnNewLease(JsonValue compare, LeaseKey key, Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive)
            throws StoreException, InterruptedException {
        // asked for again after a lost answer, it leaves an etcd lease without a key, which ends by itself
        JsonValue granted = gateway.read("/lease/grant",
                JsonValue.object("TTL", Long.toString(Math.max(1, timeToLive.toSeconds()))));
        long etcdLease = granted.integer("ID");
        try {
            return put(compare, key, subnet, attributes, etcdLease, Lease.At.in(granted.integer("TTL")));
        } catch (StoreException e) {
            revokeIfUnused(etcdLease); // a refused write is tried again and again, each time on a lease of a day
            throw e;
        }
    }

    private Lease put(JsonValue compare, LeaseKey key, Ipv4Subnet subnet, LeaseAttributes attributes, long etcdLease, Lease.Expiry expiry)
            throws StoreException, InterruptedException {
        String path = keys.pathOf(key);
        JsonValue put = JsonValue.object("request_put", JsonValue.object("key", encode(path), "value", encode(attributes.toJson()),
                "lease", etcdLease == 0 ? null : Long.toString(etcdLease)));
        long revision = CarefulWrite.run(() -> transact(compare, put, path),
                () -> revisionOfOurs(path, attributes, etcdLease), found -> found != 0);
        return new Lease(key, subnet, attributes, expiry, revision);
    }

    /** The revision at which a key was written if it is by the write with this value and etcd lease, which only that one had; else 0. */
    private long revisionOfOurs(String path, LeaseAttributes attributes, long etcdLease) throws StoreException, InterruptedException {
        JsonValue kv = read(path);
        return kv != null && etcdLease(kv) == etcdLease && entry(kv) instanceof Lease now && now.attributes().equals(attributes)
                ? now.asOf() : 0;
    }

    /** Does it if the comparison holds; answers the revision that it made. */
    private long transact(JsonValue compare, JsonValue operation, String path) throws StoreException, InterruptedException {
        JsonValue answer = gateway.write("/kv/txn",
                JsonValue.object("compare", List.of(compare), "success", List.of(operation)));
        if (!answer.isTrue("succeeded")) {
            throw new LeaseConflictException(path + ": written by somebody else");
        }
        return revision(answer);
    }

    /** Best effort: an etcd lease that nobody uses ends by itself. One that other keys hang on would take them along. */
    private void revokeIfUnused(long etcdLease) throws InterruptedException {
        if (etcdLease == 0) {
            return;
        }
        try {
            JsonValue id = JsonValue.object("ID", Long.toString(etcdLease), "keys", true);
            JsonValue used = gateway.read(gateway.leaseMethod("timetolive"), id);
            if (used.integer("TTL") > 0 && used.list("keys").isEmpty()) {
                gateway.read(gateway.leaseMethod("revoke"), JsonValue.object("ID", Long.toString(etcdLease)));
            }
        } catch (StoreException e) {
            // see above
        }
    }

    /** The key as etcd tells it; null when it is not there. */
    private JsonValue read(String path) throws StoreException, InterruptedException {
        JsonValue answer = gateway.read("/kv/range", JsonValue.object("key", encode(path)));
        if (revision(answer) <= 0) {
            throw noStore(path);
        }
        List<JsonValue> found = answer.list("kvs");
        return found.isEmpty() ? null : found.getFirst();
    }

    private static String encode(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String decode(String base64) {
        try {
            return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return ""; // no key or value of ours
        }
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
