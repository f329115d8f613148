package flannel.backend;

/** A peer's lease that this backend can't follow. The message says why in one sentence; the other peers are not held up. */
public final class UnusablePeerException extends Exception {

    private static final long serialVersionUID = 1L;

    public UnusablePeerException(String message) {
        super(message);
    }
}
