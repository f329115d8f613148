package flannel.backend.gce;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.Http;
import flannel.json.JsonException;
import flannel.json.JsonValue;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;

/**
 * The right to call Google's APIs, found as Google's own libraries do: the file that GOOGLE_APPLICATION_CREDENTIALS names, else the one
 * that {@code gcloud auth application-default login} leaves, else the service account of the instance.
 *
 * <p>Source: https://cloud.google.com/docs/authentication/application-default-credentials
 */
final class Credentials {

    /** What is asked for; CLOUD_PLATFORM holds it. */
    static final String SCOPE = "https://www.googleapis.com/auth/compute";
    static final String CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform";

    private static final Duration RENEWAL = Duration.ofMinutes(5);

    /** Where access tokens come from. */
    sealed interface Source permits KeyFile, AttachedAccount {

        /** @throws CloudException saying what the operator has to mend */
        AccessToken fetch() throws CloudException, InterruptedException;

        /** Whose tokens they are, for messages. */
        String account();
    }

    /** An OAuth 2.0 access token. */
    record AccessToken(String secret, Instant expiry) {

        /** Reads the answer of a token's endpoint; empty when it holds none that a request's header may have. */
        static Optional<AccessToken> read(String answer, Instant now) {
            try {
                JsonValue json = JsonValue.parse(answer);
                String secret = json.text("access_token");
                return secret.matches("[!-~]+") ? Optional.of(new AccessToken(secret, now.plusSeconds(json.integer("expires_in"))))
                        : Optional.empty();
            } catch (JsonException e) {
                return Optional.empty(); // what is wrong with it may hold the token: not a word of it
            }
        }

        @Override
        public String toString() {
            return "AccessToken[" + expiry + "]";
        }
    }

    private final Source source;
    private final InstantSource clock;
    private AccessToken token;

    private Credentials(Source source, InstantSource clock) {
        this.source = source;
        this.clock = clock;
    }

    static Credentials find(Map<String, String> environment, Http http, Metadata metadata, InstantSource clock) {
        String named = environment.getOrDefault("GOOGLE_APPLICATION_CREDENTIALS", "");
        if (!named.isEmpty()) {
            return new Credentials(new KeyFile(Path.of(named), http, clock), clock);
        }
        Path gcloud = Path.of(environment.getOrDefault("CLOUDSDK_CONFIG", environment.getOrDefault("HOME", "/root") + "/.config/gcloud"))
                .resolve("application_default_credentials.json");
        return new Credentials(Files.exists(gcloud) ? new KeyFile(gcloud, http, clock) : new AttachedAccount(metadata, clock), clock);
    }

    /** A token for the next request. An old one is used to its end while no new one is to be had. */
    String token() throws CloudException, InterruptedException {
        Instant now = clock.instant();
        if (token == null || token.expiry().minus(RENEWAL).isBefore(now)) {
            try {
                token = source.fetch();
            } catch (CloudException e) {
                if (token == null || token.expiry().isBefore(now)) {
                    throw e;
                }
            }
        }
        return token.secret();
    }

    /** The last token is not good: the next will be a new one. */
    void refused() {
        token = null;
    }

    /** Whose rights these are, for messages. */
    String account() {
        return source.account();
    }
}
