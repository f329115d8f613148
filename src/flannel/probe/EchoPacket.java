package flannel.probe;

import flannel.net.Ipv4;
import java.nio.ByteBuffer;

/**
 * Echo requests, and what comes for them (RFC 792). A request's data begin with a token, by which answers are told from those to other
 * programs, and its number; the rest is zeros.
 *
 * <pre>
 *   ICMP  type 8, code 0, checksum, identifier, sequence     8 bytes
 *         token, number                                     12
 * </pre>
 */
final class EchoPacket {

    static final int IP_HEADER = 20;
    static final int LEAST = 20;

    /** Enough of a packet to know it by: the largest IP header, an error's header, the same of what it quotes. */
    static final int ENOUGH = 60 + 8 + 60 + LEAST;

    private static final int ECHO_REPLY = 0;
    private static final int UNREACHABLE = 3;
    private static final int FRAGMENTATION_NEEDED = 4;
    private static final int ECHO_REQUEST = 8;
    private static final int TIME_EXCEEDED = 11;
    private static final int PROTOCOL_ICMP = 1;

    private final long token;
    private final int identifier;
    /** Of what is the same in all requests, RFC 1071. */
    private final int constantSum;

    EchoPacket(long token) {
        this.token = token;
        this.identifier = (int) token & 0xffff;
        constantSum = (ECHO_REQUEST << 8) + identifier + words(token >>> 32) + words(token);
    }

    /** What comes. */
    sealed interface Answer {
    }

    /** @param bytes of the packet, with its IP header */
    record Reply(int number, int bytes) implements Answer {
    }

    /** @param to whom the echo that it speaks of was sent to */
    record Error(Ipv4 to, Refusal.Reported refusal) implements Answer {
    }

    /** Writes a request of which all but the first {@link #LEAST} bytes are zero. */
    void write(ByteBuffer message, int number) {
        message.putShort(0, (short) (ECHO_REQUEST << 8)).putShort(2, (short) 0).putShort(4, (short) identifier).putShort(6, (short) number)
                .putLong(8, token).putInt(16, number);
        int sum = words(constantSum + (number & 0xffff) + words(number));
        message.putShort(2, (short) ~((sum >>> 16) + sum));
    }

    /** The lower two words of 16 bits, added up. */
    private static int words(long bits) {
        return (int) (bits >>> 16 & 0xffff) + (int) (bits & 0xffff);
    }

    /** Reads a packet, IP header first, of which the beginning is there; null when it is none of ours. */
    Answer read(ByteBuffer packet) {
        int header = headerLength(packet, 0);
        if (header == 0 || packet.limit() < header + 8) {
            return null;
        }
        int type = packet.get(header) & 0xff;
        int code = packet.get(header + 1) & 0xff;
        return switch (type) {
            case ECHO_REPLY -> packet.limit() < header + LEAST || packet.getLong(header + 8) != token ? null
                    : new Reply(packet.getInt(header + 16), packet.getShort(2) & 0xffff);
            case UNREACHABLE, TIME_EXCEEDED -> {
                int quoted = header + 8;
                int mtu = type == UNREACHABLE && code == FRAGMENTATION_NEEDED ? packet.getShort(header + 6) & 0xffff : 0;
                Refusal.Reported refusal = new Refusal.Reported(new Ipv4(packet.getInt(12)), type, code, mtu);
                yield isRequest(packet, quoted) ? new Error(new Ipv4(packet.getInt(quoted + 16)), refusal) : null;
            }
            default -> null;
        };
    }

    /** Whether an error quotes a request of ours; it need not quote more than the first 8 bytes behind the IP header. */
    private boolean isRequest(ByteBuffer packet, int quoted) {
        int header = headerLength(packet, quoted);
        int message = quoted + header;
        return header != 0 && packet.limit() >= message + 8 && packet.get(quoted + 9) == PROTOCOL_ICMP
                && packet.get(message) == ECHO_REQUEST && (packet.getShort(message + 4) & 0xffff) == identifier;
    }

    /** Length of the IP header there, 0 when there is none. */
    private static int headerLength(ByteBuffer packet, int at) {
        int length = packet.limit() < at + IP_HEADER || packet.get(at) >>> 4 != 4 ? 0 : (packet.get(at) & 0xf) * 4;
        return length < IP_HEADER || packet.limit() < at + length ? 0 : length;
    }
}
