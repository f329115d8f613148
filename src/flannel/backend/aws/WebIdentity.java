package flannel.backend.aws;

import flannel.backend.cloud.CloudException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** A role by the token that Kubernetes or another identity provider keeps in a file. The file is read anew each time. */
record WebIdentity(Map<String, String> environment, TokenService tokens) implements CredentialSource {

    @Override
    public Optional<Credentials> find() throws CloudException, InterruptedException {
        String file = environment.getOrDefault("AWS_WEB_IDENTITY_TOKEN_FILE", "").strip();
        String role = environment.getOrDefault("AWS_ROLE_ARN", "").strip();
        if (file.isEmpty() || role.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(tokens.assumeRoleWithWebIdentity(text(file), role, environment.getOrDefault("AWS_ROLE_SESSION_NAME", "flanneld")));
    }

    static String text(String file) throws CloudException {
        try {
            return Files.readString(Path.of(file)).strip();
        } catch (IOException e) {
            throw new CloudException(CloudException.Kind.DENIED, "reading the token", file, "", e.getClass().getSimpleName(),
                    "check AWS_WEB_IDENTITY_TOKEN_FILE and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        }
    }
}
