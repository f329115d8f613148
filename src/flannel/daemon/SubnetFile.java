package flannel.daemon;

import flannel.net.Ipv4Subnet;
import java.util.Optional;

/**
 * What the network is, for Docker's start: the file {@code subnet.env}.
 *
 * @param network    the overlay's whole range
 * @param subnet     this host's part of it
 * @param mtu        for containers, in bytes
 * @param masquerade whether this daemon masquerades what leaves the overlay (then Docker must not)
 */
record SubnetFile(Ipv4Subnet network, Ipv4Subnet subnet, int mtu, boolean masquerade) {

    /** The gateway of the host's containers, as Docker wants it: the subnet's first address with its prefix length. */
    String bridgeAddress() {
        return subnet.base().plus(1) + "/" + subnet.prefixLength();
    }

    /** The four lines, byte for byte those of the Go daemon. */
    String text() {
        return "FLANNEL_NETWORK=" + network + "\n"
                + "FLANNEL_SUBNET=" + bridgeAddress() + "\n"
                + "FLANNEL_MTU=" + mtu + "\n"
                + "FLANNEL_IPMASQ=" + masquerade + "\n";
    }

    /**
     * Docker's options, byte for byte what {@code mk-docker-opts.sh -k DOCKER_NETWORK_OPTIONS} makes of these lines.
     *
     * @param earlier options that DOCKER_NETWORK_OPTIONS held before; kept in front
     */
    String dockerOptions(String earlier) {
        String bip = "--bip=" + bridgeAddress();
        String masq = "--ip-masq=" + !masquerade;
        String size = "--mtu=" + mtu;
        return "DOCKER_OPT_BIP=\"" + bip + "\"\n"
                + "DOCKER_OPT_IPMASQ=\"" + masq + "\"\n"
                + "DOCKER_OPT_MTU=\"" + size + "\"\n"
                + "DOCKER_NETWORK_OPTIONS=\"" + (earlier.isEmpty() ? "" : earlier + " ") + " " + bip + " " + masq + " " + size + "\"\n";
    }

    /** The subnet that a text of this form names; empty when it names none. */
    static Optional<Ipv4Subnet> subnetOf(String text) {
        return find("FLANNEL_SUBNET=", text);
    }

    /** The whole range that such a text names; empty when it names none. */
    static Optional<Ipv4Subnet> networkOf(String text) {
        return find("FLANNEL_NETWORK=", text);
    }

    private static Optional<Ipv4Subnet> find(String variable, String text) {
        try {
            return text.lines()
                    .filter(line -> line.startsWith(variable))
                    .map(line -> Ipv4Subnet.parse(line.substring(variable.length()).replace("\"", "").strip()))
                    .findFirst();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
