package flannel.server;

import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.log.Printable;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * The names that a request may know this host by: an IP address, localhost, or the host's own name. A page of elsewhere can have its own name lead to
 * this host (DNS rebinding), and would then be shown by a browser what is for this host's people; the name is what it can't hide.
 *
 * <p>Own are the kernel's host name (uname(2)) and its first label, alone and in the domains of resolv.conf(5). No name server is asked.
 */
final class OwnNames {

    private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");
    private static final Path RESOLVER = Path.of("/etc/resolv.conf");
    private static final int LIMIT_BYTES = 16 << 10;
    private static final int LONGEST_SHOWN = 80;

    private OwnNames() {
    }

    /** @param host the header Host; empty for a client that sends none, which is no browser */
    static boolean include(String host) {
        String name = name(host);
        return isAnyHosts(name) || isThisHosts(name, read(HOST_NAME), read(RESOLVER));
    }

    static boolean include(String host, String hostName, String resolver) {
        String name = name(host);
        return isAnyHosts(name) || isThisHosts(name, hostName, resolver);
    }

    /** Without the port. */
    private static String name(String host) {
        int end = host.length();
        while (end > 0 && host.charAt(end - 1) >= '0' && host.charAt(end - 1) <= '9') {
            end--;
        }
        return (end > 0 && host.charAt(end - 1) == ':' ? host.substring(0, end - 1) : host).toLowerCase(Locale.ROOT);
    }

    private static boolean isAnyHosts(String name) {
        return name.isEmpty() || name.equals("localhost") || isAddress(name);
    }

    private static boolean isThisHosts(String name, String hostName, String resolver) {
        String whole = hostName.strip().toLowerCase(Locale.ROOT);
        String label = whole.replaceFirst("\\..*", "");
        return !label.isEmpty() && (name.equals(whole) || name.equals(label) || resolver.lines().map(String::strip)
                .filter(line -> line.startsWith("search") || line.startsWith("domain")).flatMap(line -> Stream.of(line.split("\\s+")).skip(1))
                .anyMatch(domain -> name.equals(label + "." + domain.toLowerCase(Locale.ROOT))));
    }

    /** One sentence for who is answered nothing else. */
    static String refusal(String host) {
        return "this host is not known by the name \"" + Printable.line(host, LONGEST_SHOWN) + "\" here: ask by its IP address, or its own name\n";
    }

    private static boolean isAddress(String name) {
        try {
            InetAddress.ofLiteral(name.startsWith("[") && name.endsWith("]") ? name.substring(1, name.length() - 1) : name);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static String read(Path file) {
        try {
            return SmallFiles.find(file, LIMIT_BYTES).orElse("");
        } catch (FileException e) {
            return "";
        }
    }
}
