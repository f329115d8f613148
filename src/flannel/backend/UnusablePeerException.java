package flannel.backend;

import flannel.lease.Lease;

/** A peer's lease that this backend can't follow. The message says why in one sentence; the other peers are not held up. */
public final class UnusablePeerException extends Exception {

    private static final long serialVersionUID = 1L;

    public UnusablePeerException(String message) {
        super(message);
    }

    /** Throws when the lease was written by a host with another backend. */
    static void unlessOfType(String type, Lease peer) throws UnusablePeerException {
        if (!peer.attributes().backendType().equals(type)) {
            throw new UnusablePeerException("Ignoring non-" + type + " subnet(" + peer.subnet() + "): type="
                    + peer.attributes().backendType());
        }
    }
}
