package flannel.lease;

import java.util.Collection;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The names of the networks in a store as it tells them. What a store in doubt (emptied, restored, another one) no longer has stays, until
 * it is told to be there and then to be gone. For one thread.
 */
public final class NetworkNames {

    private final SortedSet<String> there = new TreeSet<>();
    private final SortedSet<String> kept = new TreeSet<>();

    /**
     * All were listed.
     *
     * @param continued see {@link StoreEvent.Listed}
     * @return those that are missing and stay from now on
     */
    public SortedSet<String> listed(Collection<String> names, boolean continued) {
        SortedSet<String> missing = new TreeSet<>();
        if (!continued) {
            missing.addAll(there);
            missing.removeAll(names);
        }
        there.clear();
        there.addAll(names);
        kept.addAll(missing);
        kept.removeAll(names);
        return missing;
    }

    public void added(String name) {
        there.add(name);
        kept.remove(name);
    }

    public void removed(String name) {
        there.remove(name);
        kept.remove(name);
    }

    public SortedSet<String> all() {
        SortedSet<String> all = new TreeSet<>(there);
        all.addAll(kept);
        return all;
    }
}
