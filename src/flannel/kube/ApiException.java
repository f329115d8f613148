package flannel.kube;

import flannel.lease.StoreException;

/** The API server refused a request. */
final class ApiException extends StoreException {

    private static final long serialVersionUID = 1L;

    static final int NOT_FOUND = 404;
    static final int CONFLICT = 409;
    /** What was asked for is older than what the server remembers. */
    static final int GONE = 410;

    private final int status;

    /** @param status of HTTP, or the code of an event that says the same */
    ApiException(int status, String message) {
        super(message);
        this.status = status;
    }

    int status() {
        return status;
    }
}
