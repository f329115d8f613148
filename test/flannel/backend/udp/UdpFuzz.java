package flannel.backend.udp;

import flannel.fuzz.Mutation;
import flannel.fuzz.Target;
import flannel.net.Ipv4;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * Spoiled packets from the TUN device, with their virtio headers, and from other hosts. They lie in memory of their own size, so that whatever
 * is read or written beside them is found out.
 */
public final class UdpFuzz {

    private static final int HOST = Ipv4.parse("192.168.32.212").bits();
    private static final int PORT = 8285;

    private UdpFuzz() {
    }

    public static List<Target> targets() {
        return List.of(new Target("TUN packets", samples(true), Mutation::fields, Set.of(), UdpFuzz::out),
                new Target("UDP datagrams", samples(false), Mutation::fields, Set.of(), UdpFuzz::in));
    }

    private static List<byte[]> samples(boolean withVirtio) {
        Packets.Tcp tcp = new Packets.Tcp();
        tcp.payload = Packets.random(new Random(1), 700);
        Packets.Tcp options = new Packets.Tcp();
        options.ipOptions = new byte[40];
        options.options = new byte[40];
        options.payload = new byte[1];
        byte[] udp = Packets.udp(Packets.CLIENT, Packets.SERVER, 7, 9, 3, Packets.random(new Random(2), 300));
        byte[] echo = Packets.icmpEcho(Packets.CLIENT, Packets.SERVER, new byte[56]);
        return withVirtio
                ? List.of(Packets.withVirtio(1, 1, 100, 20, 16, tcp.build()), Packets.withVirtio(1, 1, 48, 60, 16, options.build()),
                        Packets.withVirtio(1, 5, 100, 20, 6, udp), Packets.withVirtio(1, 0, 0, 20, 6, udp), Packets.withVirtio(0, 0, 0, 0, 0, echo))
                : List.of(tcp.build(), options.build(), udp, echo);
    }

    private static MemorySegment memory(Arena arena, byte[] bytes) {
        return arena.allocate(Math.max(1, bytes.length)).copyFrom(MemorySegment.ofArray(bytes));
    }

    private static void out(byte[] input, RandomGenerator dice) {
        if (input.length < VirtioHeader.SIZE || input.length > 1 << 16) {
            return;                                     // no device hands that over
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = memory(arena, input);
            int length = Ipv4Header.soundLength(memory, VirtioHeader.SIZE, input.length - VirtioHeader.SIZE);
            if (length == 0) {
                return;
            }
            MemorySegment reply = arena.allocate(VirtioHeader.SIZE + IcmpReplies.MAX_SIZE);
            int replied = IcmpReplies.netUnreachable(memory, VirtioHeader.SIZE, length, reply, VirtioHeader.SIZE)
                    + IcmpReplies.fragmentationNeeded(memory, VirtioHeader.SIZE, length, 1400, reply, VirtioHeader.SIZE);
            int largest = Segmenter.largestSegment(memory, 0, VirtioHeader.SIZE, length);
            Captured sent = new Captured();
            SendBatch batch = new SendBatch(arena, PORT, dice.nextBoolean(), sent);
            int datagrams = Segmenter.split(memory, 0, VirtioHeader.SIZE, length, HOST, batch);
            batch.flush();
            if (sent.datagrams().size() != Math.max(0, datagrams) || replied > 2 * IcmpReplies.MAX_SIZE) {
                throw new AssertionError(sent.datagrams().size() + " datagrams, and not " + datagrams);
            }
            for (byte[] datagram : sent.datagrams()) {
                int sound = Ipv4Header.soundLength(memory(arena, datagram), 0, datagram.length);
                if (sound != datagram.length || sound > largest) {
                    throw new AssertionError("a datagram of " + datagram.length + " bytes that says " + sound + ", where " + largest
                            + " is the largest");
                }
            }
        }
    }

    /** Beside the rest of a transfer that it may be a part of: what the kernel makes of all that is written is what came in. */
    private static void in(byte[] input, RandomGenerator dice) {
        List<byte[]> packets = new ArrayList<>();
        int spoiled = dice.nextInt(12);
        for (int i = 0; i < dice.nextInt(1, 12); i++) {
            Packets.Tcp tcp = new Packets.Tcp();
            tcp.id += i;
            tcp.sequence += i * 700;
            tcp.payload = Packets.random(new Random(i), 700);
            byte[] packet = i == spoiled ? input.clone() : dice.nextInt(6) == 0 ? Mutation.fields(List.of(tcp.build()), dice) : tcp.build();
            packets.add(packet);
        }
        try (Arena arena = Arena.ofConfined()) {
            Captured captured = new Captured();
            Coalescer coalescer = new Coalescer(arena, captured, true, true);
            ForwardingTable table = ForwardingTable.EMPTY;
            List<byte[]> sound = new ArrayList<>();
            for (byte[] packet : packets) {
                if (packet.length > 28 && dice.nextBoolean()) {
                    repair(packet);
                }
                MemorySegment memory = memory(arena, packet);
                int length = Ipv4Header.soundLength(memory, 0, packet.length);
                if (length > 0) {
                    Admission.refusal(table, HOST, memory, 0);
                    sound.add(Arrays.copyOf(packet, length));
                    coalescer.offer(memory, 0, length);
                }
            }
            coalescer.flush();
            List<String> written = captured.written.stream().flatMap(one -> Packets.cut(one).stream()).map(Packets::hex).sorted().toList();
            Target.same(Packets.hex(sound).stream().sorted().toList(), written);
        }
    }

    /** With checksums that are right, as a stranger makes them too; where the header says what they are of. */
    private static void repair(byte[] packet) {
        int header = (packet[0] & 15) * 4;
        if (header >= 20 && packet.length >= header + 18 && Packets.u16(packet, 2) == packet.length) {
            Packets.fillChecksums(packet);
        }
    }
}
