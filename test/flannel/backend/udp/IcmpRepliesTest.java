package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IcmpRepliesTest {

    private final MemorySegment reply = MemorySegment.ofArray(new byte[600]);

    private byte[] unreachable(byte[] packet) {
        int length = IcmpReplies.netUnreachable(MemorySegment.ofArray(packet), 0, packet.length, reply, 10);
        return reply.asSlice(10, length).toArray(ValueLayout.JAVA_BYTE);
    }

    /** From the address that was asked for, to the asker, with all that was asked. */
    @Test
    void netUnreachableToTheByte() {
        byte[] ping = Packets.icmpEcho(Packets.CLIENT, Packets.SERVER, new byte[] {1, 2, 3, 4});
        byte[] expected = HexFormat.of().parseHex("4500003c0000000040010000" + "0a010202" + "0a010102" + "0300000000000000"
                + HexFormat.of().formatHex(ping));
        Packets.fillChecksums(expected);
        assertEquals(HexFormat.of().formatHex(expected), HexFormat.of().formatHex(unreachable(ping)));
    }

    @Test
    void fragmentationNeededNamesTheSize() {
        byte[] packet = Packets.udp(Packets.CLIENT, Packets.SERVER, 1, 2, 3, new byte[1444]);
        int length = IcmpReplies.fragmentationNeeded(MemorySegment.ofArray(packet), 0, packet.length, 1372, reply, 0);
        assertEquals(576, length, "no longer than RFC 1812 has it");
        byte[] bytes = reply.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
        byte[] checked = bytes.clone();
        Packets.fillChecksums(checked);
        assertEquals(HexFormat.of().formatHex(checked), HexFormat.of().formatHex(bytes));
        assertEquals(0x0304, Packets.u16(bytes, 20));
        assertEquals(1372, Packets.u16(bytes, 26));
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 4, 5, 11, 12})
    void neverAboutAnIcmpError(int type) {
        byte[] error = Packets.icmpEcho(Packets.CLIENT, Packets.SERVER, new byte[28]);
        error[20] = (byte) type;
        assertEquals(0, unreachable(error).length);
    }

    @Test
    void neverAboutALaterFragment() {
        byte[] packet = Packets.udp(Packets.CLIENT, Packets.SERVER, 1, 2, 3, new byte[100]);
        Packets.u16(packet, 6, 0x2000);
        assertEquals(156, unreachable(packet).length);
        Packets.u16(packet, 6, 0x2001);
        assertEquals(0, unreachable(packet).length);
    }

    @Test
    void neverToOrAboutManyHosts() {
        for (int address : new int[] {0, 0x7f000001, 0xe0000001, -1}) {
            assertEquals(0, unreachable(Packets.udp(address, Packets.SERVER, 1, 2, 3, new byte[4])).length);
            assertEquals(0, unreachable(Packets.udp(Packets.CLIENT, address, 1, 2, 3, new byte[4])).length);
        }
    }

    @Test
    void anIcmpPacketWithoutItsTypeIsNotAnswered() {
        byte[] cut = Arrays.copyOf(Packets.icmpEcho(Packets.CLIENT, Packets.SERVER, new byte[0]), 20);
        assertEquals(0, unreachable(cut).length);
    }
}
