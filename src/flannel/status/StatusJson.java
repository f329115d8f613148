package flannel.status;

import flannel.json.JsonException;
import flannel.json.JsonLimits;
import flannel.json.JsonValue;
import flannel.json.JsonValue.Obj;
import flannel.json.JsonValue.Str;
import flannel.lease.StoreHealth;
import flannel.status.NetworkStatus.Counter;
import flannel.status.NetworkStatus.Kernel;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Mtu;
import flannel.status.NetworkStatus.OwnLease;
import flannel.status.NetworkStatus.Peer;
import flannel.status.NetworkStatus.Phase;
import flannel.status.NetworkStatus.Repair;
import flannel.status.NetworkStatus.Store;
import flannel.status.NetworkStatus.Stuck;
import flannel.status.NetworkStatus.Underlay;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.AbstractList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/**
 * A status as JSON, written and read: what the socket answers and {@code flanneld status -json} prints. Times are in UTC (ISO 8601), spans
 * in the unit of their name; what is not known is left out. Members may come, none changes its meaning.
 */
public final class StatusJson {

    /** For the largest network that is followed: 20,000 peers. */
    private static final JsonLimits LIMITS = new JsonLimits(16, 1 << 18, 16 << 10, 16 << 20, 0, 0, 32 << 20);

    private StatusJson() {
    }

    // ---- writing ----

    public static JsonValue write(Status status) {
        Status.Daemon daemon = status.daemon();
        Memory memory = status.memory();
        return JsonValue.object("version", daemon.version(), "pid", daemon.pid(), "uptimeSeconds", daemon.uptime().toSeconds(),
                "now", daemon.now().toString(), "healthy", status.isHealthy(), "troubles", status.troubles(),
                "memory", JsonValue.object("residentBytes", memory.resident(), "heapUsedBytes", memory.heapUsed(), "heapCommittedBytes",
                        memory.heapCommitted(), "heapMaxBytes", memory.heapMax(), "collections", memory.collections(), "collectingMillis",
                        memory.collecting().toMillis()),
                "networks", status.networks().stream().map(StatusJson::write).toList(),
                "events", status.events().stream().map(event -> JsonValue.object("when", event.when().toString(), "severity",
                        event.severity(), "text", event.text())).toList());
    }

    private static JsonValue write(NetworkStatus network) {
        return switch (network) {
            case Stuck stuck -> JsonValue.object("name", stuck.name(), "stuckMillis", stuck.since().toMillis());
            case Known known -> JsonValue.object("name", known.name(), "phase", known.phase().name().toLowerCase(Locale.ROOT),
                    "range", known.range(), "backend", known.backend(), "complaints", known.complaints(), "lease", write(known.lease()),
                    "interface", JsonValue.object("name", known.underlay().name(), "address", known.underlay().address()),
                    "mtus", known.mtus().stream().map(mtu -> JsonValue.object("device", mtu.device(), "bytes", mtu.bytes())).toList(),
                    "store", write(known.store()),
                    "kernel", JsonValue.object("comparisons", known.kernel().comparisons(), "comparedMillisAgo",
                            millis(known.kernel().compared()), "refused", known.kernel().refused()),
                    "peers", eachInTurn(known.peers(), StatusJson::write),
                    "counters", known.counters().stream().map(counter -> JsonValue.object("name", counter.name(), "drop", counter.drop(),
                            "meaning", counter.meaning(), "value", counter.value())).toList(),
                    "repairs", known.repairs().stream().map(repair -> JsonValue.object("when", repair.when().toString(), "what",
                            repair.what(), "cause", repair.cause())).toList(),
                    "repaired", counts(known.repaired()), "probing", write(known.probing()), "reaction", write(known.reaction()));
        };
    }

    private static JsonValue write(OwnLease lease) {
        return lease == null ? null : JsonValue.object("subnet", lease.subnet(), "publicIp", lease.publicIp(), "reservation",
                lease.reservation(), "remainingMillis", millis(lease.remaining()));
    }

    private static JsonValue write(Store store) {
        StoreHealth health = store.health();
        return JsonValue.object("api", health.api(), "endpoint", health.endpoint(), "latencyMicros", health.latency().toNanos() / 1_000,
                "answeredMillisAgo", millis(health.answered()), "listedMillisAgo", millis(store.listed()), "trouble", store.trouble(),
                "failed", health.failed(), "failures", counts(health.failures()), "latencyBoundsMillis", StoreHealth.BOUNDS_MILLIS, "latencyCounts", health.latencies(),
                "latencyTotalMicros", health.total().toNanos() / 1_000);
    }

    private static JsonValue write(Peer peer) {
        NetworkStatus.Entries entries = peer.entries();
        NetworkStatus.Echoes echoes = peer.echoes();
        return JsonValue.object("subnet", peer.subnet(), "host", peer.host(), "via", peer.via(), "kept", peer.kept() ? true : null, "ignored",
                peer.ignored().isEmpty() ? null : peer.ignored(),
                "entries", entries == null ? null : JsonValue.object("present", entries.present(), "missing", entries.missing()),
                "echoes", echoes == null ? null : JsonValue.object("heardMillisAgo", millis(echoes.heard()), "lossPercent",
                        Math.round(100 * echoes.loss()), "roundTripMicros", micros(echoes.roundTrip()), "trouble", echoes.trouble()));
    }

    private static JsonValue write(NetworkStatus.Probing probing) {
        return probing == null ? null : JsonValue.object("everyMillis", probing.every().toMillis(), "sent", probing.sent(), "answered",
                probing.answered(), "roundTrips", write(probing.roundTrips()));
    }

    private static JsonValue write(Timings timings) {
        return timings == null ? null : JsonValue.object("boundsMicros", timings.boundsMicros(), "counts", timings.counts(), "totalMicros",
                micros(timings.total()));
    }

    /** An array whose elements are made as they are written: those of 20,000 peers together would be most of the heap. */
    private static <T> JsonValue eachInTurn(List<T> values, Function<T, JsonValue> writer) {
        return new JsonValue.Arr(new AbstractList<>() {
            @Override
            public JsonValue get(int index) {
                return writer.apply(values.get(index));
            }

            @Override
            public int size() {
                return values.size();
            }
        });
    }

    private static JsonValue counts(Map<String, Long> counts) {
        Map<String, JsonValue> members = new LinkedHashMap<>();
        counts.forEach((name, count) -> members.put(name, new JsonValue.Num(count.toString())));
        return new Obj(members);
    }

    private static Long micros(Duration duration) {
        return duration == null ? null : duration.toNanos() / 1_000;
    }

    private static Long millis(Duration duration) {
        return duration == null ? null : duration.toMillis();
    }

    // ---- reading ----

    /**
     * Reads what {@link #write} has written, here or in another version.
     *
     * @throws JsonException when it is no status; the message is the other side's, when it answers with one
     */
    public static Status read(String text) throws JsonException {
        JsonValue json = JsonValue.parse(text, LIMITS);
        if (!json.text("error").isEmpty()) {
            throw new JsonException(json.text("error"));
        }
        try {
            JsonValue memory = json.get("memory");
            if (memory == null || !(json.get("networks") instanceof JsonValue.Arr)) {
                throw new JsonException("no status");
            }
            return new Status(new Status.Daemon(json.text("version"), json.integer("pid"), Duration.ofSeconds(json.integer("uptimeSeconds")),
                    Instant.parse(json.text("now"))),
                    new Memory(memory.integer("residentBytes"), memory.integer("heapUsedBytes"), memory.integer("heapCommittedBytes"),
                            memory.integer("heapMaxBytes"), memory.integer("collections"), Duration.ofMillis(memory.integer("collectingMillis"))),
                    all(json, "networks", StatusJson::network),
                    all(json, "events", event -> new Status.Event(Instant.parse(event.text("when")), event.text("severity"), event.text("text"))));
        } catch (DateTimeException | IllegalArgumentException | NullPointerException e) {
            throw new JsonException("no status");
        }
    }

    private static NetworkStatus network(JsonValue json) {
        if (json.get("stuckMillis") != null) {
            return new Stuck(json.text("name"), Duration.ofMillis(json.integer("stuckMillis")));
        }
        JsonValue kernel = json.get("kernel");
        JsonValue underlay = json.get("interface");
        return new Known(json.text("name"), Phase.valueOf(json.text("phase").toUpperCase(Locale.ROOT)), json.text("range"),
                json.text("backend"), texts(json, "complaints"), lease(json.get("lease")),
                new Underlay(underlay.text("name"), underlay.text("address")),
                all(json, "mtus", mtu -> new Mtu(mtu.text("device"), (int) mtu.integer("bytes"))), store(json.get("store")),
                new Kernel(kernel.integer("comparisons"), duration(kernel, "comparedMillisAgo"), texts(kernel, "refused")),
                all(json, "peers", peer -> new Peer(peer.text("subnet"), peer.text("host"), peer.text("via"), peer.isTrue("kept"),
                        peer.text("ignored"), entries(peer.get("entries")), echoes(peer.get("echoes")))),
                all(json, "counters", counter -> new Counter(counter.text("name"), counter.isTrue("drop"), counter.text("meaning"),
                        counter.integer("value"))),
                all(json, "repairs", repair -> new Repair(Instant.parse(repair.text("when")), repair.text("what"), repair.text("cause"))),
                counts(json.get("repaired")), probing(json.get("probing")), timings(json.get("reaction")));
    }

    private static NetworkStatus.Entries entries(JsonValue json) {
        return json == null ? null : new NetworkStatus.Entries(texts(json, "present"), texts(json, "missing"));
    }

    private static NetworkStatus.Echoes echoes(JsonValue json) {
        return json == null ? null : new NetworkStatus.Echoes(duration(json, "heardMillisAgo"), json.integer("lossPercent") / 100.0,
                json.get("roundTripMicros") == null ? null : micros(json, "roundTripMicros"), json.text("trouble"));
    }

    private static NetworkStatus.Probing probing(JsonValue json) {
        return json == null ? null : new NetworkStatus.Probing(Duration.ofMillis(json.integer("everyMillis")), json.integer("sent"),
                json.integer("answered"), timings(json.get("roundTrips")));
    }

    private static Timings timings(JsonValue json) {
        return json == null ? null : new Timings(numbers(json, "boundsMicros"), numbers(json, "counts"), micros(json, "totalMicros"));
    }

    private static OwnLease lease(JsonValue json) {
        return json == null ? null : new OwnLease(json.text("subnet"), json.text("publicIp"), json.isTrue("reservation"),
                duration(json, "remainingMillis"));
    }

    private static Store store(JsonValue json) {
        StoreHealth health = new StoreHealth(json.text("api"), json.text("endpoint"), micros(json, "latencyMicros"),
                duration(json, "answeredMillisAgo"), counts(json.get("failures")),
                numbers(json, "latencyCounts"), micros(json, "latencyTotalMicros"));
        return new Store(health, duration(json, "listedMillisAgo"), json.text("trouble"));
    }

    private static Map<String, Long> counts(JsonValue json) {
        Map<String, Long> counts = new LinkedHashMap<>();
        if (json instanceof Obj(Map<String, JsonValue> members)) {
            members.keySet().forEach(name -> counts.put(name, json.integer(name)));
        }
        return counts;
    }

    private static Duration duration(JsonValue json, String name) {
        return json.get(name) == null ? null : Duration.ofMillis(json.integer(name));
    }

    private static Duration micros(JsonValue json, String name) {
        return Duration.ofNanos(json.integer(name) * 1_000);
    }

    private static List<Long> numbers(JsonValue json, String name) {
        return all(json, name, number -> Long.valueOf(number.toString()));
    }

    private static List<String> texts(JsonValue json, String name) {
        return all(json, name, element -> element instanceof Str(String text) ? text : "");
    }

    private static <T> List<T> all(JsonValue json, String name, Function<JsonValue, T> reader) {
        return json.list(name).stream().map(reader).toList();
    }
}
