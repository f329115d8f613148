package flannel.store;

import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.List;

/** What a store will be like once it is written: changes made in memory that can be taken back. */
final class Draft {

    private final Contents contents;
    private final StoreClock clock;
    private final List<Change> changes = new ArrayList<>();
    private final List<Runnable> undo = new ArrayList<>();

    Draft(Contents contents, StoreClock clock) {
        this.contents = contents;
        this.clock = clock;
    }

    /** As it is with the changes so far. */
    Contents contents() {
        return contents;
    }

    /** Writes a lease for its usual time, or for ever. */
    Lease put(String network, Ipv4Subnet subnet, LeaseAttributes attributes, boolean reservation) {
        return put(network, subnet, attributes, reservation ? Change.NEVER : clock.now() + Lease.TIME_TO_LIVE.toMillis());
    }

    private Lease put(String network, Ipv4Subnet subnet, LeaseAttributes attributes, long endMillis) {
        apply(new Change.Put(network, subnet, attributes, endMillis, contents.revision() + 1));
        return contents.lease(network, subnet);
    }

    void remove(String network, Ipv4Subnet subnet) {
        apply(new Change.Gone(network, subnet, contents.revision() + 1));
    }

    void config(String network, String text) {
        apply(new Change.Config(network, text, contents.revision() + 1));
    }

    private void apply(Change change) {
        undo.add(contents.apply(change));
        changes.add(change);
    }

    List<Change> changes() {
        return changes;
    }

    /** A place to come {@link #back} to. */
    int place() {
        return changes.size();
    }

    void back(int place) {
        while (changes.size() > place) {
            undo.removeLast().run();
            changes.removeLast();
        }
    }
}
