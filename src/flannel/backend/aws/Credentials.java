package flannel.backend.aws;

import java.time.Instant;

/**
 * A key to sign requests with.
 *
 * @param sessionToken empty for a key without an end
 * @param expires      {@link Instant#MAX} for a key without an end
 * @param source       where it was found, for messages
 */
record Credentials(String accessKeyId, String secretAccessKey, String sessionToken, Instant expires, String source) {

    /** Nothing secret. */
    @Override
    public String toString() {
        return "credentials of " + source;
    }
}
