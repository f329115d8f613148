package flannel.etcd;

import flannel.lease.StoreException;

/** No endpoint gave a usable answer. */
final class UnavailableException extends StoreException {

    private static final long serialVersionUID = 1L;

    private final boolean connected;

    /** @param connected true when connections were made and then broke, and nobody answered anything */
    UnavailableException(String message, boolean connected) {
        super(message);
        this.connected = connected;
    }

    boolean connected() {
        return connected;
    }
}
