package flannel.backend.udp;

import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/**
 * struct virtio_net_hdr (include/uapi/linux/virtio_net.h), which precedes each packet of a TUN device opened with IFF_VNET_HDR.
 * It says what the kernel has left undone in a packet that we read, and what it is to do with one that we write. Native byte order:
 *
 * <pre>{ u8 flags; u8 gso_type; u16 hdr_len; u16 gso_size; u16 csum_start; u16 csum_offset; }</pre>
 */
final class VirtioHeader {

    static final int SIZE = 10;

    /** The checksum at csum_start + csum_offset holds the pseudo-header's sum only: the rest from csum_start on is to be added. */
    static final int NEEDS_CHECKSUM = 1;

    static final int GSO_NONE = 0;
    static final int GSO_TCPV4 = 1;
    static final int GSO_UDP_L4 = 5;

    /** May be set beside GSO_TCPV4: the packet carries CWR. */
    static final int GSO_ECN = 0x80;

    private VirtioHeader() {
    }

    static boolean needsChecksum(MemorySegment memory, long header) {
        return (Ipv4Header.u8(memory, header) & NEEDS_CHECKSUM) != 0;
    }

    static int gsoType(MemorySegment memory, long header) {
        return Ipv4Header.u8(memory, header + 1) & ~GSO_ECN;
    }

    /** Payload bytes a segment. */
    static int gsoSize(MemorySegment memory, long header) {
        return memory.get(JAVA_SHORT_UNALIGNED, header + 4) & 0xffff;
    }

    static int checksumStart(MemorySegment memory, long header) {
        return memory.get(JAVA_SHORT_UNALIGNED, header + 6) & 0xffff;
    }

    static int checksumOffset(MemorySegment memory, long header) {
        return memory.get(JAVA_SHORT_UNALIGNED, header + 8) & 0xffff;
    }

    /** Fills the header of a merged packet. */
    static void set(MemorySegment memory, long header, int gsoType, int headerLength, int gsoSize, int checksumStart, int checksumOffset) {
        Ipv4Header.putU8(memory, header, NEEDS_CHECKSUM);
        Ipv4Header.putU8(memory, header + 1, gsoType);
        memory.set(JAVA_SHORT_UNALIGNED, header + 2, (short) headerLength);
        memory.set(JAVA_SHORT_UNALIGNED, header + 4, (short) gsoSize);
        memory.set(JAVA_SHORT_UNALIGNED, header + 6, (short) checksumStart);
        memory.set(JAVA_SHORT_UNALIGNED, header + 8, (short) checksumOffset);
    }
}
