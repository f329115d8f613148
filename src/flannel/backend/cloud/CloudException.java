package flannel.backend.cloud;

import java.io.IOException;

/** A cloud refused or did not answer. The message is one sentence: the action, on what, the cloud's code and words, and the remedy. */
public final class CloudException extends IOException {

    private static final long serialVersionUID = 1L;

    /** What is to be done about it. */
    public enum Kind {

        /** Too many requests: try later, at a random time. */
        THROTTLED,

        /** No answer, a server's trouble, an operation under way: the same. */
        TRANSIENT,

        /** The table changed since it was read: read it again. */
        CONFLICT,

        /** What is named does not exist, or is not seen yet. */
        GONE,

        /** A quota is used up: an operator has to raise it. */
        LIMIT,

        /** Not permitted, or no valid credentials: an operator has to change that. */
        DENIED,

        /** The configuration does not fit this cloud: an operator has to change that. */
        UNUSABLE
    }

    private final Kind kind;
    private final String code;

    /**
     * @param action   the cloud's name of it, "CreateRoute"
     * @param resource on what; empty for nothing in particular
     * @param code     the cloud's code; empty when there was no answer
     * @param detail   the cloud's words, or ours
     * @param remedy   what mends it, as an imperative; empty for nothing but time
     */
    public CloudException(Kind kind, String action, String resource, String code, String detail, String remedy) {
        super(action + (resource.isEmpty() ? "" : " on " + resource) + " failed: " + code
                + (code.isEmpty() || detail.isEmpty() ? detail : " (" + detail + ")") + (remedy.isEmpty() ? "" : ": " + remedy));
        this.kind = kind;
        this.code = code;
    }

    public Kind kind() {
        return kind;
    }

    /** The cloud's own code. */
    public String code() {
        return code;
    }
}
