package flannel.backend.udp;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The Internet checksum (RFC 1071), in the byte order that it does not depend on: words are summed as little-endian numbers and the
 * result is stored as one, which comes to the same bytes. Partial sums are 64 bits wide and folded once at the end.
 */
final class Checksum {

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Checksum() {
    }

    /**
     * Adds bytes to a partial sum. The loop is kept this plain on purpose: so the JIT turns it into vector instructions, and checks the
     * bounds once. Unrolling by hand makes it four times slower.
     */
    static long add(long sum, MemorySegment memory, long offset, long length) {
        long low = 0;
        long high = 0;
        long words = length & ~7L;
        for (long i = 0; i < words; i += 8) {
            long word = memory.get(LONG, offset + i);
            low += word & 0xffff_ffffL;
            high += word >>> 32;
        }
        return sum + low + high + tail(memory, offset + words, (int) length & 7);
    }

    /** The up to seven bytes that are left; an odd last one counts as if a zero followed it. */
    private static long tail(MemorySegment memory, long offset, int length) {
        long sum = 0;
        long at = offset;
        if ((length & 4) != 0) {
            sum += memory.get(INT, at) & 0xffff_ffffL;
            at += 4;
        }
        if ((length & 2) != 0) {
            sum += memory.get(SHORT, at) & 0xffff;
            at += 2;
        }
        if ((length & 1) != 0) {
            sum += memory.get(ValueLayout.JAVA_BYTE, at) & 0xff;
        }
        return sum;
    }

    /** The partial sum of a 16-bit field; of {@code value} only the lower 16 bits count. */
    static long ofU16(int value) {
        return Short.reverseBytes((short) value) & 0xffff;
    }

    /** The partial sum of a 32-bit field. */
    static long ofI32(int value) {
        return Integer.reverseBytes(value) & 0xffff_ffffL;
    }

    /** The partial sum of an IPv4 header without options. */
    static long ofIpv4(MemorySegment memory, long packet) {
        long first = memory.get(LONG, packet);
        long second = memory.get(LONG, packet + 8);
        return (first & 0xffff_ffffL) + (first >>> 32) + (second & 0xffff_ffffL) + (second >>> 32)
                + (memory.get(INT, packet + Ipv4Header.DESTINATION) & 0xffff_ffffL);
    }

    /** The partial sum of the pseudo-header of TCP and UDP (RFC 9293, 3.1) for the IPv4 packet at {@code packet}. */
    static long pseudoHeader(MemorySegment memory, long packet, int protocol, int transportLength) {
        return (memory.get(INT, packet + Ipv4Header.SOURCE) & 0xffff_ffffL) + (memory.get(INT, packet + Ipv4Header.DESTINATION) & 0xffff_ffffL)
                + ofU16(protocol) + ofU16(transportLength);
    }

    /** A partial sum as 16 bits. */
    static int fold(long sum) {
        long folded = (sum & 0xffff_ffffL) + (sum >>> 32);
        folded = (folded & 0xffff_ffffL) + (folded >>> 32);
        folded = (folded & 0xffff) + (folded >>> 16);
        folded = (folded & 0xffff) + (folded >>> 16);
        return (int) folded;
    }

    /** What belongs in the checksum field (see {@link #store}) for a partial sum over everything else. */
    static int finish(long sum) {
        return ~fold(sum) & 0xffff;
    }

    /** The checksum field at {@code offset}, in the same order as {@link #finish}. */
    static int load(MemorySegment memory, long offset) {
        return memory.get(SHORT, offset) & 0xffff;
    }

    static void store(MemorySegment memory, long offset, int checksum) {
        memory.set(SHORT, offset, (short) checksum);
    }

    /** Writes the checksum of the IPv4 header without options at {@code packet}. */
    static void fillIpv4(MemorySegment memory, long packet) {
        store(memory, packet + Ipv4Header.CHECKSUM, 0);
        store(memory, packet + Ipv4Header.CHECKSUM, finish(ofIpv4(memory, packet)));
    }
}
