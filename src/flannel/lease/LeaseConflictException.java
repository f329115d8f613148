package flannel.lease;

/** A lease was to be written as it had last been seen, and somebody else has written or deleted it since. */
public final class LeaseConflictException extends StoreException {

    private static final long serialVersionUID = 1L;

    public LeaseConflictException(String message) {
        super(message);
    }
}
