package flannel.etcd;

import flannel.lease.Entry;
import flannel.lease.LeaseKey;
import flannel.lease.Moment;
import flannel.lease.NetworkNames;
import flannel.lease.ServedCatalog;
import flannel.lease.ServedStore;
import flannel.lease.StoreEvent;
import flannel.log.Log;
import java.util.Collection;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;

/**
 * The networks that are kept in etcd, each in a folder of its own: {@code PREFIX/NAME/config}, {@code PREFIX/NAME/subnets/}. With
 * {@code -etcd-api=auto} those of both of its stores: each network finds out by itself in which one it is.
 */
public final class EtcdNetworks implements ServedCatalog {

    private final EtcdConnection etcd;
    private final RandomGenerator random;
    private final Log log;

    EtcdNetworks(EtcdConnection etcd, RandomGenerator random, Log log) {
        this.etcd = etcd;
        this.random = random;
        this.log = log;
    }

    /**
     * Needs the files that the options name, but not etcd: that is asked for the first time when it, or a network of it, is followed.
     *
     * @throws IllegalArgumentException with a sentence when an option can't be used
     */
    public static ServedCatalog open(EtcdOptions options, Log log) {
        RandomGenerator random = RandomGenerator.getDefault();
        return new EtcdNetworks(EtcdConnection.open(options.startingAnywhere(random), EtcdTimeouts.DEFAULT, log), random, log);
    }

    @Override
    public ServedStore network(String name) {
        String folder = etcd.options().folder() + (name.isEmpty() ? "" : "/" + name);
        Log named = log.of(name);
        return new EtcdSubnetStore(etcd.registry(folder), "key " + new LeaseKeys(folder).config() + " in etcd (-etcd-prefix)", random, named);
    }

    @Override
    public String place() {
        return "keys " + etcd.options().folder() + "/NAME/config in etcd (-etcd-prefix)";
    }

    @Override
    public void follow(Consumer<News> sink) throws InterruptedException {
        NetworkKeys keys = new NetworkKeys(etcd.options().folder());
        Half v2 = new Half(etcd.v2(keys));
        Half v3 = new Half(etcd.v3(keys));
        List<Half> halves = switch (etcd.options().api()) {
            case "v2" -> List.of(v2);
            case "v3" -> List.of(v3);
            default -> List.of(v2, v3);
        };
        Thread second = Thread.ofVirtual().unstarted(() -> followQuietly(halves, sink));
        try {
            if (halves.size() > 1) {
                second.start();
            }
            follow(halves.getFirst(), halves, sink);
        } finally {
            second.interrupt();
        }
    }

    private void followQuietly(List<Half> halves, Consumer<News> sink) {
        try {
            follow(halves.getLast(), halves, sink);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void follow(Half half, List<Half> halves, Consumer<News> sink) throws InterruptedException {
        LeaseRegistry registry = halves.size() == 1 ? half.store : new WhereServed(half.store);
        new StoreFollower(registry, random).run(event -> {
            synchronized (halves) {
                half.told(event);
                tell(halves, sink);
            }
        });
    }

    private static void tell(Collection<Half> halves, Consumer<News> sink) {
        SortedSet<String> all = new TreeSet<>();
        Moment at = null;
        for (Half half : halves) {
            if (!half.trouble.isEmpty()) {
                sink.accept(new Away(half.trouble));
                return;
            }
            if (half.at == null) {
                return;
            }
            all.addAll(half.names.all());
            // of two histories together: if it goes back, one of them has
            at = at == null ? half.at : new Moment(at.store() + half.at.store(), at.revision() + half.at.revision());
        }
        sink.accept(new Listed(all, at));
    }

    /** What one of etcd's stores has told. */
    private final class Half {

        private final EtcdStore store;
        private final NetworkNames names = new NetworkNames();
        private Moment at;
        private String trouble = "";

        private Half(EtcdStore store) {
            this.store = store;
        }

        private void told(StoreEvent event) {
            switch (event) {
                case StoreEvent.Listed list -> {
                    SortedSet<String> missing = names.listed(list.entries().stream().map(entry -> entry.key().name()).toList(), list.continued());
                    if (!missing.isEmpty()) {
                        log.warning("etcd's " + store.api() + " store has lost the networks " + String.join(", ", missing) + ", which it had: it was"
                                + " emptied, restored or replaced; they stay as they are until they are there again and are then deleted");
                    }
                    at = list.at();
                    trouble = "";
                }
                case StoreEvent.Put(Entry entry) -> {
                    names.added(entry.key().name());
                    at = new Moment(at.store(), Math.max(at.revision(), entry.asOf()));
                }
                case StoreEvent.Gone(LeaseKey key) -> names.removed(key.name());
                case StoreEvent.Away(String reason) -> trouble = reason;
                case StoreEvent.ConfigChanged config -> { }
            }
        }
    }

    @Override
    public void close() {
        etcd.close();
    }
}
