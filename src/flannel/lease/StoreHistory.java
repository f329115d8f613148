package flannel.lease;

import java.util.List;

/** How far a follower has followed a store, and so whether the next list continues what it was told before. For one thread. */
public final class StoreHistory {

    private Moment last;
    private boolean hadConfig;

    /** A store whose config has vanished is in doubt as another store is: whoever empties one takes that key along. */
    public StoreEvent.Listed listed(String config, List<Entry> entries, Moment at) {
        boolean continued = last != null && at.continues(last) && (config != null || !hadConfig);
        last = at;
        hadConfig |= config != null;
        return new StoreEvent.Listed(config, entries, continued, at);
    }

    /** A change was told. */
    public void noted(StoreEvent event) {
        hadConfig |= event instanceof StoreEvent.ConfigChanged(String config) && config != null;
        if (event instanceof StoreEvent.Put(Entry entry)) {
            last = new Moment(last.store(), Math.max(last.revision(), entry.asOf()));
        }
    }
}
