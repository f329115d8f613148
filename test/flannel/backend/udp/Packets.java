package flannel.backend.udp;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

/** Builds, checks and cuts packets in the plainest way there is: what the fast code is compared with. */
public final class Packets {

    static final int CLIENT = 0x0a010102;
    static final int SERVER = 0x0a010202;

    private Packets() {
    }

    /** A TCP packet under construction; what is not set is usual. */
    static final class Tcp {
        int source = CLIENT;
        int destination = SERVER;
        int sourcePort = 40000;
        int destinationPort = 5201;
        int id = 1000;
        int tos;
        int ttl = 63;
        int fragment = 0x4000;
        int sequence = 1;
        int acknowledgment = 77;
        int flags = 0x10;
        int window = 500;
        byte[] ipOptions = {};
        byte[] options = {1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8};
        byte[] payload = {};

        byte[] build() {
            int ipLength = 20 + ipOptions.length;
            int tcpLength = 20 + options.length;
            byte[] p = new byte[ipLength + tcpLength + payload.length];
            ipv4(p, ipLength, source, destination, 6, id, tos, ttl, fragment);
            System.arraycopy(ipOptions, 0, p, 20, ipOptions.length);
            u16(p, ipLength, sourcePort);
            u16(p, ipLength + 2, destinationPort);
            i32(p, ipLength + 4, sequence);
            i32(p, ipLength + 8, acknowledgment);
            p[ipLength + 12] = (byte) (tcpLength / 4 << 4);
            p[ipLength + 13] = (byte) flags;
            u16(p, ipLength + 14, window);
            System.arraycopy(options, 0, p, ipLength + 20, options.length);
            System.arraycopy(payload, 0, p, ipLength + tcpLength, payload.length);
            fillChecksums(p);
            return p;
        }
    }

    public static byte[] udp(int source, int destination, int sourcePort, int destinationPort, int id, byte[] payload) {
        byte[] p = new byte[28 + payload.length];
        ipv4(p, 20, source, destination, 17, id, 0, 63, 0x4000);
        u16(p, 20, sourcePort);
        u16(p, 22, destinationPort);
        u16(p, 24, 8 + payload.length);
        System.arraycopy(payload, 0, p, 28, payload.length);
        fillChecksums(p);
        return p;
    }

    static byte[] icmpEcho(int source, int destination, byte[] payload) {
        byte[] p = new byte[28 + payload.length];
        ipv4(p, 20, source, destination, 1, 7, 0, 63, 0x4000);
        p[20] = 8;
        System.arraycopy(payload, 0, p, 28, payload.length);
        fillChecksums(p);
        return p;
    }

    private static void ipv4(byte[] p, int headerLength, int source, int destination, int protocol, int id, int tos, int ttl, int fragment) {
        p[0] = (byte) (0x40 | headerLength / 4);
        p[1] = (byte) tos;
        u16(p, 2, p.length);
        u16(p, 4, id);
        u16(p, 6, fragment);
        p[8] = (byte) ttl;
        p[9] = (byte) protocol;
        i32(p, 12, source);
        i32(p, 16, destination);
    }

    /** Writes the checksums of the IPv4 header and of TCP, UDP or ICMP. */
    public static void fillChecksums(byte[] p) {
        int ip = (p[0] & 15) * 4;
        u16(p, 10, 0);
        u16(p, 10, complement(sum(0, p, 0, ip)));
        int protocol = p[9];
        int field = ip + (protocol == 6 ? 16 : protocol == 17 ? 6 : 2);
        u16(p, field, 0);
        int sum = protocol == 1 ? sum(0, p, ip, p.length) : sum(pseudoHeader(p, p.length - ip), p, ip, p.length);
        int checksum = complement(sum);
        u16(p, field, protocol == 17 && checksum == 0 ? 0xffff : checksum);
    }

    static int pseudoHeader(byte[] p, int transportLength) {
        return sum(p[9] + transportLength, p, 12, 20);
    }

    /** RFC 1071, word by word. */
    static int sum(int start, byte[] p, int from, int to) {
        int sum = start;
        for (int i = from; i < to; i += 2) {
            sum += (p[i] & 255) << 8 | (i + 1 < to ? p[i + 1] & 255 : 0);
            sum = (sum & 0xffff) + (sum >>> 16);
        }
        return sum;
    }

    static int complement(int sum) {
        return ~sum & 0xffff;
    }

    static void u16(byte[] p, int at, int value) {
        p[at] = (byte) (value >> 8);
        p[at + 1] = (byte) value;
    }

    public static int u16(byte[] p, int at) {
        return (p[at] & 255) << 8 | p[at + 1] & 255;
    }

    static void i32(byte[] p, int at, int value) {
        u16(p, at, value >>> 16);
        u16(p, at + 2, value);
    }

    static int i32(byte[] p, int at) {
        return u16(p, at) << 16 | u16(p, at + 2);
    }

    static byte[] random(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    /** A virtio header (native byte order of x86_64 and aarch64: little endian) and a packet behind it. */
    static byte[] withVirtio(int flags, int gsoType, int gsoSize, int checksumStart, int checksumOffset, byte[] packet) {
        byte[] all = new byte[10 + packet.length];
        all[0] = (byte) flags;
        all[1] = (byte) gsoType;
        little(all, 4, gsoSize);
        little(all, 6, checksumStart);
        little(all, 8, checksumOffset);
        System.arraycopy(packet, 0, all, 10, packet.length);
        return all;
    }

    static void little(byte[] p, int at, int value) {
        p[at] = (byte) value;
        p[at + 1] = (byte) (value >> 8);
    }

    static int little(byte[] p, int at) {
        return p[at] & 255 | (p[at + 1] & 255) << 8;
    }

    /** What the kernel makes of what is written to a TUN device: the super-packet cut into packets, with all their checksums. */
    static List<byte[]> cut(byte[] withVirtio) {
        int gsoType = withVirtio[1] & 0x7f;
        int gsoSize = little(withVirtio, 4);
        byte[] packet = Arrays.copyOfRange(withVirtio, 10, withVirtio.length);
        if (gsoType == 0) {
            return List.of(packet);
        }
        int ip = (packet[0] & 15) * 4;
        int header = ip + (gsoType == 1 ? (packet[ip + 12] >> 4 & 15) * 4 : 8);
        List<byte[]> segments = new ArrayList<>();
        for (int at = header; at < packet.length; at += gsoSize) {
            boolean last = at + gsoSize >= packet.length;
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            out.write(packet, 0, header);
            out.write(packet, at, Math.min(gsoSize, packet.length - at));
            byte[] segment = out.toByteArray();
            u16(segment, 2, segment.length);
            u16(segment, 4, u16(packet, 4) + segments.size());
            if (gsoType == 1) {
                i32(segment, ip + 4, i32(packet, ip + 4) + at - header);
                int flags = segment[ip + 13];
                segment[ip + 13] = (byte) (flags & (last ? -1 : ~0x09) & (segments.isEmpty() ? -1 : ~0x80));
            } else {
                u16(segment, ip + 4, segment.length - ip);
            }
            fillChecksums(segment);
            segments.add(segment);
        }
        return segments;
    }

    /** For comparing and for readable failures. */
    static List<String> hex(List<byte[]> packets) {
        return packets.stream().map(Packets::hex).toList();
    }

    public static String hex(byte[] packet) {
        return HexFormat.of().formatHex(packet);
    }
}
