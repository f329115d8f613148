package flannel.status;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.status.NetworkStatus.Peer;
import java.util.Optional;

/** Chooses peers by an address: of the host, of a container of its, or a range that its subnet overlaps. */
public final class PeerFilter {

    /** Chooses all. */
    public static final PeerFilter ALL = new PeerFilter("", null);

    private final String text;
    private final Ipv4Subnet range;

    private PeerFilter(String text, Ipv4Subnet range) {
        this.text = text;
        this.range = range;
    }

    /** @throws IllegalArgumentException with a sentence when it is neither an address nor a range */
    public static PeerFilter parse(String text) {
        try {
            return new PeerFilter(text, text.indexOf('/') < 0 ? new Ipv4Subnet(Ipv4.parse(text), 32) : Ipv4Subnet.parse(text));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("\"" + text + "\" is no address of a host or a container, as 192.168.32.212, and no subnet,"
                    + " as 10.1.12.0/24");
        }
    }

    boolean isAll() {
        return range == null;
    }

    boolean chooses(Peer peer) {
        return isAll() || address(peer.host()).filter(range::contains).isPresent() || subnet(peer.subnet()).filter(range::overlaps).isPresent();
    }

    private static Optional<Ipv4> address(String text) {
        try {
            return Optional.of(Ipv4.parse(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static Optional<Ipv4Subnet> subnet(String text) {
        try {
            return Optional.of(Ipv4Subnet.parse(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // the name of an entry that names no subnet
        }
    }

    @Override
    public String toString() {
        return text;
    }
}
