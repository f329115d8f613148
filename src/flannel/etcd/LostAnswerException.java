package flannel.etcd;

import flannel.lease.RegistryException;

/** A write was sent and its answer is lost: it may have happened or not. */
final class LostAnswerException extends RegistryException {

    private static final long serialVersionUID = 1L;

    LostAnswerException(String message) {
        super(message);
    }
}
