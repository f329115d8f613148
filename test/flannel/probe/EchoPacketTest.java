package flannel.probe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import flannel.net.Ipv4;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Requests and answers, byte by byte. */
class EchoPacketTest {

    private static final long TOKEN = 0x0102_0304_0506_0708L;

    /** Checksum (RFC 1071): 0800 + 0708 + 0003 + 0102 + 0304 + 0506 + 0708 + 0000 + 0003 = 1f22, of which e0dd is the complement. */
    private static final String REQUEST = "0800 e0dd 0708 0003 0102030405060708 00000003";

    /** Beginning of a request to 10.1.88.0, as an error has it. */
    private static final String QUOTED = "4500 05aa 0000 4000 01 01 0000 0a010500 0a015800" + "0800 e0dd 0708 0003";

    private final EchoPacket codec = new EchoPacket(TOKEN);

    private static ByteBuffer packet(String hex) {
        return ByteBuffer.wrap(HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    /** An IP header of 20 bytes: ICMP, from 192.0.2.1 to 192.0.2.2. */
    private static String ip(int bytes) {
        return String.format("4500 %04x 0000 4000 40 01 0000 c0000201 c0000202 ", bytes);
    }

    @Test
    void aRequest() {
        ByteBuffer message = ByteBuffer.allocate(EchoPacket.LEAST);
        codec.write(message, 9);
        codec.write(message, 3);
        assertEquals(packet(REQUEST), message);
    }

    @Test
    void itsAnswer() {
        assertEquals(new EchoPacket.Reply(3, 1450), codec.read(packet(ip(1450) + REQUEST.replaceFirst("08", "00"))));
        String options = ip(44).replaceFirst("45", "46") + "00000000";
        assertEquals(new EchoPacket.Reply(3, 44), codec.read(packet(options + REQUEST.replaceFirst("08", "00"))));
    }

    @Test
    void anotherProgramsAnswer() {
        assertNull(codec.read(packet(ip(40) + REQUEST.replaceFirst("08", "00").replace("01020304", "01020305"))));
        assertNull(codec.read(packet(ip(40) + REQUEST)), "a request");
    }

    /** RFC 792 asks for the header and 8 bytes only. */
    @Test
    void whatRoutersReport() {
        assertEquals(new EchoPacket.Error(Ipv4.parse("10.1.88.0"), new Refusal.Reported(Ipv4.parse("192.0.2.1"), 3, 4, 1400)),
                codec.read(packet(ip(56) + "0304 0000 0000 0578" + QUOTED)));
        assertEquals(new EchoPacket.Error(Ipv4.parse("10.1.88.0"), new Refusal.Reported(Ipv4.parse("192.0.2.1"), 11, 0, 0)),
                codec.read(packet(ip(56) + "0b00 0000 0000 0000" + QUOTED)));
        assertNull(codec.read(packet(ip(56) + "0304 0000 0000 0578" + QUOTED.replace("0708 0003", "0709 0003"))), "another's request");
        assertNull(codec.read(packet(ip(56) + "0304 0000 0000 0578" + QUOTED.replace("01 01 0000", "01 11 0000"))), "about UDP");
    }

    @Test
    void whatIsCutOffOrGarbled() {
        byte[] whole = packet(ip(56) + "0304 0000 0000 0578" + QUOTED).array();
        for (int length = 0; length < whole.length; length++) {
            assertNull(codec.read(ByteBuffer.wrap(whole, 0, length).slice()), length + " bytes");
        }
        assertNull(codec.read(packet("60" + ip(40).substring(2) + REQUEST)), "IPv6");
        assertNull(codec.read(packet("44" + ip(40).substring(2) + REQUEST)), "a header that is too short");
        assertNull(codec.read(packet("4f" + ip(40).substring(2) + REQUEST)), "a header that is longer than the packet");
    }
}
