package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ChecksumTest {

    /** The header of RFC 1071's followers' standard example. */
    @Test
    void fillsAKnownHeader() {
        byte[] header = HexFormat.of().parseHex("45000073000040004011" + "0000" + "c0a80001c0a800c7");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(20);
            memory.copyFrom(MemorySegment.ofArray(header));
            Checksum.fillIpv4(memory, 0);
            assertEquals(0xb861, Ipv4Header.u16(memory, 10));
        }
    }

    @Test
    void agreesWithThePlainSumAtEveryLengthAndOffset() {
        Random random = new Random(1);
        byte[] bytes = Packets.random(random, 2000);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(bytes.length);
            memory.copyFrom(MemorySegment.ofArray(bytes));
            for (int length = 0; length < 1600; length++) {
                int offset = random.nextInt(bytes.length - length);
                int expected = Packets.complement(Packets.sum(0, bytes, offset, offset + length));
                Checksum.store(memory, 0, Checksum.finish(Checksum.add(0, memory, offset, length)));
                assertEquals(expected, Ipv4Header.u16(memory, 0), "offset " + offset + " length " + length);
                memory.copyFrom(MemorySegment.ofArray(bytes));
            }
        }
    }

    @Test
    void doesNotOverflowOnTheLargestPacketOfAllOnes() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(65535).fill((byte) -1);
            assertEquals(0xffff, Checksum.fold(Checksum.add(0xffff_ffffL, memory, 0, 65534)));
        }
    }

    @Test
    void pseudoHeader() {
        byte[] packet = Packets.udp(0x0a010102, 0x0a010203, 1, 2, 3, new byte[] {1, 2, 3});
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(packet.length);
            memory.copyFrom(MemorySegment.ofArray(packet));
            Checksum.store(memory, 0, Checksum.fold(Checksum.pseudoHeader(memory, 0, 17, 11)));
            assertEquals(Packets.pseudoHeader(packet, 11), Ipv4Header.u16(memory, 0));
        }
    }
}
