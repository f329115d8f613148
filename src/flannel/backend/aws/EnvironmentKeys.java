package flannel.backend.aws;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/** A key in the environment: AWS_ACCESS_KEY_ID and its fellows, or the older AWS_ACCESS_KEY and AWS_SECRET_KEY. */
record EnvironmentKeys(Map<String, String> environment) implements CredentialSource {

    @Override
    public Optional<Credentials> find() {
        String id = value("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY");
        String secret = value("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY");
        return id.isEmpty() || secret.isEmpty() ? Optional.empty()
                : Optional.of(new Credentials(id, secret, value("AWS_SESSION_TOKEN", ""), Instant.MAX, "the environment"));
    }

    private String value(String name, String older) {
        return environment.getOrDefault(name, environment.getOrDefault(older, "")).strip();
    }
}
