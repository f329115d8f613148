package flannel.etcd;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.tls.Tls;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

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
 * @param passwordFile a file with it, in its place
 * @param environment of the process, in which {@code http_proxy}, {@code https_proxy} and {@code no_proxy} may stand
 */
public record EtcdOptions(List<String> endpoints, String prefix, String api, String cafile, String certfile, String keyfile,
        String username, String password, String passwordFile, Map<String, String> environment) {

    private static final int LONGEST_PASSWORD = 1 << 12;

    private static final String SETTING = " (FLANNEL_ETCD_ENDPOINTS in /etc/sysconfig/flanneld, or -etcd-endpoints)";

    /** Without a proxy. */
    public EtcdOptions(List<String> endpoints, String prefix, String api, String cafile, String certfile, String keyfile, String username,
            String password) {
        this(endpoints, prefix, api, cafile, certfile, keyfile, username, password, "", Map.of());
    }

    /**
     * That user's password; a file with it is read now, so that each connection goes by what it says by then.
     *
     * @throws IllegalArgumentException with a sentence when that can't be read
     */
    @Override
    public String password() {
        if (passwordFile.isEmpty()) {
            return password;
        }
        try {
            // an editor's end of the line is none of it
            return SmallFiles.read(SmallFiles.path("etcd-password-file", passwordFile), LONGEST_PASSWORD).replaceFirst("\\R\\z", "");
        } catch (FileException e) {
            throw new IllegalArgumentException("-etcd-password-file: " + e.getMessage(), e);
        }
    }

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
        if (!password.isEmpty() && !passwordFile.isEmpty()) {
            throw new IllegalArgumentException("-etcd-password (FLANNELD_ETCD_PASSWORD) and -etcd-password-file are given both: leave one out");
        }
        tls().check();
    }

    /**
     * The endpoints as base URLs without a trailing slash.
     *
     * @throws IllegalArgumentException with a sentence when there is none or one is no http or https URL
     */
    List<String> urls() {
        // asked of the whole list: a password may hold a comma
        String all = String.join(",", endpoints);
        if (all.contains("@")) {
            throw new IllegalArgumentException("an etcd endpoint must not hold a user or password" + SETTING
                    + ": use -etcd-username and -etcd-password-file");
        }
        List<String> members = new ArrayList<>();
        for (String member : all.split(",")) {
            if (!member.isBlank()) {
                members.add(member.strip());
            }
        }
        if (members.isEmpty()) {
            throw new IllegalArgumentException("no etcd endpoint is given" + SETTING);
        }
        // "https://a:2379,b:2379" is seen in the wild: the scheme was meant for all
        String scheme = members.getFirst().contains("://") ? members.getFirst().substring(0, members.getFirst().indexOf("://")) : "http";
        return members.stream().map(member -> url(member.contains("://") ? member : scheme + "://" + member)).toList();
    }

    Tls.Options tls() {
        return new Tls.Options("etcd", "etcd", cafile, certfile, keyfile);
    }

    /** The same for the network of that name. */
    public EtcdOptions of(String network) {
        return new EtcdOptions(endpoints, folder() + "/" + network, api, cafile, certfile, keyfile, username, password, passwordFile, environment);
    }

    /** The same with another endpoint as the first one: not all hosts of a cluster are to ask the same member. */
    EtcdOptions startingAnywhere(RandomGenerator random) {
        List<String> urls = new ArrayList<>(urls());
        Collections.rotate(urls, random.nextInt(urls.size()));
        return new EtcdOptions(urls, prefix, api, cafile, certfile, keyfile, username, password, passwordFile, environment);
    }

    /** The same with a network's own folder as the prefix. */
    public EtcdOptions below(String network) {
        return new EtcdOptions(endpoints, folder() + "/" + network, api, cafile, certfile, keyfile, username, password, passwordFile, environment);
    }

    private static String url(String text) {
        URI uri;
        URI checked;
        try {
            uri = new URI(text);
            // java.net.URI knows no host with an underscore
            checked = uri.getHost() == null ? new URI(text.replace('_', 'u')) : uri;
        } catch (URISyntaxException e) {
            throw notAnEndpoint(text);
        }
        String scheme = uri.getScheme();
        if (checked.getHost() == null || !"http".equalsIgnoreCase(scheme) && !"https".equalsIgnoreCase(scheme)
                || uri.getRawQuery() != null || uri.getRawFragment() != null || checked.getPort() == 0 || checked.getPort() > 65_535) {
            throw notAnEndpoint(text);
        }
        if (uri.getHost() == null && "https".equalsIgnoreCase(scheme)) {
            throw new IllegalArgumentException("the etcd endpoint \"" + text + "\" can't be used with TLS, for no certificate can be checked for"
                    + " a name with an underscore: give the member another name or its address" + SETTING);
        }
        String path = uri.getRawPath();
        while (path.endsWith("/")) {
            path = path.substring(0, path.length() - 1);
        }
        return scheme.toLowerCase() + "://" + uri.getRawAuthority() + path;
    }

    /** A query is not shown: it may hold a secret. */
    private static IllegalArgumentException notAnEndpoint(String text) {
        String shown = text.replaceFirst("(?s)[?#].*", "");
        return new IllegalArgumentException("\"" + shown + (shown.equals(text) ? "" : "?…")
                + "\" is not an etcd endpoint of the form http://host:port" + SETTING);
    }

    /** The prefix with one slash in front, none behind and no doubles; "" for the root. */
    public String folder() {
        StringBuilder path = new StringBuilder();
        for (String segment : prefix.strip().split("/")) {
            if (!segment.isEmpty()) {
                path.append('/').append(segment);
            }
        }
        return path.toString();
    }

    /** Without the password, and without endpoints, which may hold another. */
    @Override
    public String toString() {
        return "EtcdOptions[prefix=" + prefix + ", api=" + api + ", username=" + username + "]";
    }
}
