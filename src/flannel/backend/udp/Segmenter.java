package flannel.backend.udp;

import static flannel.backend.udp.Ipv4Header.i32;
import static flannel.backend.udp.Ipv4Header.putI32;
import static flannel.backend.udp.Ipv4Header.putU16;
import static flannel.backend.udp.Ipv4Header.putU8;
import static flannel.backend.udp.Ipv4Header.u16;
import static flannel.backend.udp.Ipv4Header.u8;

import java.lang.foreign.MemorySegment;

/**
 * Finishes the packets that the kernel hands over half done: cuts TCP and UDP super-packets into packets of the size it asks for, and
 * fills in checksums, just as the kernel's own segmentation would (net/ipv4/af_inet.c inet_gso_segment, tcp_offload.c, udp_offload.c).
 * Works on memory only.
 */
final class Segmenter {

    /** Why {@link #split} added nothing: the headers contradict each other. */
    static final int MALFORMED = 0;

    /** Why {@link #split} added nothing: more segments than any kernel asks for by itself. */
    static final int TOO_MANY_SEGMENTS = -1;

    /**
     * What the largest packet comes to in segments of 48 bytes: no TCP of Linux sends smaller ones (TCP_MIN_SND_MSS, include/net/tcp.h),
     * but for its options, and those go with a peer that takes no more than that.
     */
    static final int MOST_TCP_SEGMENTS = 65535 / 48;

    /** UDP_MAX_SEGMENTS (include/linux/udp.h) since Linux 6.9; 64 before. */
    static final int MOST_UDP_SEGMENTS = 128;

    private Segmenter() {
    }

    /**
     * Adds a packet from the TUN device to the batch, in as many datagrams as it takes. All but the payload is taken from the packet's own
     * headers, which the kernel has built; the virtio header's lengths are checked against them. A super-packet's headers are used up.
     * The segment size is not the kernel's own: whoever has CAP_NET_RAW in a container chooses it at will (packet(7), PACKET_VNET_HDR).
     *
     * @param virtio where the packet's virtio header is
     * @param packet where the packet is: {@link Ipv4Header#soundLength} has passed it, with {@code length}
     * @return datagrams added; {@link #MALFORMED} or {@link #TOO_MANY_SEGMENTS} when there are none for that reason
     */
    static int split(MemorySegment memory, long virtio, long packet, int length, int toHost, SendBatch batch) {
        return switch (VirtioHeader.gsoType(memory, virtio)) {
            case VirtioHeader.GSO_NONE -> single(memory, virtio, packet, length, toHost, batch);
            case VirtioHeader.GSO_TCPV4 -> tcp(memory, virtio, packet, length, toHost, batch);
            case VirtioHeader.GSO_UDP_L4 -> udp(memory, virtio, packet, length, toHost, batch);
            default -> MALFORMED;
        };
    }

    /** Size of the largest packet that {@link #split} makes of a packet. */
    static int largestSegment(MemorySegment memory, long virtio, long packet, int length) {
        int headerLength = Ipv4Header.headerLength(memory, packet);
        int gsoSize = VirtioHeader.gsoSize(memory, virtio);
        return switch (VirtioHeader.gsoType(memory, virtio)) {
            case VirtioHeader.GSO_TCPV4 -> length < headerLength + Transport.TCP_SIZE ? length
                    : Math.min(length, headerLength + tcpHeaderLength(memory, packet + headerLength) + gsoSize);
            case VirtioHeader.GSO_UDP_L4 -> Math.min(length, headerLength + Transport.UDP_SIZE + gsoSize);
            default -> length;
        };
    }

    /**
     * Drops the first segment of a TCP super-packet: what is left, headers first, begins so many bytes later. Its TCP hears of the loss from
     * the segments that follow, and sends one again and not them all.
     *
     * @return 0, and nothing is changed, when there is no segment behind the first one
     */
    static int dropFirst(MemorySegment memory, long virtio, long packet, int length) {
        int gsoSize = VirtioHeader.gsoSize(memory, virtio);
        long tcp = packet + Ipv4Header.headerLength(memory, packet);
        if (VirtioHeader.gsoType(memory, virtio) != VirtioHeader.GSO_TCPV4 || tcp + Transport.TCP_SIZE > packet + length) {
            return 0;
        }
        long payload = tcp + tcpHeaderLength(memory, tcp);
        if (gsoSize == 0 || payload + gsoSize >= packet + length) {
            return 0;
        }
        putU16(memory, packet + Ipv4Header.TOTAL_LENGTH, length - gsoSize);
        putU16(memory, packet + Ipv4Header.ID, u16(memory, packet + Ipv4Header.ID) + 1);
        putI32(memory, tcp + Transport.TCP_SEQUENCE, i32(memory, tcp + Transport.TCP_SEQUENCE) + gsoSize);
        putU8(memory, tcp + Transport.TCP_FLAGS, u8(memory, tcp + Transport.TCP_FLAGS) & ~Transport.CWR);
        MemorySegment.copy(memory, virtio, memory, virtio + gsoSize, payload - virtio);
        return gsoSize;
    }

    private static int single(MemorySegment memory, long virtio, long packet, int length, int toHost, SendBatch batch) {
        if (VirtioHeader.needsChecksum(memory, virtio)) {
            int start = VirtioHeader.checksumStart(memory, virtio);
            int field = start + VirtioHeader.checksumOffset(memory, virtio);
            if (start < Ipv4Header.SIZE || field + 2 > length) {
                return MALFORMED;
            }
            // The field holds the pseudo-header's sum already, so it is summed with the rest.
            int checksum = Checksum.finish(Checksum.add(0, memory, packet + start, length - start));
            boolean udp = u8(memory, packet + Ipv4Header.PROTOCOL) == Ipv4Header.UDP;
            Checksum.store(memory, packet + field, udp ? notZero(checksum) : checksum);
        }
        batch.add(toHost, memory, packet, length);
        return 1;
    }

    private static int tcp(MemorySegment memory, long virtio, long packet, int length, int toHost, SendBatch batch) {
        int ipLength = Ipv4Header.headerLength(memory, packet);
        long tcp = packet + ipLength;
        if (u8(memory, packet + Ipv4Header.PROTOCOL) != Ipv4Header.TCP || length < ipLength + Transport.TCP_SIZE) {
            return MALFORMED;
        }
        int headerLength = ipLength + tcpHeaderLength(memory, tcp);
        int gsoSize = VirtioHeader.gsoSize(memory, virtio);
        if (headerLength < ipLength + Transport.TCP_SIZE || headerLength >= length || gsoSize == 0) {
            return MALFORMED;
        }
        if (length - headerLength > MOST_TCP_SEGMENTS * gsoSize) {
            return TOO_MANY_SEGMENTS;
        }
        int id = u16(memory, packet + Ipv4Header.ID);
        int sequence = i32(memory, tcp + Transport.TCP_SEQUENCE);
        int flags = u8(memory, tcp + Transport.TCP_FLAGS);
        putI32(memory, tcp + Transport.TCP_SEQUENCE, 0);
        putU8(memory, tcp + Transport.TCP_FLAGS, 0);
        long ipSum = sumOfIpv4Template(memory, packet, ipLength);
        long tcpSum = sumOfTransportTemplate(memory, packet, ipLength, headerLength, Transport.TCP_CHECKSUM);
        int segments = 0;
        for (int at = headerLength; at < length; at += gsoSize) {
            int payload = Math.min(gsoSize, length - at);
            boolean last = at + payload == length;
            int segmentSequence = sequence + (at - headerLength);
            int segmentFlags = flags & (last ? -1 : ~(Transport.FIN | Transport.PSH)) & (segments == 0 ? -1 : ~Transport.CWR);
            long header = batch.nextHeader();
            MemorySegment headers = batch.headers();
            MemorySegment.copy(memory, packet, headers, header, headerLength);
            fillIpv4(headers, header, ipSum, headerLength + payload, id + segments);
            long to = header + ipLength;
            putI32(headers, to + Transport.TCP_SEQUENCE, segmentSequence);
            putU8(headers, to + Transport.TCP_FLAGS, segmentFlags);
            long sum = tcpSum + Checksum.ofU16(headerLength - ipLength + payload) + Checksum.ofI32(segmentSequence)
                    + Checksum.ofU16(segmentFlags);
            Checksum.store(headers, to + Transport.TCP_CHECKSUM, Checksum.finish(Checksum.add(sum, memory, packet + at, payload)));
            batch.addWithHeader(toHost, headerLength, memory, packet + at, payload);
            segments++;
        }
        return segments;
    }

    private static int udp(MemorySegment memory, long virtio, long packet, int length, int toHost, SendBatch batch) {
        int ipLength = Ipv4Header.headerLength(memory, packet);
        int headerLength = ipLength + Transport.UDP_SIZE;
        int gsoSize = VirtioHeader.gsoSize(memory, virtio);
        if (u8(memory, packet + Ipv4Header.PROTOCOL) != Ipv4Header.UDP || headerLength >= length || gsoSize == 0) {
            return MALFORMED;
        }
        if (length - headerLength > MOST_UDP_SEGMENTS * gsoSize) {
            return TOO_MANY_SEGMENTS;
        }
        int id = u16(memory, packet + Ipv4Header.ID);
        putU16(memory, packet + ipLength + Transport.UDP_LENGTH, 0);
        long ipSum = sumOfIpv4Template(memory, packet, ipLength);
        long udpSum = sumOfTransportTemplate(memory, packet, ipLength, headerLength, Transport.UDP_CHECKSUM);
        int segments = 0;
        for (int at = headerLength; at < length; at += gsoSize) {
            int payload = Math.min(gsoSize, length - at);
            int udpLength = Transport.UDP_SIZE + payload;
            long header = batch.nextHeader();
            MemorySegment headers = batch.headers();
            MemorySegment.copy(memory, packet, headers, header, headerLength);
            fillIpv4(headers, header, ipSum, headerLength + payload, id + segments);
            long to = header + ipLength;
            putU16(headers, to + Transport.UDP_LENGTH, udpLength);
            long sum = udpSum + 2 * Checksum.ofU16(udpLength);          // in the pseudo-header, and in the header
            sum = Checksum.add(sum, memory, packet + at, payload);
            Checksum.store(headers, to + Transport.UDP_CHECKSUM, notZero(Checksum.finish(sum)));
            batch.addWithHeader(toHost, headerLength, memory, packet + at, payload);
            segments++;
        }
        return segments;
    }

    /**
     * Makes the super-packet's own header the template of its segments' headers: what differs between them becomes zero, so that each
     * segment's checksum needs to add only that to the template's sum.
     */
    private static long sumOfIpv4Template(MemorySegment memory, long packet, int ipLength) {
        putU16(memory, packet + Ipv4Header.TOTAL_LENGTH, 0);
        putU16(memory, packet + Ipv4Header.ID, 0);
        Checksum.store(memory, packet + Ipv4Header.CHECKSUM, 0);
        return Checksum.add(0, memory, packet, ipLength);
    }

    /** The same for the TCP or UDP header, whose own fields the caller has cleared, with the pseudo-header but for its length. */
    private static long sumOfTransportTemplate(MemorySegment memory, long packet, int ipLength, int headerLength, int checksumOffset) {
        Checksum.store(memory, packet + ipLength + checksumOffset, 0);
        long pseudoHeader = Checksum.pseudoHeader(memory, packet, u8(memory, packet + Ipv4Header.PROTOCOL), 0);
        return Checksum.add(pseudoHeader, memory, packet + ipLength, headerLength - ipLength);
    }

    private static void fillIpv4(MemorySegment headers, long header, long templateSum, int length, int id) {
        putU16(headers, header + Ipv4Header.TOTAL_LENGTH, length);
        putU16(headers, header + Ipv4Header.ID, id);
        Checksum.store(headers, header + Ipv4Header.CHECKSUM,
                Checksum.finish(templateSum + Checksum.ofU16(length) + Checksum.ofU16(id)));
    }

    static int tcpHeaderLength(MemorySegment memory, long tcp) {
        return (u8(memory, tcp + Transport.TCP_DATA_OFFSET) >>> 4) * 4;
    }

    /** In UDP a checksum of zero means none, so a sum that comes to zero is written as all ones (RFC 768). */
    private static int notZero(int checksum) {
        return checksum == 0 ? 0xffff : checksum;
    }
}
