package flannel.lease;

/**
 * From where on subnets of a network may be free. Where many hosts take one after the other, and leases do not overlap, all in front of it are
 * known to be taken, and need not be gone through again. Not for several threads at a time.
 */
public final class FreeFront {

    private NetworkConfig config;
    private long base;

    /** The first address that is to be looked at, as a number from 0; that of SubnetMin when nothing is known. */
    long of(NetworkConfig config) {
        if (!config.equals(this.config)) {
            this.config = config;
            base = Integer.toUnsignedLong(config.subnetMin().bits());
        }
        return base;
    }

    /** Nothing that can be given out is free in front of that. */
    void found(long base) {
        this.base = base;
    }

    /** A subnet was released. */
    public void reset() {
        config = null;
    }
}
