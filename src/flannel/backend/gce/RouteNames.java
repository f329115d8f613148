package flannel.backend.gce;

import flannel.net.Ipv4Subnet;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * How flannel names its routes: {@code flannel-10-40-5-0-24}. A name is unique in a project, which may have several networks with the same
 * subnets, and a route can only be changed by putting another beside it; so each network has two further names of its own, with the first
 * digits of a hash of its path: {@code flannel-10-40-5-0-24-1f3870be} and {@code ...-1f3870be-2}.
 */
final class RouteNames {

    private static final int HASH_BYTES = 4;

    private final String hash;

    /** @param network its path, {@code projects/P/global/networks/N} */
    RouteNames(String network) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(network.getBytes(StandardCharsets.UTF_8));
            hash = HexFormat.of().formatHex(digest, 0, HASH_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** The names for a destination, in the order in which they are used. The first is the original's. */
    List<String> of(Ipv4Subnet destination) {
        String first = "flannel-" + destination.base().toString().replace('.', '-') + "-" + destination.prefixLength();
        String own = first + "-" + hash;
        return List.of(first, own, own + "-2");
    }
}
