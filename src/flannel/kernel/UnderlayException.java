package flannel.kernel;

/** No interface could be chosen. The message is a sentence for the operator. */
public final class UnderlayException extends Exception {

    private static final long serialVersionUID = 1L;

    UnderlayException(String message) {
        super(message);
    }
}
