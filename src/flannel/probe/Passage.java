package flannel.probe;

import flannel.linux.IcmpSocket;
import flannel.linux.PacketSocket;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.MacAddress;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Where packets between this host and one that does not answer over the overlay get lost: watched at the interface to the other hosts, beside
 * this host's packet filter, and tried in each direction by itself. The other host's kernel does its part, so that it needs no agent.
 *
 * <pre>
 *   ECHO           over the overlay: comes out of the interface? the answer comes in there? and through to us?
 *   INTO, BOUNCED  wrapped by us, so that the answer, or the packet itself, comes back beside the overlay: ours arrive there
 *   OUT, RETURNED  beside the overlay, so that the answer, or the packet itself, comes back wrapped: theirs arrive here
 * </pre>
 *
 * The second of each pair is sent on by the other host and gets through strict reverse path filters (rp_filter), the first one asks no
 * FORWARD rule. What does not come proves nothing by itself.
 */
public final class Passage {

    private static final int ROUNDS = 3;
    private static final Duration INTERVAL = Duration.ofMillis(40);
    private static final Duration PATIENCE = Duration.ofMillis(400);

    /** What a host says against packets it says once a second to each, after the first six (sysctl net.ipv4.icmp_ratelimit). */
    private static final Duration REFUSALS_APART = Duration.ofMillis(1_100);

    private static final int ICMP_BYTES = EchoPacket.LEAST;
    private static final int IP_BYTES = EchoPacket.IP_HEADER;
    private static final int INNER_BYTES = IP_BYTES + ICMP_BYTES;
    private static final int UDP_BYTES = 8;
    /** VXLAN's header, and the Ethernet header behind it (RFC 7348). */
    private static final int VXLAN_BYTES = 8 + 14;
    private static final int TOKEN_AT = IP_BYTES + 8;
    private static final int ENOUGH = 256;
    private static final byte HOPS = 8;
    private static final int ICMP = 1;
    private static final int UDP = 17;
    private static final int UNREACHABLE = 3;

    private enum Kind {
        ECHO, INTO, BOUNCED, OUT, RETURNED
    }

    /**
     * This end.
     *
     * @param device   index of the interface to the other hosts
     * @param inside   that of the overlay's own device; 0 for none
     * @param address  at the interface
     * @param inner    this host's addresses in the overlay, see {@link Host}
     * @param innerMac of its VXLAN device; null for other backends
     * @param port     UDP port of the backend; 0 when packets are not wrapped
     * @param vni      of VXLAN
     */
    public record Near(int device, int inside, Ipv4 address, List<Ipv4> inner, MacAddress innerMac, int port, int vni) {
    }

    /**
     * The other end.
     *
     * @param nextHop of packets to it, on the link; null when it is not known
     * @param onLink  whether that is itself
     */
    public record Far(Ipv4 address, List<Ipv4> inner, MacAddress innerMac, MacAddress nextHop, boolean onLink) {
    }

    /**
     * What was seen.
     *
     * @param left         an echo came out of the interface
     * @param came         its answer came in there
     * @param unwrapped    and came out of the tunnel
     * @param delivered    and came through to us
     * @param arrivesThere what this host sends, wrapped, was seen to arrive there
     * @param arrivesHere  what it sends, wrapped, was seen to arrive here
     * @param astray       what it sends came by here with another machine's hardware address
     * @param sendsOn      it was seen to send on what is not for itself
     * @param refusal      what was said against our wrapped packets; null for nothing
     */
    public record Sight(boolean left, boolean came, boolean unwrapped, boolean delivered, boolean arrivesThere, boolean arrivesHere,
            boolean astray, boolean sendsOn, Refusal refusal) {
    }

    private final Near near;
    private final List<Far> fars;
    private final int wrapping;
    private final long token = ThreadLocalRandom.current().nextLong();
    private final EchoPacket codec = new EchoPacket(token);
    private final boolean[][] plain;
    private final boolean[][] wrapped;
    private final boolean[] left;
    private final boolean[] unwrapped;
    private final boolean[] delivered;
    private final boolean[] astray;
    private final Refusal[] refusals;

    private Passage(Near near, List<Far> fars) {
        this.near = near;
        this.fars = fars;
        wrapping = UDP_BYTES + (near.innerMac() == null ? 0 : VXLAN_BYTES);
        plain = new boolean[fars.size()][Kind.values().length];
        wrapped = new boolean[fars.size()][Kind.values().length];
        left = new boolean[fars.size()];
        unwrapped = new boolean[fars.size()];
        delivered = new boolean[fars.size()];
        astray = new boolean[fars.size()];
        refusals = new Refusal[fars.size()];
    }

    /**
     * Looks, for half a second; for two, when there is one at which nothing was seen to arrive and who says nothing.
     *
     * @return one for each of the others, in their order
     * @throws SystemCallException when there is no socket to be had: EPERM for anybody but root
     */
    public static List<Sight> look(Near near, List<Far> fars) throws SystemCallException, InterruptedException {
        Passage passage = new Passage(near, List.copyOf(fars));
        int wrappedAt = IP_BYTES + passage.wrapping + TOKEN_AT;
        int[] places = near.port() == 0 ? new int[] {TOKEN_AT} : new int[] {TOKEN_AT, wrappedAt, IP_BYTES + 8 + wrappedAt};
        try (Arena arena = Arena.ofConfined(); PacketSocket tap = PacketSocket.open(near.device(), (int) (passage.token >>> 32), places, ENOUGH);
                PacketSocket inside = PacketSocket.open(near.inside() == 0 ? near.device() : near.inside(), (int) (passage.token >>> 32),
                        new int[] {TOKEN_AT}, ENOUGH);
                PacketSocket others = PacketSocket.openForOthers(near.device(), (int) (passage.token >>> 32), places, ENOUGH);
                IcmpSocket echoes = IcmpSocket.open(HOPS)) {
            for (Ipv4 address : near.inner()) {
                if (echoes.bind(address) == 0) {
                    break;
                }
            }
            MemorySegment buffer = arena.allocate(ENOUGH, 8);
            for (int round = 0; round < ROUNDS || round == ROUNDS && passage.isAnyMute(); round++) {
                for (int peer = 0; peer < fars.size(); peer++) {
                    passage.send(peer, tap, echoes, buffer);
                }
                passage.receive(tap, inside, echoes, buffer, round < ROUNDS - 1 ? INTERVAL : PATIENCE);
                if (round == ROUNDS - 1 && passage.isAnyMute()) {
                    passage.receive(tap, inside, echoes, buffer, REFUSALS_APART);
                }
            }
            for (int length = others.receive(buffer); length >= 0; length = others.receive(buffer)) {
                passage.passedBy(buffer.asByteBuffer().limit(length));
            }
        }
        return passage.sights();
    }

    // ---- sending ----

    private void send(int peer, PacketSocket tap, IcmpSocket echoes, MemorySegment buffer) {
        Far far = fars.get(peer);
        ByteBuffer bytes = buffer.asByteBuffer();
        for (Ipv4 address : far.inner()) {
            codec.write(bytes, number(peer, Kind.ECHO));
            echoes.send(buffer, ICMP_BYTES, address);
        }
        Ipv4 own = near.inner().getFirst();
        if (near.port() != 0) {
            sendWrapped(far, packet(peer, Kind.INTO, near.address(), far.inner().getFirst()));
            sendWrapped(far, packet(peer, Kind.BOUNCED, own, near.address()));
        }
        if (near.port() != 0 && far.nextHop() != null) {
            MemorySegment.copy(MemorySegment.ofArray(packet(peer, Kind.OUT, own, far.address())), 0, buffer, 0, INNER_BYTES);
            tap.send(buffer, INNER_BYTES, far.nextHop());
        }
        if (far.onLink() && far.nextHop() != null) { // a router on the way would keep it
            MemorySegment.copy(MemorySegment.ofArray(packet(peer, Kind.RETURNED, near.address(), own)), 0, buffer, 0, INNER_BYTES);
            tap.send(buffer, INNER_BYTES, far.nextHop());
        }
    }

    private static int number(int peer, Kind kind) {
        return peer * Kind.values().length + kind.ordinal();
    }

    /** An echo request with its IP header (RFC 791). */
    private byte[] packet(int peer, Kind kind, Ipv4 from, Ipv4 to) {
        ByteBuffer packet = ByteBuffer.allocate(INNER_BYTES);
        codec.write(packet.slice(IP_BYTES, ICMP_BYTES), number(peer, kind));
        packet.putShort(0, (short) 0x4500).putShort(2, (short) INNER_BYTES).putShort(6, (short) 0x4000).put(8, HOPS).put(9, (byte) ICMP)
                .putInt(12, from.bits()).putInt(16, to.bits());
        int sum = 0;
        for (int at = 0; at < IP_BYTES; at += 2) {
            sum += packet.getShort(at) & 0xffff;
        }
        sum = (sum >>> 16) + (sum & 0xffff);
        return packet.putShort(10, (short) ~((sum >>> 16) + sum)).array();
    }

    /** By a socket of its own, past the overlay's device but through this host's packet filter, as the device's own packets go. */
    private void sendWrapped(Far far, byte[] packet) {
        ByteBuffer datagram = ByteBuffer.allocate(wrapping - UDP_BYTES + packet.length);
        if (near.innerMac() != null) {
            datagram.putInt(0x0800_0000).putInt(near.vni() << 8);
            put(datagram, far.innerMac());
            put(datagram, near.innerMac());
            datagram.putShort((short) 0x0800);
        }
        datagram.put(packet);
        try (DatagramSocket socket = new DatagramSocket(new InetSocketAddress(address(near.address()), 0))) {
            socket.send(new DatagramPacket(datagram.array(), datagram.position(), address(far.address()), near.port()));
        } catch (IOException e) {
            // dropped here, or the answer to the former one: then none arrives
        }
    }

    private static void put(ByteBuffer datagram, MacAddress mac) {
        for (int i = 0; i < 6; i++) {
            datagram.put(mac.octet(i));
        }
    }

    private static InetAddress address(Ipv4 address) throws IOException {
        return InetAddress.getByAddress(ByteBuffer.allocate(4).putInt(address.bits()).array());
    }

    // ---- what is seen ----

    private void receive(PacketSocket tap, PacketSocket inside, IcmpSocket echoes, MemorySegment buffer,
            Duration time) throws SystemCallException, InterruptedException {
        long endNanos = System.nanoTime() + time.toNanos();
        while (System.nanoTime() < endNanos) {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            for (int length = tap.receive(buffer); length >= 0; length = tap.receive(buffer)) {
                seen(buffer.asByteBuffer().limit(length));
            }
            for (int length = inside.receive(buffer); length >= 0; length = inside.receive(buffer)) {
                answered(buffer.asByteBuffer().limit(length), unwrapped);
            }
            for (int length = echoes.receive(buffer); length >= 0; length = echoes.receive(buffer)) {
                answered(buffer.asByteBuffer().limit(length), delivered);
            }
            tap.await((int) Math.max(1, Math.min(10, (endNanos - System.nanoTime()) / 1_000_000)));
        }
    }

    private void answered(ByteBuffer packet, boolean[] peers) {
        if (codec.read(packet) instanceof EchoPacket.Reply(int number, int bytes) && isOurs(number, Kind.ECHO)) {
            peers[number / Kind.values().length] = true;
        }
    }

    private boolean isOurs(int number, Kind kind) {
        return number >= 0 && number < fars.size() * Kind.values().length && number % Kind.values().length == kind.ordinal();
    }

    private void passedBy(ByteBuffer packet) {
        int number = number(packet);
        if (number >= 0 && !new Ipv4(packet.getInt(12)).equals(near.address())) {
            astray[number / Kind.values().length] = true;
        }
    }

    /** Where the ICMP message's data are that it is about. */
    private int tokenAt(ByteBuffer packet) {
        return packet.get(9) == UDP ? TOKEN_AT + IP_BYTES + wrapping
                : packet.get(IP_BYTES) == UNREACHABLE ? TOKEN_AT + IP_BYTES + 8 + IP_BYTES + wrapping : TOKEN_AT;
    }

    /** Of what was sent; negative when it is nothing of ours. */
    private int number(ByteBuffer packet) {
        int at = tokenAt(packet);
        int number = packet.limit() < at + 12 || packet.getLong(at) != token ? -1 : packet.getInt(at + 8);
        return number < fars.size() * Kind.values().length ? number : -1;
    }

    private void seen(ByteBuffer packet) {
        int number = number(packet);
        if (number < 0) {
            return;
        }
        int protocol = packet.get(9);
        int peer = number / Kind.values().length;
        Kind kind = Kind.values()[number % Kind.values().length];
        Ipv4 from = new Ipv4(packet.getInt(12));
        boolean reply = packet.get(tokenAt(packet) - 8) == 0; // ICMP's type
        if (protocol == ICMP && packet.get(IP_BYTES) == UNREACHABLE) {
            if (!from.equals(near.address())) {
                refusals[peer] = new Refusal.Reported(from, UNREACHABLE, packet.get(IP_BYTES + 1), 0);
            }
        } else if (kind == Kind.ECHO && !reply) {
            left[peer] = true;
        } else if (protocol == UDP && !from.equals(near.address())) {
            wrapped[peer][kind.ordinal()] = true;
        } else if (protocol == ICMP) {
            plain[peer][kind.ordinal()] = true;
        }
    }

    private boolean isAnyMute() {
        return near.port() != 0 && sights().stream().anyMatch(sight -> sight.left() && !sight.arrivesThere() && sight.refusal() == null);
    }

    private List<Sight> sights() {
        List<Sight> sights = new ArrayList<>();
        for (int peer = 0; peer < fars.size(); peer++) {
            boolean[] beside = plain[peer];
            boolean[] over = wrapped[peer];
            boolean came = near.port() == 0 ? beside[Kind.ECHO.ordinal()] : over[Kind.ECHO.ordinal()];
            sights.add(new Sight(left[peer], came, unwrapped[peer], delivered[peer],
                    came || beside[Kind.INTO.ordinal()] || beside[Kind.BOUNCED.ordinal()],
                    came || over[Kind.OUT.ordinal()] || over[Kind.RETURNED.ordinal()] || over[Kind.INTO.ordinal()]
                    || over[Kind.BOUNCED.ordinal()], astray[peer], beside[Kind.BOUNCED.ordinal()] || over[Kind.RETURNED.ordinal()]
                    || near.port() == 0 && beside[Kind.RETURNED.ordinal()], refusals[peer]));
        }
        return sights;
    }
}
