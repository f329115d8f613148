package flannel.etcd;

import flannel.lease.StoreException;

/** A write was sent and its answer is lost: it may have happened or not. */
final class LostAnswerException extends StoreException {

    private static final long serialVersionUID = 1L;

    LostAnswerException(String message) {
        super(message);
    }
}
