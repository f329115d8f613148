package flannel.etcd;

import flannel.lease.RegistryException;

/** No endpoint gave a usable answer. */
final class UnavailableException extends RegistryException {

    private static final long serialVersionUID = 1L;

    private final boolean connected;

    /** @param connected true when at least one connection was made and then broke */
    UnavailableException(String message, boolean connected) {
        super(message);
        this.connected = connected;
    }

    boolean connected() {
        return connected;
    }
}
