package flannel.kube;

import flannel.files.SmallFiles;
import flannel.tls.Tls;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where the API server is, and what shows it who asks.
 *
 * @param server base URL without a trailing slash
 * @param ca     of the authorities that signed its certificate
 */
record ApiAccess(URI server, Token token, Tls.Source ca, Tls.Source certificate, Tls.Source key) {

    static final Path SERVICE_ACCOUNT = Path.of("/var/run/secrets/kubernetes.io/serviceaccount");

    /**
     * As client-go's BuildConfigFromFlags: by the kubeconfig, at the URL if that is given; else as a pod's service account.
     *
     * @param serviceAccount folder with the pod's token and authorities
     * @throws IllegalArgumentException with a sentence when nothing leads to an API server
     */
    static ApiAccess of(KubeOptions options, Path serviceAccount) {
        if (!options.kubeconfig().isEmpty()) {
            return Kubeconfig.read(SmallFiles.path("kubeconfig-file", options.kubeconfig()), options.apiUrl());
        }
        if (!options.apiUrl().isEmpty()) {
            URI server = server("-kube-api-url", options.apiUrl());
            boolean asPod = server.getScheme().equals("https") && Files.exists(serviceAccount.resolve("token"));
            return asPod ? ofPod(server, serviceAccount)
                    : new ApiAccess(server, Token.NONE, nothing("-kubeconfig-file"), nothing("-kubeconfig-file"), nothing("-kubeconfig-file"));
        }
        String host = options.environment().getOrDefault("KUBERNETES_SERVICE_HOST", "");
        String port = options.environment().getOrDefault("KUBERNETES_SERVICE_PORT", "");
        if (host.isEmpty() || port.isEmpty()) {
            throw new IllegalArgumentException("unable to initialize inclusterconfig: this is no pod, where KUBERNETES_SERVICE_HOST and"
                    + " KUBERNETES_SERVICE_PORT are defined; give -kubeconfig-file, or -kube-api-url");
        }
        return ofPod(server("KUBERNETES_SERVICE_HOST", "https://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + port), serviceAccount);
    }

    private static ApiAccess ofPod(URI server, Path serviceAccount) {
        Path ca = serviceAccount.resolve("ca.crt");
        return new ApiAccess(server, new Token(serviceAccount.resolve("token"), null),
                new Tls.Source("the cluster's authority", Files.exists(ca) ? ca : null, null), nothing("-kubeconfig-file"), nothing("-kubeconfig-file"));
    }

    static Tls.Source nothing(String name) {
        return new Tls.Source(name, null, null);
    }

    /** @param where what names it, for messages */
    static URI server(String where, String text) {
        try {
            URI url = new URI(text.replaceFirst("/+$", ""));
            if (url.getScheme() != null && url.getScheme().matches("https?") && url.getHost() != null && url.getPort() <= 65_535 && url.getPort() != 0
                    && url.getUserInfo() == null && url.getQuery() == null && url.getFragment() == null) {
                return url;
            }
        } catch (URISyntaxException e) {
            // said below
        }
        throw new IllegalArgumentException(where + ": \"" + text.replaceFirst("(?s)[?#].*|//.*@", "…")
                + "\" is not an API server of the form https://host:port");
    }
}
