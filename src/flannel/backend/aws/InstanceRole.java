package flannel.backend.aws;

import flannel.backend.cloud.CloudException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The role of the instance (its instance profile), by the metadata service. */
record InstanceRole(Map<String, String> environment, Metadata metadata) implements CredentialSource {

    private static final String KEY = "iam/security-credentials/";

    @Override
    public Optional<Credentials> find() throws CloudException, InterruptedException {
        if ("true".equalsIgnoreCase(environment.get("AWS_EC2_METADATA_DISABLED"))) {
            return Optional.empty();
        }
        List<String> roles = metadata.names(KEY);
        if (roles.isEmpty()) {
            return Optional.empty();
        }
        String role = roles.getFirst();
        try {
            return Optional.of(RoleDocument.parse(metadata.require(KEY + role), "the instance's role " + role));
        } catch (CloudException e) {
            throw e;
        } catch (IOException e) {
            throw new CloudException(CloudException.Kind.TRANSIENT, "asking the metadata service for the credentials of " + role, "", "",
                    e.getMessage(), "");
        }
    }
}
