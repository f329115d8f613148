package flannel.remote;

import flannel.api.NetworkChanges;
import flannel.json.JsonException;
import flannel.lease.Moment;
import flannel.lease.NetworkNames;
import flannel.lease.ServedCatalog;
import flannel.lease.ServedStore;
import flannel.lease.StoreException;
import flannel.log.Log;
import flannel.remote.ServerHttp.Exchange;
import flannel.remote.ServerHttp.Reply;
import java.io.IOException;
import java.time.Duration;
import java.util.SortedSet;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/** The networks that a flannel server has, ours or 0.7.1's; followed by long polls. */
public final class RemoteNetworks implements ServedCatalog {

    /** Between two looks at the whole list, which show that the server is alive. */
    private static final Duration LOOK = Duration.ofSeconds(30);

    /** For which a poll may be silent: a Go server's is for ever, and it never forgets one that was given up. */
    private static final Duration SILENCE = Duration.ofMinutes(5);

    /** Between an answer and the next poll. */
    private static final long BATCH_MILLIS = 50;

    private static final String LIST = "/v1/";

    private static final long LONGEST_PAUSE_MILLIS = 2_000;

    private final ServerHttp http;
    private final RandomGenerator random;
    private final Log log;
    private final NetworkNames names = new NetworkNames();
    private Moment last;

    RemoteNetworks(ServerHttp http, RandomGenerator random, Log log) {
        this.http = http;
        this.random = random;
        this.log = log;
    }

    /**
     * Needs the files that the options name, but no server: that is asked for the first time when it, or a network of it, is followed.
     *
     * @throws IllegalArgumentException with a sentence when an option can't be used
     */
    public static ServedCatalog open(RemoteOptions options, Log log) {
        RandomGenerator random = RandomGenerator.getDefault();
        int first = random.nextInt(options.urls().size()); // not all hosts are to ask the same one
        return new RemoteNetworks(new ServerHttp(options.urls(), first, options.tls(), log), random, log);
    }

    @Override
    public ServedStore network(String name) {
        return new RemoteSubnetStore(http, name, random);
    }

    @Override
    public String place() {
        return "the networks of the flannel server " + http + " (-remote)";
    }

    @Override
    public void follow(Consumer<News> sink) throws InterruptedException {
        while (true) {
            try {
                Reply reply = http.call("GET", LIST, null, null);
                tell(all(reply), sink);
                poll(reply.server(), all(reply).cursor(), sink);
            } catch (StoreException e) {
                sink.accept(new Away(e.getMessage()));
            }
            // jitter: the hosts of a cluster must not come back to their server all at once
            Thread.sleep(random.nextLong(LONGEST_PAUSE_MILLIS / 2, LONGEST_PAUSE_MILLIS));
        }
    }

    private NetworkChanges all(Reply reply) throws StoreException {
        NetworkChanges all = changes(reply);
        if (all.snapshot() == null) {
            throw new StoreException("flannel server " + http + " answered a list of networks with events");
        }
        return all;
    }

    /** Hands on what happens behind a cursor. Returns when it is time to list again. */
    private void poll(int server, String from, Consumer<News> sink) throws StoreException, InterruptedException {
        String cursor = from;
        while (true) {
            long startNanos = System.nanoTime();
            Exchange exchange = http.start(server, "GET", LIST + "?next=" + cursor, null, null);
            try {
                Reply reply = ServerHttp.get(exchange, LOOK);
                while (reply == null && System.nanoTime() - startNanos < SILENCE.toNanos()) {
                    Reply look = http.call("GET", LIST, null, null);
                    tell(all(look), sink);
                    if (look.server() != server) {
                        return; // it is silent because it is dead
                    }
                    reply = ServerHttp.get(exchange, LOOK);
                }
                if (reply == null || reply.status() != 200) {
                    return;
                }
                NetworkChanges changes = changes(reply);
                tell(changes, sink);
                cursor = changes.cursor();
            } catch (StoreException e) {
                throw e;
            } catch (IOException e) {
                http.leave(server); // the next list tells whether that is a trouble
                return;
            } finally {
                exchange.cancel();
            }
            Thread.sleep(BATCH_MILLIS);
        }
    }

    private void tell(NetworkChanges changes, Consumer<News> sink) {
        if (changes.snapshot() != null) {
            SortedSet<String> missing = names.listed(changes.snapshot(), last != null && changes.at().continues(last));
            if (!missing.isEmpty()) {
                log.warning("the store of the flannel server " + http + " has lost the networks " + String.join(", ", missing) + ", which it had: it"
                        + " was emptied, restored or replaced; they stay as they are until they are there again and are then deleted");
            }
        }
        changes.events().forEach(event -> {
            if (event.added()) {
                names.added(event.network());
            } else {
                names.removed(event.network());
            }
        });
        last = changes.at();
        sink.accept(new Listed(names.all(), last));
    }

    private NetworkChanges changes(Reply reply) throws StoreException {
        if (reply.status() != 200) {
            throw new StoreException("flannel server " + http + " did not list the networks: " + reply.reason());
        }
        try {
            return NetworkChanges.parse(reply.body());
        } catch (JsonException e) {
            throw new StoreException("flannel server " + http + " answered what is no flannel server's: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        http.close();
    }
}
