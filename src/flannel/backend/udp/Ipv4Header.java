package flannel.backend.udp;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Fields of an IPv4 header (RFC 791) and of what follows it, read in place. Numbers are unsigned but for addresses. */
final class Ipv4Header {

    static final int SIZE = 20;

    /** Offsets of fields, in bytes. */
    static final int TOS = 1;
    static final int TOTAL_LENGTH = 2;
    static final int ID = 4;
    static final int FRAGMENT = 6;
    static final int TTL = 8;
    static final int PROTOCOL = 9;
    static final int CHECKSUM = 10;
    static final int SOURCE = 12;
    static final int DESTINATION = 16;

    /** Bits of the word at {@link #FRAGMENT}. */
    static final int DONT_FRAGMENT = 0x4000;
    static final int MORE_FRAGMENTS = 0x2000;
    static final int FRAGMENT_OFFSET = 0x1fff;

    static final int ICMP = 1;
    static final int TCP = 6;
    static final int UDP = 17;

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private Ipv4Header() {
    }

    /**
     * The packet's own length when what lies at {@code packet} is an IPv4 packet whose header is sound in itself.
     *
     * @param available bytes there are; the packet may be shorter, never longer
     * @return 0 when it is not a sound IPv4 packet
     */
    static int soundLength(MemorySegment memory, long packet, int available) {
        if (available < SIZE || u8(memory, packet) >>> 4 != 4) {
            return 0;
        }
        int headerLength = headerLength(memory, packet);
        int length = u16(memory, packet + TOTAL_LENGTH);
        return headerLength < SIZE || length < headerLength || length > available ? 0 : length;
    }

    static int headerLength(MemorySegment memory, long packet) {
        return (u8(memory, packet) & 15) * 4;
    }

    static int source(MemorySegment memory, long packet) {
        return i32(memory, packet + SOURCE);
    }

    static int destination(MemorySegment memory, long packet) {
        return i32(memory, packet + DESTINATION);
    }

    static int u8(MemorySegment memory, long offset) {
        return memory.get(ValueLayout.JAVA_BYTE, offset) & 0xff;
    }

    static int u16(MemorySegment memory, long offset) {
        return memory.get(SHORT, offset) & 0xffff;
    }

    static int i32(MemorySegment memory, long offset) {
        return memory.get(INT, offset);
    }

    static void putU8(MemorySegment memory, long offset, int value) {
        memory.set(ValueLayout.JAVA_BYTE, offset, (byte) value);
    }

    static void putU16(MemorySegment memory, long offset, int value) {
        memory.set(SHORT, offset, (short) value);
    }

    static void putI32(MemorySegment memory, long offset, int value) {
        memory.set(INT, offset, value);
    }
}
