package flannel.etcd;

import flannel.lease.RegistryException;

/** The server answers, but not on this API's paths. */
final class NotServedException extends RegistryException {

    private static final long serialVersionUID = 1L;

    NotServedException(String message) {
        super(message);
    }
}
