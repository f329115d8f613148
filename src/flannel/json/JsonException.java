package flannel.json;

import java.io.IOException;

/** Text that is not JSON (RFC 8259). The message says what was expected and at which byte offset. */
public final class JsonException extends IOException {

    private static final long serialVersionUID = 1L;

    public JsonException(String message) {
        super(message);
    }
}
