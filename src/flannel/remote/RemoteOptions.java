package flannel.remote;

import flannel.tls.Tls;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;

/**
 * Which flannel servers to ask, and how to be let in.
 *
 * @param servers {@code host:port}, several separated by commas; with {@code http://} or {@code https://} in front if need be
 * @param tls     the files of {@code -remote-cafile}, {@code -remote-certfile}, {@code -remote-keyfile}; any of them makes it HTTPS
 */
public record RemoteOptions(String servers, Tls.Options tls) {

    /** The store is another one. */
    public static RemoteOptions none() {
        return new RemoteOptions("", new Tls.Options("remote", "flannel server", "", "", ""));
    }

    /** True when the store is another one. */
    public boolean isEmpty() {
        return servers.isEmpty();
    }

    /**
     * The servers as base URLs without a trailing slash.
     *
     * @throws IllegalArgumentException with a sentence that names the option
     */
    public List<URI> urls() {
        tls.check();
        List<URI> urls = new ArrayList<>();
        for (String server : servers.split(",")) {
            String text = server.strip();
            if (!text.isEmpty()) {
                urls.add(url(text.contains("://") ? text : (tls.isEmpty() ? "http://" : "https://") + text));
            }
        }
        if (urls.isEmpty()) {
            throw new IllegalArgumentException("-remote names no server");
        }
        return List.copyOf(urls);
    }

    private static URI url(String text) {
        try {
            URI url = new URI(text.endsWith("/") ? text.substring(0, text.length() - 1) : text);
            if (List.of("http", "https").contains(url.getScheme()) && url.getHost() != null && url.getPort() > 0 && url.getPort() <= 65_535
                    && url.getPath().isEmpty() && url.getUserInfo() == null && url.getQuery() == null && url.getFragment() == null) {
                return url;
            }
        } catch (URISyntaxException e) {
            // said below
        }
        throw new IllegalArgumentException("-remote: \"" + text.replaceFirst("^https?://", "")
                + "\" is not a server of the form host:port");
    }
}
