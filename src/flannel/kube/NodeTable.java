package flannel.kube;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseKey;
import flannel.lease.StoreEvent;
import flannel.log.Log;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * What the nodes say, and what of that was told. Nodes are written far more often than leases (each kubelet tells how its node is), so only
 * a node whose lease says something else is told of. For one thread.
 */
final class NodeTable {

    /** A cluster has five thousand at most. */
    static final int MOST = 16_000;

    private final Annotations annotations;
    private final String ownName;
    private final Supplier<List<LeaseAttributes>> mine;
    private final Log log;
    private final Map<String, Entry> entries = new HashMap<>();
    private final Map<LeaseKey, Entry> told = new HashMap<>();
    private Node own;

    /** @param mine what this host's lease may say: more than one while it is written, none as long as it wants none */
    NodeTable(Annotations annotations, String ownName, Supplier<List<LeaseAttributes>> mine, Log log) {
        this.annotations = annotations;
        this.ownName = ownName;
        this.mine = mine;
        this.log = log;
    }

    /** This host's node as last heard of; null when it is not there. */
    Node own() {
        return own;
    }

    /** What stands in the list of leases now: under each key one entry. */
    List<Entry> entries() {
        return List.copyOf(told.values());
    }

    /** Takes all nodes in. */
    void listed(Collection<Node> nodes) {
        Map<String, Entry> before = Map.copyOf(entries);
        entries.clear();
        told.clear();
        own = null;
        for (Node node : nodes) {
            Entry entry = entry(node);
            if (entry != null) {
                Entry known = before.get(node.name());
                // as old as it was, unless the store was set back
                entries.put(node.name(), known != null && saysTheSame(known, entry) && known.asOf() <= entry.asOf() ? known : entry);
            }
        }
        entries.values().forEach(entry -> told.merge(entry.key(), entry, this::prevailing));
    }

    /** A node is new or was written. */
    void put(Node node, Consumer<StoreEvent> sink) {
        Entry before = entries.get(node.name());
        if (node.name().equals(ownName) && own != null && own.version() > node.version()) {
            return; // the answer to a write told more
        }
        Entry now = entry(node);
        if (before != null && now != null && saysTheSame(before, now) || before == null && now == null) {
            return;
        }
        if (now == null) {
            entries.remove(node.name());
        } else {
            entries.put(node.name(), now);
            warnOfDoubles(node.name(), now);
        }
        tell(before, now, sink);
    }

    /** A node was deleted. */
    void gone(String name, Consumer<StoreEvent> sink) {
        if (name.equals(ownName)) {
            own = null;
        }
        tell(entries.remove(name), null, sink);
    }

    private void tell(Entry before, Entry now, Consumer<StoreEvent> sink) {
        Set<LeaseKey> keys = new LinkedHashSet<>();
        if (before != null) {
            keys.add(before.key());
        }
        if (now != null) {
            keys.add(now.key());
        }
        for (LeaseKey key : keys) {
            Entry next = entries.values().stream().filter(entry -> entry.key().equals(key)).reduce(this::prevailing).orElse(null);
            Entry last = next == null ? told.remove(key) : told.put(key, next);
            if (next == null && last != null) {
                sink.accept(new StoreEvent.Gone(key));
            } else if (!Objects.equals(next, last)) {
                sink.accept(new StoreEvent.Put(next));
            }
        }
    }

    /** Of two nodes that were given the same range: this host knows its own, and of others' the newer counts. */
    private Entry prevailing(Entry a, Entry b) {
        Entry ours = entries.get(ownName);
        return a == ours || b == ours ? ours : Comparator.comparingLong(Entry::asOf).compare(a, b) >= 0 ? a : b;
    }

    private void warnOfDoubles(String name, Entry entry) {
        entries.entrySet().stream().filter(each -> each.getValue().key().equals(entry.key()) && !each.getKey().equals(name)).findFirst()
                .ifPresent(other -> log.warning("nodes " + other.getKey() + " and " + name + " have the same podCIDR, "
                        + entry.key().subnet().map(Object::toString).orElse("") + ": only one of them is reached; give one of them another"));
    }

    /** This host's lease bears its own mark and address when the node says what it should: what is told there may be another address. */
    private Entry entry(Node node) {
        Entry entry = annotations.entry(node);
        if (!node.name().equals(ownName)) {
            return entry;
        }
        own = node;
        List<LeaseAttributes> known = mine.get();
        if (entry == null || known.isEmpty()) {
            return null;
        }
        Optional<LeaseAttributes> said = known.stream().filter(each -> annotations.says(node, each)).findFirst();
        return said.isPresent() ? new Lease(node.subnet(), said.get(), new Lease.Never(), node.version())
                : new Entry.Occupied(entry.key(), "somebody wrote the annotations of node " + node.name(), node.version());
    }

    private static boolean saysTheSame(Entry a, Entry b) {
        return a.key().equals(b.key()) && switch (a) {
            case Lease lease -> b instanceof Lease other && lease.attributes().equals(other.attributes());
            case Entry.Occupied occupied -> b instanceof Entry.Occupied other && occupied.why().equals(other.why());
        };
    }
}
