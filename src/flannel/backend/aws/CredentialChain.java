package flannel.backend.aws;

import flannel.backend.cloud.CloudException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/**
 * The credentials in use: those of the first place that has any, renewed before they end; when they can't be, the old ones serve to their
 * end. For one thread at a time.
 */
final class CredentialChain {

    private static final Duration EARLY = Duration.ofMinutes(5);

    private final List<CredentialSource> sources;
    private final InstantSource clock;
    private Credentials current;

    CredentialChain(List<CredentialSource> sources, InstantSource clock) {
        this.sources = sources;
        this.clock = clock;
    }

    Credentials get() throws CloudException, InterruptedException {
        Instant now = clock.instant();
        if (current == null || !now.isBefore(current.expires().equals(Instant.MAX) ? Instant.MAX : current.expires().minus(EARLY))) {
            try {
                current = find();
            } catch (CloudException e) {
                if (current == null || !now.isBefore(current.expires())) {
                    throw e;
                }
            }
        }
        return current;
    }

    private Credentials find() throws CloudException, InterruptedException {
        for (CredentialSource source : sources) {
            Optional<Credentials> found = source.find();
            if (found.isPresent()) {
                return found.get();
            }
        }
        throw new CloudException(CloudException.Kind.DENIED, "looking for AWS credentials", "", "", "there are none in the environment"
                + " (AWS_ACCESS_KEY_ID), in a profile, of a container or of the instance",
                "give the instance a role (instance profile), or set them in /etc/sysconfig/flanneld");
    }

    /** These were refused: the next ones are asked for anew. */
    void refused() {
        current = null;
    }
}
