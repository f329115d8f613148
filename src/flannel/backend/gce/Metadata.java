package flannel.backend.gce;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.backend.cloud.Http;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * The metadata server of a Compute Engine instance: what the instance is, and tokens of its service account. Asked by its link-local
 * address, for a container may not know its name. GCE_METADATA_HOST (a host, perhaps with a port) and GCE_METADATA_TIMEOUT (seconds) are
 * those of Google's own libraries.
 *
 * <p>Source: https://cloud.google.com/compute/docs/metadata/querying-metadata
 */
final class Metadata {

    /** Demanded by the server, so that nobody is led to ask it by mistake, and by us, so that nobody else is taken for it. */
    private static final Map<String, String> FLAVOR = Map.of("Metadata-Flavor", "Google");

    private final Http http;
    private final String base;
    private final Duration timeout;

    /** @throws IllegalArgumentException with a sentence when a variable can't be meant */
    Metadata(Map<String, String> environment, Http http) {
        String seconds = environment.getOrDefault("GCE_METADATA_TIMEOUT", "3");
        if (!seconds.matches("[1-9]\\d?")) {
            throw new IllegalArgumentException("GCE_METADATA_TIMEOUT \"" + seconds + "\" is not a number of seconds from 1 to 99");
        }
        this.http = http;
        base = "http://" + host(environment) + "/computeMetadata/v1/";
        timeout = Duration.ofSeconds(Integer.parseInt(seconds));
    }

    /** The server, as {@code host} or {@code host:port}. GCE_METADATA_ROOT is its old variable. */
    static String host(Map<String, String> environment) {
        String host = environment.getOrDefault("GCE_METADATA_HOST", environment.getOrDefault("GCE_METADATA_ROOT", "169.254.169.254"));
        if (!host.matches("[A-Za-z0-9.-]+(:\\d{1,5})?")) {
            throw new IllegalArgumentException("GCE_METADATA_HOST \"" + host + "\" is not of the form host or host:port");
        }
        return host;
    }

    /** The value of a key, as {@code instance/name}. */
    String get(String key) throws CloudException, InterruptedException {
        return find(key).orElseThrow(() -> failed(Kind.UNUSABLE, key, "404", "there is no such value", ""));
    }

    /** The value of a key; empty when there is none. */
    Optional<String> find(String key) throws CloudException, InterruptedException {
        Http.Answer answer;
        try {
            answer = http.send(Http.Request.get(URI.create(base + key), FLAVOR, timeout));
        } catch (IOException e) {
            throw failed(Kind.TRANSIENT, key, "", e.getMessage(), "the backend gce works on instances of Compute Engine only");
        }
        if (!answer.header("Metadata-Flavor").equals("Google")) {
            throw failed(Kind.UNUSABLE, key, Integer.toString(answer.status()), "what answers is not Google's metadata server",
                    "the backend gce works on instances of Compute Engine only");
        }
        return switch (answer.status()) {
            case 200 -> Optional.of(answer.body().strip());
            case 404 -> Optional.empty();
            case 429, 500, 502, 503, 504 -> throw failed(Kind.TRANSIENT, key, Integer.toString(answer.status()), "", "");
            default -> throw failed(Kind.UNUSABLE, key, Integer.toString(answer.status()), "", "");
        };
    }

    private CloudException failed(Kind kind, String key, String code, String detail, String remedy) {
        return new CloudException(kind, "reading metadata", base + key, code, detail, remedy);
    }
}
