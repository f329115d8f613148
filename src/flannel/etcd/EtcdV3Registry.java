package flannel.etcd;

import flannel.json.JsonValue;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.RegistryException;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
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
    private final LeaseKeys keys;

    EtcdV3Registry(EtcdHttp http, LeaseKeys keys, String username, String password) {
        this.http = http;
        this.keys = keys;
        this.gateway = new EtcdV3Gateway(http, keys.folder(), username, password);
    }

    @Override
    public String api() {
        return "v3";
    }

    @Override
    public String config() throws RegistryException, InterruptedException {
        JsonValue kv = read(keys.config());
        return kv == null ? null : decode(kv.text("value"));
    }

    @Override
    public Snapshot list() throws RegistryException, InterruptedException {
        Listing listing = new Listing("kvs", encode(keys.config()), EtcdV3Registry::decode, kv -> lease(decode(kv.text("key")), kv));
        JsonValue answer = gateway.list("/kv/range",
                JsonValue.object("key", encode(keys.folder()), "range_end", encode(folderEnd())), listing);
        return listing.snapshot(new Cursor(revision(answer) + 1, cluster(answer)));
    }

    /** End of the range of all keys that start with the folder: '0' comes after '/'. */
    private String folderEnd() {
        String folder = keys.folder();
        return folder.substring(0, folder.length() - 1) + "0";
    }

    private Lease lease(String key, JsonValue kv) {
        long storeLease = kv.integer("lease");
        return keys.lease(key, decode(kv.text("value")), storeLease == 0 ? new Lease.Never() : new Lease.Unknown(),
                kv.integer("mod_revision"), storeLease);
    }

    private static long revision(JsonValue message) {
        return message.get("header") == null ? 0 : message.get("header").integer("revision");
    }

    private static String cluster(JsonValue message) {
        return message.get("header") == null ? "" : message.get("header").text("cluster_id");
    }

    @Override
    public void watchWhile(Cursor from, Predicate<Event> sink) throws RegistryException, InterruptedException {
        long next = from.revision();
        for (boolean first = true;; first = false) {
            try (EtcdStream poll = gateway.watch(JsonValue.object("create_request", JsonValue.object("key", encode(keys.folder()),
                    "range_end", encode(folderEnd()), "start_revision", Long.toString(next))))) {
                while (true) {
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

    private void refuseUnlessCompacted(EtcdStream poll, JsonValue result) throws RegistryException {
        String reason = result.text("cancel_reason");
        if (reason.contains("Unauthenticated") || reason.contains("auth token") || reason.contains("auth store")) {
            gateway.forgetToken();
        } else if (result.integer("compact_revision") == 0) {
            throw new RegistryException("etcd at " + poll.endpoint() + " refused to watch " + keys.folder() + " (v3 API): "
                    + (reason.isEmpty() ? "canceled" : reason));
        }
    }

    /** False when the watch is to end. */
    private boolean apply(JsonValue event, Predicate<Event> sink) {
        JsonValue kv = event.get("kv");
        boolean gone = event.text("type").equals("DELETE");
        String key = decode(kv.text("key"));
        if (key.equals(keys.config())) {
            return sink.test(new ConfigChanged(gone ? null : decode(kv.text("value"))));
        }
        Ipv4Subnet subnet = keys.subnetOf(key, kv.integer("mod_revision"));
        if (subnet == null) {
            return true;
        }
        Lease lease = gone ? null : lease(key, kv);
        return sink.test(lease == null ? new LeaseGone(subnet) : new LeasePut(lease));
    }

    @Override
    public Lease create(Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive)
            throws RegistryException, InterruptedException {
        JsonValue compare = JsonValue.object("key", encode(keys.keyOf(subnet)), "target", "VERSION", "result", "EQUAL", "version", "0");
        return putOnNewLease(compare, subnet, attributes, timeToLive);
    }

    @Override
    public Lease update(Lease held, LeaseAttributes attributes, Duration timeToLive) throws RegistryException, InterruptedException {
        if (held.isReservation()) {
            return put(unchanged(held), held.subnet(), attributes, 0, new Lease.Never());
        }
        if (held.storeLease() != 0 && attributes.equals(held.attributes())) {
            Lease kept = keepAlive(held, timeToLive);
            if (kept != null) {
                return kept;
            }
        }
        Lease lease = putOnNewLease(unchanged(held), held.subnet(), attributes, timeToLive);
        revokeIfUnused(held.storeLease());
        return lease;
    }

    /** Renews without a write; null when the etcd lease is gone or too short. */
    private Lease keepAlive(Lease held, Duration timeToLive) throws RegistryException, InterruptedException {
        String key = keys.keyOf(held.subnet());
        JsonValue kv = read(key);
        if (kv == null || kv.integer("mod_revision") != held.revision()) {
            throw new LeaseConflictException(key + ": " + (kv == null ? "deleted" : "written") + " by somebody else");
        }
        // a stream in gRPC; the gateway answers one request with one message
        JsonValue answer = gateway.read("/lease/keepalive", JsonValue.object("ID", Long.toString(held.storeLease()))).get("result");
        long ttlSeconds = answer == null ? 0 : answer.integer("TTL");
        return ttlSeconds == 0 || ttlSeconds < timeToLive.toSeconds() ? null
                : new Lease(held.subnet(), held.attributes(), in(ttlSeconds), held.revision(), held.storeLease());
    }

    @Override
    public void delete(Lease held) throws RegistryException, InterruptedException {
        String key = keys.keyOf(held.subnet());
        JsonValue delete = JsonValue.object("request_delete_range", JsonValue.object("key", encode(key)));
        CarefulWrite.run(() -> {
            transact(unchanged(held), delete, key);
            return null;
        }, () -> current(held.subnet()), now -> now == null);
        revokeIfUnused(held.storeLease());
    }

    private JsonValue unchanged(Lease held) {
        return JsonValue.object("key", encode(keys.keyOf(held.subnet())), "target", "MOD", "result", "EQUAL",
                "mod_revision", Long.toString(held.revision()));
    }

    private Lease putOnNewLease(JsonValue compare, Ipv4Subnet subnet, LeaseAttributes attributes, Duration timeToLive)
            throws RegistryException, InterruptedException {
        // asked for again after a lost answer, it leaves an etcd lease without a key, which ends by itself
        JsonValue granted = gateway.read("/lease/grant",
                JsonValue.object("TTL", Long.toString(Math.max(1, timeToLive.toSeconds()))));
        long storeLease = granted.integer("ID");
        try {
            return put(compare, subnet, attributes, storeLease, in(granted.integer("TTL")));
        } catch (LeaseConflictException e) {
            revokeIfUnused(storeLease);
            throw e;
        }
    }

    private static Lease.At in(long seconds) {
        return new Lease.At(Instant.now().plusSeconds(seconds));
    }

    private Lease put(JsonValue compare, Ipv4Subnet subnet, LeaseAttributes attributes, long storeLease, Lease.Expiry expiry)
            throws RegistryException, InterruptedException {
        String key = keys.keyOf(subnet);
        JsonValue put = JsonValue.object("request_put", JsonValue.object("key", encode(key), "value", encode(attributes.toJson()),
                "lease", storeLease == 0 ? null : Long.toString(storeLease)));
        Lease written = CarefulWrite.run(() -> new Lease(subnet, attributes, expiry, transact(compare, put, key), storeLease),
                () -> current(subnet),
                now -> now != null && now.storeLease() == storeLease && now.attributes().equals(attributes));
        return new Lease(subnet, attributes, expiry, written.revision(), storeLease);
    }

    /** Does it if the comparison holds; answers the revision that it made. */
    private long transact(JsonValue compare, JsonValue operation, String key) throws RegistryException, InterruptedException {
        JsonValue answer = gateway.write("/kv/txn",
                JsonValue.object("compare", List.of(compare), "success", List.of(operation)));
        if (!answer.isTrue("succeeded")) {
            throw new LeaseConflictException(key + ": written by somebody else");
        }
        return revision(answer);
    }

    /** Best effort: an etcd lease that nobody uses ends by itself. One that other keys hang on would take them along. */
    private void revokeIfUnused(long storeLease) throws InterruptedException {
        if (storeLease == 0) {
            return;
        }
        try {
            JsonValue id = JsonValue.object("ID", Long.toString(storeLease), "keys", true);
            JsonValue used = gateway.read(gateway.leaseMethod("timetolive"), id);
            if (used.integer("TTL") > 0 && used.list("keys").isEmpty()) {
                gateway.read(gateway.leaseMethod("revoke"), JsonValue.object("ID", Long.toString(storeLease)));
            }
        } catch (RegistryException e) {
            // see above
        }
    }

    private Lease current(Ipv4Subnet subnet) throws RegistryException, InterruptedException {
        JsonValue kv = read(keys.keyOf(subnet));
        return kv == null ? null : lease(keys.keyOf(subnet), kv);
    }

    private JsonValue read(String key) throws RegistryException, InterruptedException {
        List<JsonValue> found = gateway.read("/kv/range", JsonValue.object("key", encode(key))).list("kvs");
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
    public void close() {
        http.close();
    }
}
