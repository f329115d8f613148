package flannel.lease;

import java.io.IOException;

/** The store can't be reached, refused a request, or answered nonsense. The message is one sentence an operator can act on. */
public class RegistryException extends IOException {

    private static final long serialVersionUID = 1L;

    public RegistryException(String message) {
        super(message);
    }

    public RegistryException(String message, Throwable cause) {
        super(message, cause);
    }
}
