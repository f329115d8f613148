package flannel.server;

import flannel.lease.Moment;
import flannel.lease.ServedCatalog;
import flannel.lease.ServedStore;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;

/** Stores of networks in memory, that a test adds and removes. */
public final class ServedMemories implements ServedCatalog {

    private final Map<String, ServedStore> stores;
    private long revision;

    /** @param stores by name; the network without one, which is always there, has the empty one */
    public ServedMemories(Map<String, ServedStore> stores) {
        this.stores = new TreeMap<>(stores);
    }

    public synchronized void add(String name, ServedStore store) {
        stores.put(name, store);
        revision++;
        notifyAll();
    }

    public synchronized void remove(String name) {
        stores.remove(name);
        revision++;
        notifyAll();
    }

    @Override
    public synchronized ServedStore network(String name) {
        return stores.get(name);
    }

    @Override
    public String place() {
        return "keys /n/NAME/config in a test";
    }

    @Override
    public synchronized void follow(Consumer<News> sink) throws InterruptedException {
        while (true) {
            SortedSet<String> names = new TreeSet<>(stores.keySet());
            names.remove("");
            sink.accept(new Listed(names, new Moment("memories", revision)));
            wait();
        }
    }

    @Override
    public void close() {
    }
}
