package flannel.backend.aws;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.backend.cloud.Http;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The instance's metadata service (IMDS): version 2, whose reads take a token, and version 1 only where there is no version 2.
 *
 * <p>Source: EC2 User Guide, "Use the Instance Metadata Service to access instance metadata".
 */
final class Metadata {

    /** Not from a container behind a bridge: the token's answer has a hop limit of 1 and never gets there. */
    private static final Duration TIMEOUT = Duration.ofSeconds(2);

    private static final String ROOT = "/latest/meta-data/";
    private static final String TOKEN_SECONDS = "21600";

    private final Http http;
    private final String base;
    private final boolean version1Allowed;
    /** Null before the first request; empty for version 1. */
    private String token;

    /** @throws IllegalArgumentException when the environment names no usable address for it */
    Metadata(Http http, Map<String, String> environment) {
        this.http = http;
        this.base = base(environment);
        this.version1Allowed = !"true".equalsIgnoreCase(environment.get("AWS_EC2_METADATA_V1_DISABLED"));
    }

    static String base(Map<String, String> environment) {
        String configured = environment.getOrDefault("AWS_EC2_METADATA_SERVICE_ENDPOINT", "").strip();
        if (configured.isEmpty()) {
            return "ipv6".equalsIgnoreCase(environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"))
                    ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
        }
        return Endpoints.checked("AWS_EC2_METADATA_SERVICE_ENDPOINT", configured).toString().replaceFirst("/+$", "");
    }

    /** The value of a key below latest/meta-data; empty when there is no such key. */
    Optional<String> get(String key) throws CloudException, InterruptedException {
        try {
            Http.Answer answer = read(key);
            if (answer.status() == 401 && token != null && !token.isEmpty()) {
                token = null;       // it has expired
                answer = read(key);
            }
            return switch (answer.status()) {
                case 200 -> Optional.of(answer.body().strip());
                case 404 -> Optional.empty();
                case 403 -> throw failure(Kind.DENIED, key, "403", "the metadata service is switched off for this instance",
                        "switch it on (modify-instance-metadata-options --http-endpoint enabled)");
                case 401 -> throw failure(Kind.DENIED, key, "401", "it takes no request without a token, and gave none",
                        "unset AWS_EC2_METADATA_V1_DISABLED or look why PUT " + base + "/latest/api/token fails");
                default -> throw failure(Kind.TRANSIENT, key, Integer.toString(answer.status()), "", "");
            };
        } catch (IOException e) {
            if (e instanceof CloudException known) {
                throw known;
            }
            throw failure(Kind.TRANSIENT, key, "", e.getMessage(),
                    "is this host an EC2 instance? (a container behind a bridge needs --http-put-response-hop-limit 2)");
        }
    }

    /** The same for a key that must be there. */
    String require(String key) throws CloudException, InterruptedException {
        return get(key).orElseThrow(() -> failure(Kind.UNUSABLE, key, "404", "there is no such key", ""));
    }

    /** The names below a key, without the slashes at their ends. */
    List<String> names(String key) throws CloudException, InterruptedException {
        return get(key).orElse("").lines().map(line -> line.replaceFirst("/$", "")).filter(line -> !line.isEmpty()).toList();
    }

    private Http.Answer read(String key) throws IOException, InterruptedException {
        if (token == null) {
            token = newToken();
        }
        return http.send(Http.Request.get(URI.create(base + ROOT + key),
                token.isEmpty() ? Map.of() : Map.of("X-aws-ec2-metadata-token", token), TIMEOUT));
    }

    /** A session's token; empty when the service knows none and version 1 may be used. */
    private String newToken() throws IOException, InterruptedException {
        IOException silent = null;
        int status = 0;
        try {
            Http.Answer answer = http.send(new Http.Request("PUT", URI.create(base + "/latest/api/token"),
                    Map.of("X-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS), "", TIMEOUT));
            status = answer.status();
            if (status == 200) {
                return answer.body().strip();
            }
        } catch (IOException e) {
            silent = e;
        }
        if (version1Allowed && (silent != null || status == 403 || status == 404 || status == 405)) {
            return "";
        }
        throw silent != null ? silent : failure(Kind.TRANSIENT, "a token", Integer.toString(status), "", "");
    }

    private CloudException failure(Kind kind, String key, String code, String detail, String remedy) {
        return new CloudException(kind, "asking the metadata service " + base + " for " + key, "", code, detail, remedy);
    }
}
