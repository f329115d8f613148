package flannel.net;

/**
 * An Ethernet address.
 *
 * @param bits the 48 bits, first octet on the wire in the highest byte
 */
public record MacAddress(long bits) {

    private static final long MASK = 0xFFFF_FFFF_FFFFL;

    public MacAddress {
        bits &= MASK;
    }

    /** Reads six pairs of hexadecimal digits separated by colons; throws {@link IllegalArgumentException} naming the text otherwise. */
    public static MacAddress parse(String text) {
        if (text.length() != 17) {
            throw notAMac(text);
        }
        long bits = 0;
        for (int i = 0; i < 17; i++) {
            char c = text.charAt(i);
            if (i % 3 == 2) {
                if (c != ':') {
                    throw notAMac(text);
                }
            } else {
                int digit = Character.digit(c, 16);
                if (digit < 0 || c > 'f') {
                    throw notAMac(text);
                }
                bits = bits << 4 | digit;
            }
        }
        return new MacAddress(bits);
    }

    private static IllegalArgumentException notAMac(String text) {
        return new IllegalArgumentException("\"" + text + "\" is not a MAC address of the form aa:bb:cc:dd:ee:ff");
    }

    /** True for an address that one device can have: not all zeros, and the lowest bit of the first octet is 0 (IEEE 802). */
    public boolean isUnicast() {
        return bits != 0 && (bits & 1L << 40) == 0;
    }

    /** The same address made unicast and locally administered (IEEE 802: low bits of the first octet 0 and 1). */
    public MacAddress asLocalUnicast() {
        return new MacAddress(bits & ~(1L << 40) | 1L << 41);
    }

    /** Octet {@code index} (0 to 5) in the order of the wire. */
    public byte octet(int index) {
        return (byte) (bits >>> 40 - 8 * index);
    }

    // see Ipv4
    @Override
    public boolean equals(Object other) {
        return other instanceof MacAddress mac && mac.bits == bits;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(bits);
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(17);
        for (int i = 0; i < 6; i++) {
            if (i > 0) {
                text.append(':');
            }
            int octet = octet(i) & 255;
            text.append(Character.forDigit(octet >> 4, 16)).append(Character.forDigit(octet & 15, 16));
        }
        return text.toString();
    }
}
