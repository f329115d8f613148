package flannel.backend.cloud;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The proxies that the environment names, as curl and Go programs read it: {@code HTTPS_PROXY}, {@code HTTP_PROXY}, {@code NO_PROXY}, in
 * capitals or not. Loopback and link-local addresses, where the clouds have their metadata, are never asked through a proxy.
 *
 * @param noProxy names (and the domains below them), addresses, or {@code *}
 */
record Proxies(InetSocketAddress https, InetSocketAddress http, List<String> noProxy) {

    /** @throws IllegalArgumentException naming the variable that can't be read */
    static Proxies of(Map<String, String> environment, Set<String> direct) {
        String none = value(environment, "NO_PROXY").toLowerCase(Locale.ROOT);
        List<String> noProxy = new ArrayList<>(direct);
        noProxy.addAll(List.of(none.strip().isEmpty() ? new String[0] : none.strip().split("\\s*,\\s*")));
        return new Proxies(address(environment, "HTTPS_PROXY"), address(environment, "HTTP_PROXY"), noProxy);
    }

    private static String value(Map<String, String> environment, String name) {
        return environment.getOrDefault(name, environment.getOrDefault(name.toLowerCase(Locale.ROOT), ""));
    }

    private static InetSocketAddress address(Map<String, String> environment, String name) {
        String text = value(environment, name).strip();
        if (text.isEmpty()) {
            return null;
        }
        try {
            URI uri = URI.create(text.contains("://") ? text : "http://" + text);
            if (uri.getHost() != null && "http".equals(uri.getScheme())) {
                return InetSocketAddress.createUnresolved(uri.getHost(), uri.getPort() < 0 ? 80 : uri.getPort());
            }
        } catch (IllegalArgumentException e) {
            // not a URI
        }
        throw new IllegalArgumentException("the environment's " + name + " is not of the form http://host:port");   // it may hold a password
    }

    /** The proxy for a request; null to go without. */
    InetSocketAddress proxyFor(URI uri) {
        String host = uri.getHost().toLowerCase(Locale.ROOT);
        InetSocketAddress proxy = uri.getScheme().equals("https") ? https : http;
        return proxy == null || isLocal(host) || noProxy.stream().anyMatch(each -> covers(each, host, uri.getPort())) ? null : proxy;
    }

    private static boolean isLocal(String host) {
        return host.equals("localhost") || host.startsWith("127.") || host.startsWith("169.254.") || host.equals("[::1]")
                || host.startsWith("[fe80:") || host.startsWith("[fd00:ec2:") || host.equals("metadata.google.internal");
    }

    private static boolean covers(String entry, String host, int port) {
        String name = entry.endsWith(":" + port) ? entry.substring(0, entry.lastIndexOf(':')) : entry;
        String domain = name.startsWith("*.") ? name.substring(1) : name.startsWith(".") ? name : "." + name;
        return name.equals("*") || host.equals(name) || host.endsWith(domain);
    }

    /** For java.net.http, which looks proxies up by address. */
    ProxySelector selector() {
        return new ProxySelector() {

            @Override
            public List<Proxy> select(URI uri) {
                InetSocketAddress proxy = proxyFor(uri);
                return List.of(proxy == null ? Proxy.NO_PROXY
                        : new Proxy(Proxy.Type.HTTP, new InetSocketAddress(proxy.getHostString(), proxy.getPort())));
            }

            @Override
            public void connectFailed(URI uri, SocketAddress address, IOException why) {
                // the request fails too, and says so
            }
        };
    }
}
