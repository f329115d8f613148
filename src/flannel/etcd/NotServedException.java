package flannel.etcd;

import flannel.lease.StoreException;

/** The server answers, but not on this API's paths. */
final class NotServedException extends StoreException {

    private static final long serialVersionUID = 1L;

    NotServedException(String message) {
        super(message);
    }
}
