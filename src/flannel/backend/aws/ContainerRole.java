package flannel.backend.aws;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.backend.cloud.Http;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The role of an ECS task or an EKS pod, by the address that its agent has put into the environment. */
record ContainerRole(Map<String, String> environment, Http http) implements CredentialSource {

    private static final Duration TIMEOUT = Duration.ofSeconds(2);

    static final String AGENT_IPV6 = "fd00:ec2::23";

    /** The agents' addresses: a token must not be sent to anywhere else but over https. */
    private static final Set<String> AGENTS = Set.of("169.254.170.2", "169.254.170.23", "[" + AGENT_IPV6 + "]", "localhost", "[::1]");

    @Override
    public Optional<Credentials> find() throws CloudException, InterruptedException {
        String relative = environment.getOrDefault("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "").strip();
        String full = environment.getOrDefault("AWS_CONTAINER_CREDENTIALS_FULL_URI", "").strip();
        if (relative.isEmpty() && full.isEmpty()) {
            return Optional.empty();
        }
        String text = relative.isEmpty() ? full : "http://169.254.170.2" + relative;
        String action = "asking the container agent for credentials";
        try {
            URI uri = URI.create(text);
            String host = uri.getHost() == null ? "" : uri.getHost();
            if (!"https".equals(uri.getScheme()) && !AGENTS.contains(host) && !host.startsWith("127.")) {
                throw new CloudException(Kind.UNUSABLE, action, "", "", "AWS_CONTAINER_CREDENTIALS_FULL_URI " + text
                        + " is neither https nor an agent's address", "");
            }
            String token = token();
            Http.Answer answer = http.send(Http.Request.get(uri, token.isEmpty() ? Map.of() : Map.of("Authorization", token), TIMEOUT));
            if (answer.status() != 200) {
                throw new CloudException(answer.status() < 500 ? Kind.DENIED : Kind.TRANSIENT, action, "", Integer.toString(answer.status()), "", "");
            }
            return Optional.of(RoleDocument.parse(answer.body(), "the container's role"));
        } catch (CloudException e) {
            throw e;
        } catch (IOException | IllegalArgumentException e) {
            throw new CloudException(Kind.TRANSIENT, action, "", "", e.getMessage(), "");
        }
    }

    private String token() throws CloudException {
        String file = environment.getOrDefault("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "").strip();
        return file.isEmpty() ? environment.getOrDefault("AWS_CONTAINER_AUTHORIZATION_TOKEN", "").strip() : WebIdentity.text(file);
    }
}
