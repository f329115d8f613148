package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SegmenterTest {

    private static final int HOST = 0xc0a820d4;
    private static final int TCP = 1;
    private static final int UDP = 5;

    private final Arena arena = Arena.ofConfined();
    private final Captured captured = new Captured();
    private final SendBatch batch = new SendBatch(arena, 8285, true, captured);

    @AfterEach
    void free() {
        arena.close();
    }

    /** Splits in memory of exactly the packet's size, so that a read outside throws. */
    private int split(byte[] withVirtio) {
        MemorySegment memory = arena.allocate(withVirtio.length);
        memory.copyFrom(MemorySegment.ofArray(withVirtio));
        int length = Ipv4Header.soundLength(memory, 10, withVirtio.length - 10);
        int datagrams = length == 0 ? 0 : Segmenter.split(memory, 0, 10, length, HOST, batch);
        batch.flush();
        return datagrams;
    }

    /** Ten bytes in segments of four, written out by hand: FIN and PSH on the last only, CWR on the first only. */
    @Test
    void tcpToTheByte() {
        Packets.Tcp tcp = new Packets.Tcp();
        tcp.flags = 0x99;
        tcp.id = 0xffff;
        tcp.sequence = 0xfffffffe;
        tcp.options = new byte[0];
        tcp.payload = new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
        assertEquals(3, split(Packets.withVirtio(1, TCP | 0x80, 4, 20, 16, tcp.build())));
        assertEquals(List.of(
                "4500002cffff40003f0624c70a0101020a0102029c401451fffffffe0000004d509001f4e173000001020304",
                "4500002c000040003f0624c70a0101020a0102029c401451000000020000004d501001f4d9e8000005060708",
                "4500002a000140003f0624c80a0101020a0102029c401451000000060000004d501901f4dce10000090a"),
                Packets.hex(captured.datagrams()));
    }

    @Test
    void splitsLikeTheKernel() {
        Random random = new Random(2);
        for (int round = 0; round < 500; round++) {
            captured.messages.clear();
            byte[] packet;
            int type = random.nextBoolean() ? TCP : UDP;
            if (type == TCP) {
                Packets.Tcp tcp = new Packets.Tcp();
                tcp.flags = 0x10 | random.nextInt(256);
                tcp.tos = random.nextInt(256);
                tcp.id = random.nextInt(65536);
                tcp.sequence = random.nextInt();
                tcp.options = new byte[4 * random.nextInt(11)];
                tcp.ipOptions = new byte[4 * random.nextInt(3)];
                Arrays.fill(tcp.ipOptions, (byte) 1);
                tcp.payload = Packets.random(random, 1 + random.nextInt(20_000));
                packet = tcp.build();
            } else {
                packet = Packets.udp(Packets.CLIENT, Packets.SERVER, random.nextInt(65536), 53, random.nextInt(65536),
                        Packets.random(random, 1 + random.nextInt(20_000)));
            }
            int ip = (packet[0] & 15) * 4;
            int least = 1 + packet.length / (type == TCP ? Segmenter.MOST_TCP_SEGMENTS : Segmenter.MOST_UDP_SEGMENTS);
            byte[] given = Packets.withVirtio(1, type, least + random.nextInt(3000), ip, type == TCP ? 16 : 6, packet);
            List<byte[]> expected = Packets.cut(given);
            assertEquals(expected.size(), split(given));
            assertEquals(Packets.hex(expected), Packets.hex(captured.datagrams()), "round " + round);
        }
    }

    @Test
    void aTrainWithoutItsFirstSegmentIsTheOthersAsTheyWere() {
        Packets.Tcp tcp = new Packets.Tcp();
        tcp.flags = 0x99;
        tcp.id = 0xffff;
        tcp.sequence = 0xffffff00;
        tcp.payload = Packets.random(new Random(4), 2500);
        byte[] given = Packets.withVirtio(1, TCP, 1000, 20, 16, tcp.build());
        List<byte[]> expected = Packets.cut(given);
        MemorySegment memory = arena.allocate(given.length);
        memory.copyFrom(MemorySegment.ofArray(given));
        int length = given.length - 10;
        int left = length;
        for (long at = 0; at <= 1000; at += 1000, left -= 1000) {
            assertEquals(1000, Segmenter.dropFirst(memory, at, at + 10, left));
        }
        assertEquals(0, Segmenter.dropFirst(memory, 2000, 2010, left), "it is the last");
        assertEquals(1, Segmenter.split(memory, 2000, 2010, left, HOST, batch));
        batch.flush();
        assertEquals(Packets.hex(expected.subList(2, 3)), Packets.hex(captured.datagrams()));
    }

    @Test
    void theLargestPacketInTheSmallestSegments() {
        Packets.Tcp tcp = new Packets.Tcp();
        tcp.payload = Packets.random(new Random(3), 65535 - 52);
        byte[] given = Packets.withVirtio(1, TCP, 48, 20, 16, tcp.build());
        List<byte[]> expected = Packets.cut(given);
        assertEquals(1365, expected.size());
        assertEquals(1365, split(given));
        assertEquals(Packets.hex(expected), Packets.hex(captured.datagrams()));
    }

    /** Whoever may open packet sockets in a container can ask for 60,000 packets by one call. */
    @ParameterizedTest
    @CsvSource({"1, 1, 60000, -1", "1, 47, 65483, -1", "1, 1, 1365, 1365", "1, 1, 1366, -1",
        "5, 1, 128, 128", "5, 1, 129, -1", "5, 500, 65000, -1"})
    void refusesMoreSegmentsThanAnyKernelAsksFor(int type, int size, int bytes, int expected) {
        Packets.Tcp tcp = new Packets.Tcp();
        tcp.payload = new byte[bytes];
        byte[] packet = type == TCP ? tcp.build() : Packets.udp(Packets.CLIENT, Packets.SERVER, 9, 53, 1, new byte[bytes]);
        assertEquals(expected, split(Packets.withVirtio(1, type, size, 20, type == TCP ? 16 : 6, packet)));
        assertEquals(Math.max(expected, 0), captured.datagrams().size());
    }

    @Test
    void fillsInAMissingChecksum() {
        byte[] expected = Packets.udp(Packets.CLIENT, Packets.SERVER, 9, 53, 1, new byte[] {5, 6, 7});
        byte[] packet = expected.clone();
        Packets.u16(packet, 26, Packets.pseudoHeader(packet, 11));
        assertEquals(1, split(Packets.withVirtio(1, 0, 0, 20, 6, packet)));
        assertEquals(Packets.hex(List.of(expected)), Packets.hex(captured.datagrams()));
    }

    /** The payload is chosen so that the sum is 0xffff: a checksum of zero would mean "none". */
    @Test
    void aUdpChecksumThatComesToZeroIsWrittenAsOnes() {
        byte[] packet = Packets.udp(Packets.CLIENT, Packets.SERVER, 9, 53, 1, new byte[2]);
        Packets.u16(packet, 26, 0);
        Packets.u16(packet, 28, Packets.complement(Packets.sum(Packets.pseudoHeader(packet, 10), packet, 20, 30)));
        Packets.u16(packet, 26, Packets.pseudoHeader(packet, 10));
        assertEquals(1, split(Packets.withVirtio(1, 0, 0, 20, 6, packet)));
        assertEquals(0xffff, Packets.u16(captured.datagrams().getFirst(), 26));
    }

    @Test
    void leavesAFinishedPacketAloneWhateverItHolds() {
        byte[] udp = Packets.udp(Packets.CLIENT, Packets.SERVER, 9, 53, 1, new byte[] {5, 6, 7});
        Packets.u16(udp, 26, 0);
        byte[] wrong = new Packets.Tcp().build();
        wrong[36] ^= 1;
        for (byte[] packet : List.of(udp, wrong, Packets.icmpEcho(Packets.CLIENT, Packets.SERVER, new byte[11]))) {
            captured.messages.clear();
            assertEquals(1, split(Packets.withVirtio(0, 0, 0, 0, 0, packet)));
            assertEquals(Packets.hex(List.of(packet)), Packets.hex(captured.datagrams()));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 0, 20, 16, no segment size",
        "1, 3, 8, 20, 16, UFO was never asked for",
        "1, 4, 8, 20, 16, TSO of IPv6 in an IPv4 packet",
        "1, 5, 8, 20, 6, USO of a TCP packet",
        "1, 0, 0, 60000, 16, checksum outside the packet",
        "1, 0, 0, 20, 65000, checksum field outside the packet",
        "1, 0, 0, 4, 8, checksum field in the IPv4 header"})
    void refusesContradictions(int flags, int type, int size, int start, int offset, String why) {
        Packets.Tcp tcp = new Packets.Tcp();
        tcp.payload = new byte[100];
        assertEquals(0, split(Packets.withVirtio(flags, type, size, start, offset, tcp.build())), why);
        assertTrue(captured.messages.isEmpty());
    }

    @Test
    void refusesATcpHeaderThatIsNotThere() {
        Packets.Tcp tcp = new Packets.Tcp();
        tcp.payload = new byte[100];
        byte[] packet = tcp.build();
        packet[32] = 0x40;
        assertEquals(0, split(Packets.withVirtio(1, TCP, 8, 20, 16, packet)));
        packet[32] = (byte) 0xf0;
        assertTrue(split(Packets.withVirtio(1, TCP, 8, 20, 16, packet)) > 0, "60 bytes of TCP header do fit");
        assertEquals(0, split(Packets.withVirtio(1, TCP, 8, 20, 16, Arrays.copyOf(packet, 60))));
    }

    /** Whatever the headers say: no exception, and so nothing read outside, for the memory ends where the packet does. */
    @Test
    void garbageDoesNoHarm() {
        Random random = new Random(4);
        for (int round = 0; round < 20_000; round++) {
            captured.messages.clear();
            Packets.Tcp tcp = new Packets.Tcp();
            tcp.payload = new byte[random.nextInt(200)];
            byte[] given = Packets.withVirtio(random.nextInt(4), random.nextInt(8), random.nextInt(64), random.nextInt(64), random.nextInt(32),
                    random.nextInt(4) == 0 ? Packets.random(random, random.nextInt(100)) : tcp.build());
            for (int flips = random.nextInt(6); flips > 0 && given.length > 10; flips--) {
                given[10 + random.nextInt(Math.min(40, given.length - 10))] = (byte) random.nextInt();
            }
            int datagrams = split(given);
            assertEquals(Math.max(datagrams, 0), captured.datagrams().size());
        }
    }
}
