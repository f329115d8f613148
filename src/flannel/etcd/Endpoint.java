package flannel.etcd;

import flannel.net.HttpProxies;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;

/**
 * One member's URL, and the addresses that its name stands for. java.net.http tries a name's first address only, and no name with an
 * underscore in it; so the further ones are tried by themselves, over plain HTTP: with TLS the certificate would have to name the address.
 */
final class Endpoint {

    /** Asks for the addresses of a name; {@link InetAddress#getAllByName} outside tests. */
    interface Resolver {
        InetAddress[] resolve(String name) throws UnknownHostException;
    }

    private static final int MAX_ADDRESSES = 8;

    private final String url;
    private final Resolver resolver;
    private final String host;
    private final String port;
    private final String path;
    private volatile String reached;

    /** @param url as {@link EtcdOptions#urls()} gives it */
    Endpoint(String url, Resolver resolver) {
        this.url = url;
        this.resolver = resolver;
        URI uri = URI.create(url);
        String authority = uri.getRawAuthority();
        int colon = authority.indexOf(':', authority.lastIndexOf(']') + 1);
        this.host = colon < 0 ? authority : authority.substring(0, colon);
        this.port = colon < 0 ? "" : authority.substring(colon);
        this.path = uri.getRawPath();
    }

    String host() {
        return host;
    }

    boolean isTls() {
        return url.startsWith("https:");
    }

    /** For messages: the proxy that is between; "" when none is. */
    String proxy(HttpProxies proxies) {
        return proxies.name(URI.create(url.replace('_', '-'))); // java.net.URI has no host with an underscore
    }

    /** The URL to ask: with the address that answered last, if that was not the first. */
    String base() throws UnknownHostException {
        String last = reached;
        return last != null ? last : host.indexOf('_') < 0 ? url : at(resolver.resolve(host)[0]);
    }

    /** What else to ask when no connection could be made to {@code tried}, which is forgotten. */
    List<String> others(String tried) {
        reached = null;
        List<String> others = new ArrayList<>();
        if (isTls() || host.startsWith("[") || host.matches("[0-9.]+")) {
            return others;
        }
        try {
            InetAddress[] addresses = resolver.resolve(host);
            for (int i = tried.equals(url) ? 1 : 0; i < addresses.length && others.size() < MAX_ADDRESSES; i++) {
                String other = at(addresses[i]);
                if (!other.equals(tried)) {
                    others.add(other);
                }
            }
        } catch (UnknownHostException e) {
            // then there is no other
        }
        return others;
    }

    /** Remembers which address answers. */
    void reached(String base) {
        reached = base;
    }

    private String at(InetAddress address) {
        String literal = address.getHostAddress();
        return "http://" + (address instanceof Inet6Address ? "[" + literal + "]" : literal) + port + path;
    }

    /** The URL as the operator gave it. */
    @Override
    public String toString() {
        return url;
    }
}
