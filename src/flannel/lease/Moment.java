package flannel.lease;

/**
 * A place in a store's history.
 *
 * @param store    which one, as far as it tells: etcd's cluster id; empty when it does not
 * @param revision counts its changes; see {@link Entry#asOf}
 */
public record Moment(String store, long revision) {

    /** True when this one is a place in the same history, not before that one. */
    public boolean continues(Moment earlier) {
        return store.equals(earlier.store) && revision >= earlier.revision;
    }
}
