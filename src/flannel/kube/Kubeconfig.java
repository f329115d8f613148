package flannel.kube;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.json.JsonValue;
import flannel.tls.Tls;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.Set;

/**
 * A kubeconfig (k8s.io/client-go/tools/clientcmd/api/v1): the cluster and the user of its current context. Files are named as seen from its
 * folder. What it holds and this daemon does not do, a program that brings tokens above all, is refused.
 */
final class Kubeconfig {

    private static final int MAX_BYTES = 1 << 20;

    private static final Set<String> OF_CLUSTER = Set.of("server", "certificate-authority", "certificate-authority-data", "extensions",
            "disable-compression", "insecure-skip-tls-verify");
    private static final Set<String> OF_USER = Set.of("client-certificate", "client-certificate-data", "client-key", "client-key-data", "token",
            "tokenFile", "extensions");

    private final Path file;
    private final JsonValue config;

    private Kubeconfig(Path file, JsonValue config) {
        this.file = file;
        this.config = config;
    }

    /**
     * What it says.
     *
     * @param apiUrl in place of its cluster's server; empty for that one
     * @throws IllegalArgumentException with a sentence that names the file
     */
    static ApiAccess read(Path file, String apiUrl) {
        try {
            return new Kubeconfig(file, Yaml.parse(SmallFiles.read(file, MAX_BYTES))).access(apiUrl);
        } catch (FileException | IllegalArgumentException e) {
            throw new IllegalArgumentException("-kubeconfig-file: " + (e instanceof FileException ? "" : file + ": ") + e.getMessage(), e);
        }
    }

    private ApiAccess access(String apiUrl) {
        JsonValue context = named("contexts", "context", config.text("current-context"), "current-context");
        JsonValue cluster = named("clusters", "cluster", context.text("cluster"), "cluster of the context");
        // a user is not needed where everybody may ask
        JsonValue user = context.text("user").isEmpty() ? JsonValue.object() : named("users", "user", context.text("user"), "user of the context");
        refuseUnknown("cluster", cluster, OF_CLUSTER);
        refuseUnknown("user", user, OF_USER);
        if (cluster.isTrue("insecure-skip-tls-verify") || cluster.text("insecure-skip-tls-verify").equals("true")) {
            throw new IllegalArgumentException("insecure-skip-tls-verify lets anybody be the API server, which flanneld does not do: give the"
                    + " cluster's certificate-authority");
        }
        Tls.Source certificate = source(user, "client-certificate");
        Tls.Source key = source(user, "client-key");
        if ((certificate.file() == null && certificate.pem() == null) != (key.file() == null && key.pem() == null)) {
            throw new IllegalArgumentException("client-certificate and client-key are needed both");
        }
        String token = user.text("token");
        String tokenFile = user.text("tokenFile");
        return new ApiAccess(apiUrl.isEmpty() ? ApiAccess.server("server", cluster.text("server")) : ApiAccess.server("-kube-api-url", apiUrl),
                tokenFile.isEmpty() ? token.isEmpty() ? Token.NONE : new Token(null, token) : new Token(beside(tokenFile), null),
                source(cluster, "certificate-authority"), certificate, key);
    }

    /** The one of that name in a list of {@code {name: ..., <what>: {...}}}. */
    private JsonValue named(String list, String what, String name, String who) {
        if (name.isEmpty()) {
            throw new IllegalArgumentException("it has no " + who);
        }
        for (JsonValue each : config.list(list)) {
            if (each.text("name").equals(name) && each.get(what) instanceof JsonValue.Obj found) {
                return found;
            }
        }
        throw new IllegalArgumentException("its " + who + ", \"" + name + "\", is not among its " + list);
    }

    private static void refuseUnknown(String what, JsonValue value, Set<String> known) {
        if (value instanceof JsonValue.Obj(Map<String, JsonValue> members)) {
            members.keySet().stream().filter(name -> !known.contains(name)).findFirst().ifPresent(name -> {
                throw new IllegalArgumentException("flanneld does not do what \"" + name + "\" of its " + what + " asks for: "
                        + "it knows certificate-authority, client-certificate and client-key, each with -data too, token and tokenFile");
            });
        }
    }

    private Tls.Source source(JsonValue value, String name) {
        String data = value.text(name + "-data");
        String path = value.text(name);
        if (data.isEmpty()) {
            return new Tls.Source(name, path.isEmpty() ? null : beside(path), null);
        }
        try {
            return new Tls.Source(name + "-data", null, new String(Base64.getMimeDecoder().decode(data), StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(name + "-data is not base64", e);
        }
    }

    private Path beside(String path) {
        return file.toAbsolutePath().resolveSibling(SmallFiles.path("kubeconfig-file", path));
    }
}
