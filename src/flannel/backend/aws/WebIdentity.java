package flannel.backend.aws;

import flannel.backend.cloud.CloudException;
import flannel.files.FileException;
import flannel.files.SmallFiles;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** A role by the token that Kubernetes or another identity provider keeps in a file. The file is read anew each time. */
record WebIdentity(Map<String, String> environment, TokenService tokens) implements CredentialSource {

    private static final int MOST_BYTES = 1 << 16;

    @Override
    public Optional<Credentials> find() throws CloudException, InterruptedException {
        String file = environment.getOrDefault("AWS_WEB_IDENTITY_TOKEN_FILE", "").strip();
        String role = environment.getOrDefault("AWS_ROLE_ARN", "").strip();
        if (file.isEmpty() || role.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(tokens.assumeRoleWithWebIdentity(text(file), role, environment.getOrDefault("AWS_ROLE_SESSION_NAME", "flanneld")));
    }

    /** A token's file. */
    static String text(String file) throws CloudException {
        try {
            return SmallFiles.read(Path.of(file), MOST_BYTES).strip();
        } catch (FileException | InvalidPathException e) {
            throw new CloudException(CloudException.Kind.DENIED, "reading a token", "", "", e.getMessage(),
                    "check AWS_WEB_IDENTITY_TOKEN_FILE and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        }
    }
}
