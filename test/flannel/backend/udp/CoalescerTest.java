package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CoalescerTest {

    private final Arena arena = Arena.ofConfined();
    private final Captured captured = new Captured();
    private final Coalescer coalescer = new Coalescer(arena, captured, true, true);
    private final Captured sent = new Captured();
    private final SendBatch batch = new SendBatch(arena, 8285, true, sent);

    @AfterEach
    void free() {
        arena.close();
    }

    private void offer(byte[] packet) {
        MemorySegment memory = arena.allocate(packet.length);
        memory.copyFrom(MemorySegment.ofArray(packet));
        int length = Ipv4Header.soundLength(memory, 0, packet.length);
        if (length > 0) {
            coalescer.offer(memory, 0, length);
        }
    }

    /** Offers packets as one batch; what the kernel makes of what was written. */
    private List<byte[]> through(List<byte[]> packets) {
        packets.forEach(this::offer);
        coalescer.flush();
        return captured.written.stream().flatMap(written -> Packets.cut(written).stream()).toList();
    }

    /** A run of {@code count} packets of a bulk transfer; {@code change} alters number {@code which}. */
    private static List<byte[]> run(int count, int which, Consumer<Packets.Tcp> change) {
        List<byte[]> packets = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Packets.Tcp tcp = new Packets.Tcp();
            tcp.id += i;
            tcp.sequence += i * 100;
            tcp.payload = Packets.random(new Random(i), 100);
            if (i == which) {
                change.accept(tcp);
            }
            packets.add(tcp.build());
        }
        return packets;
    }

    private static List<byte[]> run(int count) {
        return run(count, -1, tcp -> { });
    }

    @Test
    void aRunOfTcpIsWrittenOnce() {
        List<byte[]> packets = run(10, 9, tcp -> {
            tcp.flags = 0x18;
            tcp.payload = new byte[7];
        });
        List<byte[]> out = through(packets);
        assertEquals(1, captured.written.size());
        assertEquals(Packets.hex(packets), Packets.hex(out));
        byte[] written = captured.written.getFirst();
        assertEquals("[1, 1, 52, 0, 100, 0, 20, 0, 16, 0]", Arrays.toString(Arrays.copyOf(written, 10)));
        assertEquals(52 + 907, Packets.u16(written, 12), "total length");
        byte[] packet = Arrays.copyOfRange(written, 10, written.length);
        assertEquals(Packets.pseudoHeader(packet, 32 + 907), Packets.u16(packet, 36), "pseudo-header's sum");
    }

    @Test
    void aRunOfUdpIsWrittenOnce() {
        List<byte[]> packets = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            packets.add(Packets.udp(Packets.CLIENT, Packets.SERVER, 1, 2, 65530 + i & 0xffff, Packets.random(new Random(i), 64)));
        }
        List<byte[]> out = through(packets);
        assertEquals(1, captured.written.size());
        assertEquals(Packets.hex(packets), Packets.hex(out));
    }

    @Test
    void neverBeyondThePacketLimit() {
        List<byte[]> packets = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            Packets.Tcp tcp = new Packets.Tcp();
            tcp.id += i;
            tcp.sequence += i * 1420;
            tcp.payload = new byte[1420];
            packets.add(tcp.build());
        }
        List<byte[]> out = through(packets);
        assertEquals(3, captured.written.size());
        assertEquals(10 + 52 + 46 * 1420, captured.written.getFirst().length);
        assertEquals(Packets.hex(packets), Packets.hex(out));
    }

    /** Packet 2 of 4 differs in one thing that cutting would not give back: it must not be merged. */
    @Test
    void whatWouldNotComeBackIsNotMerged() {
        Map<String, Consumer<Packets.Tcp>> changes = new HashMap<>();
        changes.put("TOS (also ECN)", tcp -> tcp.tos = 3);
        changes.put("TTL", tcp -> tcp.ttl = 62);
        changes.put("no DF", tcp -> tcp.fragment = 0);
        changes.put("reserved bit", tcp -> tcp.fragment = 0xc000);
        changes.put("ID", tcp -> tcp.id += 5);
        changes.put("acknowledgment", tcp -> tcp.acknowledgment++);
        changes.put("window", tcp -> tcp.window++);
        changes.put("timestamp", tcp -> tcp.options = new byte[] {1, 1, 8, 10, 0, 0, 0, 10, 0, 0, 0, 8});
        changes.put("no options", tcp -> tcp.options = new byte[0]);
        changes.put("FIN", tcp -> tcp.flags = 0x11);
        changes.put("URG", tcp -> tcp.flags = 0x30);
        changes.put("ECE", tcp -> tcp.flags = 0x50);
        changes.put("CWR", tcp -> tcp.flags = 0x90);
        changes.put("RST", tcp -> tcp.flags = 0x14);
        changes.put("no ACK", tcp -> tcp.flags = 0);
        changes.put("gap", tcp -> tcp.sequence++);
        changes.put("longer", tcp -> tcp.payload = new byte[101]);
        changes.put("no payload", tcp -> tcp.payload = new byte[0]);
        changes.put("IP options", tcp -> tcp.ipOptions = new byte[] {1, 1, 1, 1});
        changes.put("fragment", tcp -> tcp.fragment = 0x2000);
        changes.forEach((what, change) -> {
            captured.written.clear();
            List<byte[]> packets = run(4, 2, change);
            List<byte[]> out = through(packets);
            assertEquals(Packets.hex(packets), Packets.hex(out), what);
            assertTrue(captured.written.size() >= 2, what);
        });
    }

    @Test
    void aWrongChecksumStaysWrong() {
        for (int at : new int[] {10, 36, 60}) {
            captured.written.clear();
            List<byte[]> packets = run(4);
            packets.get(1)[at] ^= 0x10;
            List<byte[]> out = through(packets);
            assertEquals(Packets.hex(packets), Packets.hex(out));
            assertEquals(0, captured.written.get(1)[0], "the kernel is not told to trust it");
        }
    }

    @Test
    void noUdpChecksumStaysNone() {
        List<byte[]> packets = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            byte[] packet = Packets.udp(Packets.CLIENT, Packets.SERVER, 1, 2, i, new byte[40]);
            Packets.u16(packet, 26, 0);
            packets.add(packet);
        }
        List<byte[]> out = through(packets);
        assertEquals(3, captured.written.size());
        assertEquals(Packets.hex(packets), Packets.hex(out));
    }

    @Test
    void outOfOrderAndDuplicatesPassAsTheyCame() {
        List<byte[]> run = run(6);
        List<byte[]> packets = List.of(run.get(1), run.get(0), run.get(0), run.get(3), run.get(2), run.get(5));
        assertEquals(Packets.hex(packets), Packets.hex(through(packets)));
    }

    @Test
    void withoutVirtioHeaderEverythingPassesBare() {
        Coalescer bare = new Coalescer(arena, captured, false, false);
        List<byte[]> packets = run(3);
        for (byte[] packet : packets) {
            MemorySegment memory = arena.allocate(packet.length);
            memory.copyFrom(MemorySegment.ofArray(packet));
            bare.offer(memory, 0, packet.length);
        }
        bare.flush();
        assertEquals(Packets.hex(packets), Packets.hex(captured.written));
    }

    /**
     * Random traffic of more flows than the coalescer keeps, with all kinds of disturbances: what comes out is what went in, packet by
     * packet, in order within each flow; and our own splitting gives back the same as the kernel's.
     */
    @Test
    void splittingGivesBackWhatWasMerged() {
        Random random = new Random(5);
        int merged = 0;
        for (int round = 0; round < 300; round++) {
            captured.written.clear();
            List<byte[]> packets = traffic(random);
            List<byte[]> out = through(packets);
            assertEquals(byFlow(packets), byFlow(out), "round " + round);
            merged += packets.size() - captured.written.size();
            for (byte[] written : captured.written) {
                assertEquals(Packets.hex(Packets.cut(written)), Packets.hex(split(written)));
            }
        }
        assertTrue(merged > 5000, "only " + merged + " packets were merged");
    }

    private List<byte[]> split(byte[] written) {
        sent.messages.clear();
        MemorySegment memory = arena.allocate(written.length);
        memory.copyFrom(MemorySegment.ofArray(written));
        Segmenter.split(memory, 0, 10, written.length - 10, 1, batch);
        batch.flush();
        return sent.datagrams();
    }

    private static Map<String, List<String>> byFlow(List<byte[]> packets) {
        Map<String, List<String>> flows = new HashMap<>();
        for (byte[] packet : packets) {
            boolean ports = (packet[0] & 15) == 5 && (packet[9] == 6 || packet[9] == 17) && packet.length >= 24;
            String flow = Packets.hex(Arrays.copyOfRange(packet, 12, ports ? 24 : 20)) + packet[9];
            flows.computeIfAbsent(flow, key -> new ArrayList<>()).add(Packets.hex(packet));
        }
        return flows;
    }

    private static List<byte[]> traffic(Random random) {
        int flows = 1 + random.nextInt(12);
        int size = 1 + random.nextInt(1400);
        int[] sequence = new int[flows];
        int[] id = new int[flows];
        for (int i = 0; i < flows; i++) {
            sequence[i] = random.nextInt();
            id[i] = random.nextInt(65536);
        }
        List<byte[]> packets = new ArrayList<>();
        int flow = 0;
        for (int i = 0; i < 100; i++) {
            flow = random.nextInt(4) == 0 ? random.nextInt(flows) : flow;
            byte[] payload = Packets.random(random, random.nextInt(20) == 0 ? random.nextInt(size + 1) : size);
            byte[] packet;
            if (flow % 3 == 2) {
                packet = Packets.udp(Packets.CLIENT, Packets.SERVER, flow, 53, id[flow], payload);
                if (random.nextInt(30) == 0) {
                    Packets.u16(packet, 26, 0);
                }
            } else {
                Packets.Tcp tcp = new Packets.Tcp();
                tcp.sourcePort = flow;
                tcp.id = id[flow];
                tcp.sequence = sequence[flow];
                tcp.flags = random.nextInt(15) == 0 ? random.nextInt(256) : 0x10;
                tcp.tos = random.nextInt(40) == 0 ? random.nextInt(4) : 0;
                tcp.payload = payload;
                if (random.nextInt(40) == 0) {
                    tcp.ipOptions = new byte[] {1, 1, 1, 1};
                }
                packet = tcp.build();
            }
            id[flow]++;
            sequence[flow] += payload.length;
            if (random.nextInt(40) == 0) {
                packet[random.nextInt(packet.length)] ^= (byte) (1 << random.nextInt(8));
            }
            packets.add(packet);
            if (random.nextInt(40) == 0) {
                packets.add(packet);
            }
        }
        packets.removeIf(packet -> !isSound(packet));
        return packets;
    }

    private static boolean isSound(byte[] packet) {
        return Ipv4Header.soundLength(MemorySegment.ofArray(packet), 0, packet.length) == packet.length;
    }

    /** Whatever the headers say: no exception, and so nothing read outside, for the memory ends where the packet does. */
    @Test
    void garbageDoesNoHarm() {
        Random random = new Random(6);
        for (int round = 0; round < 20_000; round++) {
            byte[] packet = run(1).getFirst();
            for (int flips = random.nextInt(6); flips > 0; flips--) {
                packet[random.nextInt(52)] = (byte) random.nextInt();
            }
            if (random.nextBoolean()) {
                packet = Arrays.copyOf(packet, random.nextInt(packet.length));
                if (packet.length >= 4) {
                    Packets.u16(packet, 2, packet.length);
                }
            }
            offer(packet);
            if (random.nextInt(50) == 0) {
                coalescer.flush();
            }
        }
        coalescer.flush();
        assertTrue(captured.written.stream().allMatch(written -> written.length >= 30));
    }
}
