package flannel.net;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The HTTP proxy that the environment names, by the rules of the Go that flannel 0.7.1 was built with (net/http, ProxyFromEnvironment):
 * {@code HTTPS_PROXY}, else {@code HTTP_PROXY}, but for hosts in {@code NO_PROXY} and never for this host itself. Each may be written small.
 * NO_PROXY may hold IPv4 networks too, as Go's later ones. Link-local addresses, where clouds have their metadata, mean something else to a
 * proxy than here, and are never asked through one.
 */
public final class HttpProxies extends ProxySelector {

    /** @param authorization of HTTP's Basic scheme, "" when the proxy wants none */
    private record HttpProxy(String host, int port, String authorization) {
    }

    private final Map<String, String> environment;
    private final Set<String> direct;

    public HttpProxies(Map<String, String> environment) {
        this(environment, Set.of());
    }

    /** @param direct further hosts that no proxy is asked for; addresses of IPv6 without brackets */
    public HttpProxies(Map<String, String> environment, Set<String> direct) {
        this.environment = environment;
        this.direct = direct;
    }

    private String either(String name) {
        String large = environment.getOrDefault(name, "");
        return large.isEmpty() ? environment.getOrDefault(name.toLowerCase(Locale.ROOT), "") : large;
    }

    /** @throws IllegalArgumentException with a sentence that holds no password when the proxy's URL can't be used */
    private HttpProxy proxyFor(URI uri) {
        String name = uri.getScheme().equals("https") && !either("HTTPS_PROXY").isBlank() ? "HTTPS_PROXY" : "HTTP_PROXY";
        String text = either(name).strip();
        if (text.isEmpty() || isException(uri.getHost().replaceAll("[\\[\\]]", "").toLowerCase(Locale.ROOT))) {
            return null;
        }
        try {
            URI proxy = new URI(text.startsWith("http://") || text.startsWith("https://") ? text : "http://" + text);
            if (proxy.getHost() != null) {
                String user = proxy.getUserInfo();
                int port = proxy.getPort() >= 0 ? proxy.getPort() : proxy.getScheme().equals("https") ? 443 : 80;
                return new HttpProxy(proxy.getHost(), port, user == null ? ""
                        : "Basic " + Base64.getEncoder().encodeToString(user.getBytes(StandardCharsets.UTF_8)));
            }
        } catch (URISyntaxException e) {
            // said below
        }
        throw new IllegalArgumentException("the proxy in the environment variable " + name + " or " + name.toLowerCase(Locale.ROOT)
                + " is not of the form http://host:port");
    }

    private boolean isException(String host) {
        String exceptions = either("NO_PROXY");
        if (host.equals("localhost") || isHereOnly(host) || direct.contains(host) || exceptions.strip().equals("*")) {
            return true;
        }
        for (String entry : exceptions.split(",")) {
            String name = entry.strip().toLowerCase(Locale.ROOT).replaceFirst(":[0-9]*$", "");
            String domain = name.startsWith(".") ? name.substring(1) : name;
            if (!domain.isEmpty() && (host.equals(domain) || host.endsWith("." + domain) || isWithin(host, domain))) {
                return true;
            }
        }
        return false;
    }

    private static boolean isHereOnly(String host) {
        try {
            InetAddress address = InetAddress.ofLiteral(host);
            return address.isLoopbackAddress() || address.isLinkLocalAddress();
        } catch (IllegalArgumentException e) {
            return false; // a name
        }
    }

    private static boolean isWithin(String host, String network) {
        try {
            return network.contains("/") && Ipv4Subnet.parse(network).contains(Ipv4.parse(host));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    @Override
    public List<Proxy> select(URI uri) {
        HttpProxy proxy = proxyFor(uri);
        return List.of(proxy == null ? Proxy.NO_PROXY
                : new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved(proxy.host(), proxy.port())));
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException e) {
        // the request fails, and says so
    }

    /** Value of the header Proxy-Authorization; "" when there is to be none. */
    public String authorization(URI uri) {
        HttpProxy proxy = proxyFor(uri);
        return proxy == null ? "" : proxy.authorization();
    }

    /** For messages: "host:port" of the proxy that a request goes through; "" when it goes directly. */
    public String name(URI uri) {
        HttpProxy proxy = proxyFor(uri);
        return proxy == null ? "" : proxy.host() + ":" + proxy.port();
    }
}
