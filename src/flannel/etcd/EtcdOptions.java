package flannel.etcd;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;

/**
 * Where the store is and how to be let in, as the operator wrote it. Empty text means that an option was not given.
 *
 * @param endpoints base URLs; an element may itself be a list separated by commas
 * @param prefix    folder of the network's keys
 * @param api       "auto", "v2" or "v3"
 * @param cafile    PEM file of the authorities that signed the servers' certificates
 * @param certfile  PEM file of the client's certificate and its chain
 * @param keyfile   PEM file of the client's private key
 * @param username  user of etcd's own authentication
 * @param password  that user's password
 */
public record EtcdOptions(List<String> endpoints, String prefix, String api, String cafile, String certfile, String keyfile,
        String username, String password) {

    /**
     * Checks what is wrong whatever files and servers there are.
     *
     * @throws IllegalArgumentException with a sentence that names the option
     */
    public void check() {
        urls();
        if (!List.of("auto", "v2", "v3").contains(api)) {
            throw new IllegalArgumentException("-etcd-api=" + api + " is not auto, v2 or v3");
        }
        if (certfile.isEmpty() != keyfile.isEmpty()) {
            throw new IllegalArgumentException("-etcd-certfile and -etcd-keyfile are needed both");
        }
    }

    /**
     * The endpoints as base URLs without a trailing slash.
     *
     * @throws IllegalArgumentException with a sentence when there is none or one is no http or https URL
     */
    List<String> urls() {
        List<String> members = new ArrayList<>();
        for (String element : endpoints) {
            for (String member : element.split(",")) {
                if (!member.isBlank()) {
                    members.add(member.strip());
                }
            }
        }
        if (members.isEmpty()) {
            throw new IllegalArgumentException("no etcd endpoint is given");
        }
        // "https://a:2379,b:2379" is seen in the wild: the scheme was meant for all
        String scheme = members.getFirst().contains("://") ? members.getFirst().substring(0, members.getFirst().indexOf("://")) : "http";
        return members.stream().map(member -> url(member.contains("://") ? member : scheme + "://" + member)).toList();
    }

    private static String url(String text) {
        URI uri;
        try {
            uri = new URI(text);
        } catch (URISyntaxException e) {
            throw notAnEndpoint(text);
        }
        if (uri.getRawUserInfo() != null) {
            throw new IllegalArgumentException("an etcd endpoint must not hold a user or password: use -etcd-username and -etcd-password");
        }
        String scheme = uri.getScheme();
        if (uri.getHost() == null || !"http".equalsIgnoreCase(scheme) && !"https".equalsIgnoreCase(scheme)
                || uri.getRawQuery() != null || uri.getRawFragment() != null) {
            throw notAnEndpoint(text);
        }
        String path = uri.getRawPath();
        while (path.endsWith("/")) {
            path = path.substring(0, path.length() - 1);
        }
        return scheme.toLowerCase() + "://" + uri.getRawAuthority() + path;
    }

    private static IllegalArgumentException notAnEndpoint(String text) {
        // what stands before an @ may be a password
        return new IllegalArgumentException("\"" + (text.contains("@") ? "…@" + text.substring(text.lastIndexOf('@') + 1) : text)
                + "\" is not an etcd endpoint of the form http://host:port");
    }

    /** The prefix with one slash in front, none behind and no doubles; "" for the root. */
    String folder() {
        StringBuilder path = new StringBuilder();
        for (String segment : prefix.strip().split("/")) {
            if (!segment.isEmpty()) {
                path.append('/').append(segment);
            }
        }
        return path.toString();
    }

    /** Without the password. */
    @Override
    public String toString() {
        return "EtcdOptions[endpoints=" + endpoints + ", prefix=" + prefix + ", api=" + api + ", username=" + username + "]";
    }
}
