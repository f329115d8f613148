package flannel.net;

/**
 * An IPv4 address.
 *
 * @param bits the address as a 32-bit number, first octet in the high byte (host order); compare it unsigned
 */
public record Ipv4(int bits) implements Comparable<Ipv4> {

    /**
     * Reads dotted decimal, exactly four octets of 0 to 255.
     *
     * @throws IllegalArgumentException naming the text when it is anything else
     */
    public static Ipv4 parse(String text) {
        int bits = 0;
        int octets = 0;
        int at = 0;
        while (at <= text.length()) {
            int dot = text.indexOf('.', at);
            int end = dot < 0 ? text.length() : dot;
            bits = bits << 8 | octet(text, at, end);
            octets++;
            at = end + 1;
        }
        if (octets != 4) {
            throw notAnAddress(text);
        }
        return new Ipv4(bits);
    }

    private static int octet(String text, int from, int to) {
        if (to <= from || to - from > 3) {
            throw notAnAddress(text);
        }
        int value = 0;
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') {
                throw notAnAddress(text);
            }
            value = value * 10 + (c - '0');
        }
        if (value > 255) {
            throw notAnAddress(text);
        }
        return value;
    }

    private static IllegalArgumentException notAnAddress(String text) {
        return new IllegalArgumentException("\"" + text + "\" is not an IPv4 address");
    }

    /** The address {@code count} further on; wraps around at 255.255.255.255. */
    public Ipv4 plus(int count) {
        return new Ipv4(bits + count);
    }

    /** True for 224.0.0.0/4. */
    public boolean isMulticast() {
        return bits >>> 28 == 0xE;
    }

    /** True for 169.254.0.0/16 (RFC 3927). */
    public boolean isLinkLocal() {
        return bits >>> 16 == 0xA9FE;
    }

    /** True for 127.0.0.0/8. */
    public boolean isLoopback() {
        return bits >>> 24 == 127;
    }

    /** True for an address that one host on its own link or beyond can have: not of 0.0.0.0/8, 127.0.0.0/8, 224.0.0.0/4 or 240.0.0.0/4 (RFC 6890). */
    public boolean isUnicast() {
        return bits >>> 24 != 0 && !isLoopback() && bits >>> 28 < 0xE;
    }

    /** True for an address a host can be reached at from other networks' point of view: not 0.0.0.0, broadcast, loopback, link-local or multicast. */
    public boolean isGlobalUnicast() {
        return bits != 0 && bits != -1 && !isLoopback() && !isLinkLocal() && !isMulticast();
    }

    // a record's own are made at run time, of method handles: milliseconds of every start, and slow until they are compiled
    @Override
    public boolean equals(Object other) {
        return other instanceof Ipv4 address && address.bits == bits;
    }

    @Override
    public int hashCode() {
        return bits;
    }

    @Override
    public int compareTo(Ipv4 other) {
        return Integer.compareUnsigned(bits, other.bits);
    }

    @Override
    public String toString() {
        return (bits >>> 24) + "." + (bits >>> 16 & 255) + "." + (bits >>> 8 & 255) + "." + (bits & 255);
    }
}
