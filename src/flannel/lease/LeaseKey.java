package flannel.lease;

import flannel.net.Ipv4Subnet;
import java.util.Optional;

/**
 * A lease's name in its store: {@code 10.1.83.0-24}; what newer Go flannels name {@code 10.1.83.0-24&fd00:10:1:83::-64} is another one.
 *
 * @param name as it stands in the store
 */
public record LeaseKey(String name) {

    /** The name of a lease of this one subnet. */
    public static LeaseKey of(Ipv4Subnet subnet) {
        return new LeaseKey(subnet.toKey());
    }

    /** The IPv4 subnet that the name claims, whatever else it says; empty when it claims none. */
    public Optional<Ipv4Subnet> subnet() {
        int end = name.indexOf('&');
        try {
            return Optional.of(Ipv4Subnet.parseKey(end < 0 ? name : name.substring(0, end)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** True for a name that this daemon would give: of one IPv4 subnet and nothing else. */
    public boolean isPlain() {
        return subnet().filter(subnet -> subnet.toKey().equals(name)).isPresent();
    }

    // see Ipv4
    @Override
    public boolean equals(Object other) {
        return other instanceof LeaseKey key && key.name.equals(name);
    }

    @Override
    public int hashCode() {
        return name.hashCode();
    }

    @Override
    public String toString() {
        return name;
    }
}
