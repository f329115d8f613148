package flannel.backend.aws;

import flannel.backend.cloud.CloudException;
import java.util.Optional;

/** A place where credentials may be. */
interface CredentialSource {

    /**
     * Looks there.
     *
     * @return empty when this place is not set up on this host, so that the next one is asked
     * @throws CloudException when it is set up and gives none
     */
    Optional<Credentials> find() throws CloudException, InterruptedException;
}
