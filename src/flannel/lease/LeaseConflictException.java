package flannel.lease;

/** A compare-and-swap found the key written, created or deleted by somebody else. */
public final class LeaseConflictException extends RegistryException {

    private static final long serialVersionUID = 1L;

    public LeaseConflictException(String message) {
        super(message);
    }
}
