package flannel.cli;

/** A command line that can't be understood; the message is the sentence that Go's flag package prints. */
final class UsageException extends Exception {

    private static final long serialVersionUID = 1L;

    UsageException(String message) {
        super(message);
    }
}
