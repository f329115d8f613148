package flannel.lease;

import java.io.IOException;

/** The store can't be reached, refused a request, or answered nonsense. The message is one sentence an operator can act on. */
public class StoreException extends IOException {

    private static final long serialVersionUID = 1L;

    public StoreException(String message) {
        super(message);
    }

    public StoreException(String message, Throwable cause) {
        super(message, cause);
    }
}
