package flannel.net;

/**
 * An IPv4 prefix. Always holds the network address: host bits given to the constructor are masked off.
 *
 * @param base         first address
 * @param prefixLength 0 to 32
 */
public record Ipv4Subnet(Ipv4 base, int prefixLength) implements Comparable<Ipv4Subnet> {

    public Ipv4Subnet {
        if (prefixLength < 0 || prefixLength > 32) {
            throw new IllegalArgumentException("prefix length " + prefixLength + " is not between 0 and 32");
        }
        base = new Ipv4(base.bits() & mask(prefixLength));
    }

    /** Reads {@code a.b.c.d/len}; throws {@link IllegalArgumentException} naming the text when it is anything else. */
    public static Ipv4Subnet parse(String cidr) {
        return parse(cidr, '/');
    }

    /** Reads the form of lease keys, {@code a.b.c.d-len}; throws {@link IllegalArgumentException} when it is anything else. */
    public static Ipv4Subnet parseKey(String key) {
        return parse(key, '-');
    }

    private static Ipv4Subnet parse(String text, char separator) {
        int at = text.indexOf(separator);
        int length = at < 0 ? -1 : length(text, at + 1);
        if (length < 0 || length > 32) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is not an IPv4 subnet of the form a.b.c.d" + separator + "len");
        }
        return new Ipv4Subnet(Ipv4.parse(text.substring(0, at)), length);
    }

    /** The number of one or two digits that the text ends with; -1 when there is something else. */
    private static int length(String text, int from) {
        int length = from == text.length() || text.length() - from > 2 ? -1 : 0;
        for (int i = from; i < text.length() && length >= 0; i++) {
            char c = text.charAt(i);
            length = c >= '0' && c <= '9' ? 10 * length + c - '0' : -1;
        }
        return length;
    }

    private static int mask(int prefixLength) {
        return prefixLength == 0 ? 0 : -1 << 32 - prefixLength;
    }

    /** Network mask as a number, 0xFFFFFF00 for a /24. */
    public int mask() {
        return mask(prefixLength);
    }

    /** Number of addresses, up to 2^32. */
    public long size() {
        return 1L << 32 - prefixLength;
    }

    /** Last address of the subnet (its broadcast address). */
    public Ipv4 last() {
        return new Ipv4(base.bits() | ~mask());
    }

    public boolean contains(Ipv4 address) {
        return (address.bits() & mask()) == base.bits();
    }

    public boolean contains(Ipv4Subnet other) {
        return other.prefixLength >= prefixLength && contains(other.base);
    }

    public boolean overlaps(Ipv4Subnet other) {
        return contains(other.base) || other.contains(base);
    }

    /** The form used in lease keys: {@code 10.1.83.0-24}. */
    public String toKey() {
        return base + "-" + prefixLength;
    }

    // see Ipv4
    @Override
    public boolean equals(Object other) {
        return other instanceof Ipv4Subnet subnet && subnet.base.equals(base) && subnet.prefixLength == prefixLength;
    }

    @Override
    public int hashCode() {
        return 31 * (base.bits() >>> -prefixLength) + prefixLength; // the bits that differ
    }

    @Override
    public int compareTo(Ipv4Subnet other) {
        int byBase = base.compareTo(other.base);
        return byBase != 0 ? byBase : Integer.compare(prefixLength, other.prefixLength);
    }

    @Override
    public String toString() {
        return base + "/" + prefixLength;
    }
}
