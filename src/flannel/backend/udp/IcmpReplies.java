package flannel.backend.udp;

import static flannel.backend.udp.Ipv4Header.putI32;
import static flannel.backend.udp.Ipv4Header.putU16;
import static flannel.backend.udp.Ipv4Header.putU8;
import static flannel.backend.udp.Ipv4Header.u16;
import static flannel.backend.udp.Ipv4Header.u8;

import java.lang.foreign.MemorySegment;

/**
 * Builds the ICMP errors (RFC 792, RFC 1191) that a router owes the sender of a packet it can't forward. Works on memory only.
 *
 * <p>Their source is the address that the packet was sent to. It can't be one of this host's own, as a router's would be: the kernel
 * takes no packet with its own address from the TUN device (accept_local), and with strict reverse-path filtering none whose source it
 * would not reach through that device. The original uses the device's own address, and its senders never hear of the error.
 */
final class IcmpReplies {

    /** Longest error: RFC 1812, 4.3.2.3. */
    static final int MAX_SIZE = 576;

    private static final int ICMP_SIZE = 8;
    private static final int TTL = 64;
    private static final int DESTINATION_UNREACHABLE = 3;
    private static final int NET_UNREACHABLE = 0;
    private static final int FRAGMENTATION_NEEDED = 4;

    private IcmpReplies() {
    }

    /** Builds "net unreachable" about a packet at {@code to}; the reply's length, or 0 when none may be sent. */
    static int netUnreachable(MemorySegment memory, long packet, int length, MemorySegment reply, long to) {
        return build(memory, packet, length, NET_UNREACHABLE, 0, reply, to);
    }

    /** Builds "fragmentation needed" with the size of packet that would pass; the reply's length, or 0 when none may be sent. */
    static int fragmentationNeeded(MemorySegment memory, long packet, int length, int mtu, MemorySegment reply, long to) {
        return build(memory, packet, length, FRAGMENTATION_NEEDED, mtu, reply, to);
    }

    private static int build(MemorySegment memory, long packet, int length, int code, int mtu, MemorySegment reply, long to) {
        if (!mayBeAnswered(memory, packet, length)) {
            return 0;
        }
        int quoted = Math.min(length, MAX_SIZE - Ipv4Header.SIZE - ICMP_SIZE);
        int total = Ipv4Header.SIZE + ICMP_SIZE + quoted;
        long icmp = to + Ipv4Header.SIZE;
        reply.asSlice(to, Ipv4Header.SIZE + ICMP_SIZE).fill((byte) 0);
        putU8(reply, to, 0x45);
        putU16(reply, to + Ipv4Header.TOTAL_LENGTH, total);
        putU8(reply, to + Ipv4Header.TTL, TTL);
        putU8(reply, to + Ipv4Header.PROTOCOL, Ipv4Header.ICMP);
        putI32(reply, to + Ipv4Header.SOURCE, Ipv4Header.destination(memory, packet));
        putI32(reply, to + Ipv4Header.DESTINATION, Ipv4Header.source(memory, packet));
        Checksum.fillIpv4(reply, to);
        putU8(reply, icmp, DESTINATION_UNREACHABLE);
        putU8(reply, icmp + 1, code);
        putU16(reply, icmp + 6, mtu);
        MemorySegment.copy(memory, packet, reply, icmp + ICMP_SIZE, quoted);
        Checksum.store(reply, icmp + 2, Checksum.finish(Checksum.add(0, reply, icmp, ICMP_SIZE + quoted)));
        return total;
    }

    /** RFC 1122, 3.2.2: no error about an ICMP error, a later fragment, or a packet from or to more than one host. */
    private static boolean mayBeAnswered(MemorySegment memory, long packet, int length) {
        if ((u16(memory, packet + Ipv4Header.FRAGMENT) & Ipv4Header.FRAGMENT_OFFSET) != 0) {
            return false;
        }
        int headerLength = Ipv4Header.headerLength(memory, packet);
        if (u8(memory, packet + Ipv4Header.PROTOCOL) == Ipv4Header.ICMP
                && (length == headerLength || isError(u8(memory, packet + headerLength)))) {
            return false;
        }
        return isHost(Ipv4Header.source(memory, packet)) && isHost(Ipv4Header.destination(memory, packet));
    }

    /** Destination unreachable, source quench, redirect, time exceeded, parameter problem. */
    private static boolean isError(int type) {
        return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    }

    private static boolean isHost(int address) {
        int first = address >>> 24;
        return first != 0 && first != 127 && first < 224;
    }
}
