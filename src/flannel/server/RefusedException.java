package flannel.server;

import java.io.IOException;

/** A request that is answered with something other than success, from anywhere below who sends the answer. */
final class RefusedException extends IOException {

    private static final long serialVersionUID = 1L;

    private final int status;

    /** @param message for the client, one sentence */
    RefusedException(int status, String message) {
        super(message);
        this.status = status;
    }

    Answer answer() {
        return Answer.text(status, getMessage());
    }
}
