package flannel.netlink;

import java.io.IOException;

/** Bytes that are not what netlink's framing promises: a length that points outside, or a value shorter than its type. */
public final class MalformedMessageException extends IOException {

    private static final long serialVersionUID = 1L;

    MalformedMessageException(String message) {
        super(message);
    }
}
