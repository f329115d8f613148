package flannel.kube;

import flannel.json.JsonException;
import flannel.json.JsonValue;
import flannel.lease.Entry;
import flannel.lease.LeaseAttributes;
import flannel.lease.Moment;
import flannel.lease.StoreEvent;
import flannel.lease.StoreException;
import flannel.lease.StoreHistory;
import flannel.log.Log;
import flannel.log.Printable;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * Lists the cluster's nodes once, and watches them from there on: a watch that ends or breaks goes on where it was, and only when the server
 * no longer remembers that (410) all are listed anew. Beside the watch it looks at the network's config.
 */
final class NodeFollower {

    private static final long FIRST_PAUSE_MILLIS = 100;
    private static final long LONGEST_PAUSE_MILLIS = 5_000;

    /** Nodes of one page: where the server lists from its etcd, it must not have to hold all of them. */
    private static final int PAGE = 500;

    /** Events that wait; the rest stay in the socket. */
    private static final int MOST_WAITING = 64;

    /**
     * How long to wait for what.
     *
     * @param look    between two looks at the network's config
     * @param watch   of a watch at least, at most half as long again
     * @param silence for which a server that tells its progress (bookmarks, one a minute) may be silent
     */
    record Times(Duration look, Duration watch, Duration silence) {

        static final Times DEFAULT = new Times(Duration.ofSeconds(10), Duration.ofMinutes(4), Duration.ofSeconds(150));
    }

    /** What comes while a watch is open. */
    private sealed interface Arrival {
    }

    private record Told(JsonValue event) implements Arrival {
    }

    private record Ended() implements Arrival {
    }

    /** Something else is to be looked at. */
    private record Woken() implements Arrival {
    }

    private final ApiServer api;
    private final NodeName name;
    private final Annotations annotations;
    private final Supplier<List<LeaseAttributes>> mine;
    private final NetConfigFile configFile;
    private final NetworkCondition condition;
    private final Times times;
    private final RandomGenerator random;
    private final Log log;
    private final StoreHistory history = new StoreHistory();
    private final AtomicReference<Node> written = new AtomicReference<>();
    private volatile BlockingQueue<Arrival> arrivals = new ArrayBlockingQueue<>(1);

    private NodeTable table;
    private String config;
    private long lookedNanos;
    /** How far the nodes are known; 0 when they have to be listed. */
    private long version;
    private boolean away;
    private boolean broke;
    private boolean tellsProgress;

    NodeFollower(ApiServer api, NodeName name, Annotations annotations, Supplier<List<LeaseAttributes>> mine, NetConfigFile configFile,
            NetworkCondition condition, Times times, RandomGenerator random, Log log) {
        this.api = api;
        this.name = name;
        this.annotations = annotations;
        this.mine = mine;
        this.configFile = configFile;
        this.condition = condition;
        this.times = times;
        this.random = random;
        this.log = log;
    }

    /** The answer to a write of this host's node: it may be here before the watch tells of it. For all threads. */
    void written(Node node) {
        written.set(node);
        arrivals.offer(new Woken()); // where it has no room, what is there wakes as well
    }

    /** See {@link NetworkCondition#isUp}. For all threads. */
    void networkIsUp() {
        condition.isUp();
        arrivals.offer(new Woken());
    }

    /** All entries as they are now. For all threads. */
    Collection<Entry> read() throws StoreException, InterruptedException {
        NodeTable now = new NodeTable(annotations, name.get(api), mine, log);
        Map<String, Node> nodes = new HashMap<>();
        list("", nodes);
        now.listed(nodes.values());
        return now.entries();
    }

    /** Runs until interrupted. */
    void run(Consumer<StoreEvent> sink) throws InterruptedException {
        long pauseMillis = FIRST_PAUSE_MILLIS;
        while (true) {
            long startNanos = System.nanoTime();
            try {
                if (version != 0 && broke && newest() < version) {
                    version = 0;    // the server's etcd was set back: a watch from what is to come would be silent
                }
                if (version == 0) {
                    listAll();
                    tellAll(sink);
                }
                watch(sink);
                broke = System.nanoTime() - startNanos < times.watch().toNanos(); // a server that is stopped ends watches in good order
            } catch (StoreException e) {
                broke = true;
                if (e instanceof ApiException refused && refused.status() == ApiException.GONE) {
                    version = 0;
                } else {
                    away = true;
                    sink.accept(new StoreEvent.Away(e.getMessage()));
                }
            }
            boolean lasted = System.nanoTime() - startNanos > LONGEST_PAUSE_MILLIS * 1_000_000;
            pauseMillis = lasted ? FIRST_PAUSE_MILLIS : Math.min(2 * pauseMillis, LONGEST_PAUSE_MILLIS);
            // jitter: the hosts of a cluster must not come back to its server all at once
            Thread.sleep(random.nextLong(pauseMillis / 2, pauseMillis + 1));
        }
    }

    // ---- listing ----

    private void listAll() throws StoreException, InterruptedException {
        // the first time what the server has in memory is new enough; later it could be older than what is known
        Map<String, Node> nodes = new HashMap<>();
        long listed = list(table == null ? "&resourceVersion=0" : "", nodes);
        if (table == null) {
            table = new NodeTable(annotations, name.get(api), mine, log);
        }
        table.listed(nodes.values());
        version = listed;
    }

    /** How far the server's etcd is. */
    private long newest() throws StoreException, InterruptedException {
        return versionOf(api.list(KubeSubnetStore.NODES + "?limit=1", node -> { }).get("metadata"));
    }

    private void tellAll(Consumer<StoreEvent> sink) {
        away = false;
        config = configFile.read();
        lookedNanos = System.nanoTime();
        sink.accept(history.listed(config, table.entries(), new Moment("", version)));
    }

    /** All nodes by name, page by page as the server likes; answers how far that is. */
    private long list(String from, Map<String, Node> nodes) throws StoreException, InterruptedException {
        String query = "?limit=" + PAGE + from;
        while (true) {
            JsonValue page;
            try {
                page = api.list(KubeSubnetStore.NODES + query, json -> {
                    Node node = parse(json);
                    if (node != null) {
                        nodes.put(node.name(), node);
                    }
                });
            } catch (ApiException e) {
                if (e.status() != ApiException.GONE || !query.contains("&continue=")) {
                    throw e;
                }
                nodes.clear();      // too many were written between two pages
                query = "?";
                continue;
            }
            if (nodes.size() > NodeTable.MOST) {
                throw new StoreException("the cluster has more than " + NodeTable.MOST + " nodes");
            }
            JsonValue metadata = page.get("metadata");
            String next = metadata == null ? "" : metadata.text("continue");
            if (next.isEmpty()) {
                return versionOf(metadata);
            }
            query = "?limit=" + PAGE + "&continue=" + URLEncoder.encode(next, StandardCharsets.UTF_8);
        }
    }

    private static long versionOf(JsonValue metadata) throws StoreException {
        long version = metadata == null ? 0 : metadata.integer("resourceVersion");
        if (version <= 0) {
            throw new StoreException("the Kubernetes API server answered a list without a resourceVersion that counts");
        }
        return version;
    }

    /** Null, and a line in the log, for what is no node. */
    private Node parse(JsonValue json) {
        try {
            return Node.parse(json);
        } catch (JsonException e) {
            log.warning("passing over what the Kubernetes API server tells of: " + e.getMessage());
            return null;
        }
    }

    // ---- watching ----

    /** Hands on what happens from where it is known, until the server ends the watch or it breaks. */
    private void watch(Consumer<StoreEvent> sink) throws StoreException, InterruptedException {
        long seconds = times.watch().toSeconds();
        seconds = random.nextLong(seconds, seconds * 3 / 2 + 1);
        try (ApiStream stream = api.open("GET", KubeSubnetStore.NODES + "?watch=true&allowWatchBookmarks=true&resourceVersion=" + version
                + "&timeoutSeconds=" + seconds, null, Duration.ofSeconds(seconds + 15))) {
            BlockingQueue<Arrival> arriving = new ArrayBlockingQueue<>(MOST_WAITING);
            arrivals = arriving;
            if (away) {
                tellAll(sink);
            }
            Thread reader = Thread.ofVirtual().start(() -> read(stream, arriving));
            try {
                handle(arriving, sink);
            } finally {
                reader.interrupt();
            }
        }
    }

    private static void read(ApiStream stream, BlockingQueue<Arrival> arrivals) {
        try {
            try {
                for (JsonValue event = stream.next(); event != null; event = stream.next()) {
                    arrivals.put(new Told(event));
                }
            } catch (IOException e) {
                // whether that is a trouble, the next watch tells
            }
            arrivals.put(new Ended());
        } catch (InterruptedException e) {
            // closed: nobody wants more
        }
    }

    private void handle(BlockingQueue<Arrival> arriving, Consumer<StoreEvent> sink) throws StoreException, InterruptedException {
        long heardNanos = System.nanoTime();
        while (true) {
            lookAround(sink);
            Arrival arrival = arriving.poll(times.look().toMillis(), TimeUnit.MILLISECONDS);
            switch (arrival) {
                case Told(JsonValue event) -> {
                    heardNanos = System.nanoTime();
                    told(event, sink);
                }
                case Ended ended -> {
                    return;
                }
                case Woken woken -> { }
                case null -> {
                    if (tellsProgress && System.nanoTime() - heardNanos > times.silence().toNanos()) {
                        api.reconnect(); // a server that is gone without a word
                        return;
                    }
                }
            }
        }
    }

    private void lookAround(Consumer<StoreEvent> sink) throws InterruptedException {
        Node answered = written.getAndSet(null);
        if (answered != null) {
            table.put(answered, event -> tell(event, sink));
        }
        condition.tell(table.own());
        if (System.nanoTime() - lookedNanos >= times.look().toNanos()) {
            lookedNanos = System.nanoTime();
            String now = configFile.read();
            if (!Objects.equals(now, config)) {
                config = now;
                tell(new StoreEvent.ConfigChanged(now), sink);
            }
        }
    }

    private void told(JsonValue event, Consumer<StoreEvent> sink) throws StoreException {
        JsonValue object = event.get("object");
        String type = event.text("type");
        if (type.equals("ERROR") || object == null) {
            version = 0;    // whatever it is, a list is right after it
            long code = object == null ? 0 : object.integer("code");
            throw new ApiException((int) code, "the Kubernetes API server ends a watch: "
                    + Printable.line(object == null || object.text("message").isEmpty() ? event.toString() : object.text("message"), 300));
        }
        JsonValue metadata = object.get("metadata");
        version = Math.max(version, metadata == null ? 0 : metadata.integer("resourceVersion"));
        if (type.equals("BOOKMARK")) {
            tellsProgress = true;
            return;
        }
        Node node = parse(object);
        if (node != null && type.equals("DELETED")) {
            table.gone(node.name(), change -> tell(change, sink));
        } else if (node != null) {
            table.put(node, change -> tell(change, sink));
        }
    }

    private void tell(StoreEvent event, Consumer<StoreEvent> sink) {
        history.noted(event);
        sink.accept(event);
    }
}
