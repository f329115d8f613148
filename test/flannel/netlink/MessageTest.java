package flannel.netlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import flannel.net.Ipv4;
import flannel.net.MacAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The codec against what iproute2 6.1 sent and a kernel 6.18 answered (seen with strace), byte for byte. */
class MessageTest {

    private static final Ipv4 PEER = Ipv4.parse("10.1.2.0");
    private static final MacAddress MAC = MacAddress.parse("02:00:00:00:00:02");
    private static final int REPLACE = Nlmsg.NLM_F_ACK | Nlmsg.NLM_F_CREATE | Nlmsg.NLM_F_REPLACE;
    private static final int NEW = Nlmsg.NLM_F_ACK | Nlmsg.NLM_F_CREATE | Nlmsg.NLM_F_EXCL;

    /** ip route add 10.1.2.0/24 via 10.1.2.0 dev flannel.1 onlink proto 241: request, EEXIST, which repeats the request, and success. */
    private static final String ROUTE = "34000000 1800 0506 352c046b 00000000 02180000 fef10001 04000000 08000100 0a010200 08000500 0a010200"
            + "08000400 04000000";
    private static final String REFUSED = "48000000 0200 0000 352c046b 4e010000 efffffff" + ROUTE;
    private static final String DONE_SO_FAR = "24000000 0200 0001 352c046b 48010000 00000000 34000000 1800 0506 352c046b 00000000";

    /** ip route add 10.1.3.0/24 via 10.9.9.9 dev eth0: ENETUNREACH, with a sentence behind the repeated request. */
    private static final String EXPLAINED = "68000000 0200 0002 352c046b 55010000 9bffffff 34000000 1800 0506 352c046b 00000000"
            + "02180000 fe030001 00000000 08000100 0a010300 08000500 0a090909 08000400 03000000"
            + "20000100 4e657874686f702068617320696e76616c6964206761746577617900";

    /** The same as a socket with NETLINK_CAP_ACK gets it: of the request only the header. */
    private static final String EXPLAINED_BRIEFLY = "44000000 0200 0003 352c046b 55010000 9bffffff 34000000 1800 0506 352c046b 00000000"
            + "20000100 4e657874686f702068617320696e76616c6964206761746577617900";

    /** ip -4 address: 127.0.0.1/8, 192.168.32.211/24 and 10.1.0.0/32 in one datagram, and the end in another. */
    private static final String ADDRESSES = "4c000000 1400 0200 362c046b 6c010000 020880fe 01000000 08000100 7f000001 08000200 7f000001"
            + "07000300 6c6f0000 08000800 80000000 14000600 ffffffff ffffffff 1e720d00 1e720d00"
            + "50000000 1400 0200 362c046b 6c010000 02188000 03000000 08000100 c0a820d3 08000200 c0a820d3"
            + "09000300 6574683000 000000 08000800 80000000 14000600 ffffffff ffffffff 1e720d00 1e720d00"
            + "54000000 1400 0200 362c046b 6c010000 02208000 04000000 08000100 0a010000 08000200 0a010000"
            + "0e000300 666c616e6e656c2e3100 0000 08000800 80000000 14000600 ffffffff ffffffff 20720d00 20720d00";
    private static final String END = "14000000 0300 0200 362c046b 6c010000 00000000";

    @BeforeAll
    static void theVectorsAreLittleEndian() {
        assumeTrue(ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN, "the byte vectors are of a little-endian machine");
    }

    static Stream<Arguments> requests() {
        return Stream.of(
                request("ip link add flannel.1 mtu 1450 address 02:00:00:00:d3:01 type vxlan id 1 dstport 8472 local 192.168.32.211 dev eth0"
                        + " nolearning gbp; but iproute2 leaves out the flag of nested attributes and the kind's closing zero",
                        "84000000 1000 0506 352c046b 00000000 00000000 00000000 00000000 00000000 08000400 aa050000 0a000100 02000000d3010000"
                        + "0e000300 666c616e6e656c2e31000000 40001280 0a000100 76786c616e000000"
                        + "30000280 08000300 03000000 04001700 08000100 01000000 08000400 c0a820d3 05000700 00000000 06000f00 21180000", out -> {
                            out.begin(Rtm.RTM_NEWLINK, NEW).ifinfomsg(0, 0, 0, 0).u32(Rtm.IFLA_MTU, 1450)
                                    .mac(Rtm.IFLA_ADDRESS, MacAddress.parse("02:00:00:00:d3:01")).text(Rtm.IFLA_IFNAME, "flannel.1");
                            int information = out.beginNested(Rtm.IFLA_LINKINFO);
                            out.text(Rtm.IFLA_INFO_KIND, "vxlan");
                            int data = out.beginNested(Rtm.IFLA_INFO_DATA);
                            out.u32(Rtm.IFLA_VXLAN_LINK, 3).flag(Rtm.IFLA_VXLAN_GBP).u32(Rtm.IFLA_VXLAN_ID, 1)
                                    .ipv4(Rtm.IFLA_VXLAN_LOCAL, Ipv4.parse("192.168.32.211")).u8(Rtm.IFLA_VXLAN_LEARNING, 0)
                                    .u16Network(Rtm.IFLA_VXLAN_PORT, 8472);
                            out.endNested(data).endNested(information);
                        }),
                request("ip route add 10.1.2.0/24 via 10.1.2.0 dev flannel.1 onlink proto 241", ROUTE, out -> out.begin(Rtm.RTM_NEWROUTE, NEW)
                        .rtmsg(2, 24, Rtm.RT_TABLE_MAIN, 241, Rtm.RT_SCOPE_UNIVERSE, Rtm.RTN_UNICAST, Rtm.RTNH_F_ONLINK)
                        .ipv4(Rtm.RTA_DST, PEER).ipv4(Rtm.RTA_GATEWAY, PEER).u32(Rtm.RTA_OIF, 4)),
                request("ip neigh replace 10.1.2.0 lladdr 02:00:00:00:00:02 dev flannel.1 nud permanent",
                        "30000000 1c00 0505 352c046b 00000000 02000000 04000000 80000000 08000100 0a010200 0a000200 0200000000020000",
                        out -> out.begin(Rtm.RTM_NEWNEIGH, REPLACE).ndmsg(2, 4, Rtm.NUD_PERMANENT, 0)
                                .ipv4(Rtm.NDA_DST, PEER).mac(Rtm.NDA_LLADDR, MAC)),
                request("bridge fdb replace 02:00:00:00:00:02 dev flannel.1 dst 192.168.32.2",
                        "30000000 1c00 0505 352c046b 00000000 07000000 04000000 c0000200 0a000200 0200000000020000 08000100 c0a82002",
                        out -> out.begin(Rtm.RTM_NEWNEIGH, REPLACE).ndmsg(7, 4, Rtm.NUD_PERMANENT | Rtm.NUD_NOARP, Rtm.NTF_SELF)
                                .mac(Rtm.NDA_LLADDR, MAC).ipv4(Rtm.NDA_DST, Ipv4.parse("192.168.32.2"))));
    }

    private static Arguments request(String command, String bytes, Consumer<MessageWriter> message) {
        return Arguments.of(command, bytes, message);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("requests")
    void isWritten(String command, String expected, Consumer<MessageWriter> message) {
        ByteBuffer buffer = ByteBuffer.allocate(512);
        Arrays.fill(buffer.array(), (byte) 0xEE);                                          // padding has to be written too
        MessageWriter out = new MessageWriter(buffer, 0x6b042c35);
        message.accept(out);
        out.end();
        assertEquals(expected.replace(" ", ""), HexFormat.of().formatHex(buffer.array(), 0, out.size()));
    }

    /** An attribute of any odd length is followed by the next one at a multiple of four. */
    @Test
    void attributesOfOddLengthsAreReadBack() throws Exception {
        ByteBuffer bytes = ByteBuffer.allocate(4096);
        MessageWriter out = new MessageWriter(bytes, 1);
        List<String> texts = List.of("", "a", "ab", "abc", "abcd", "abcde", "ä€", "flannel.1");
        out.begin(Rtm.RTM_NEWLINK, 0).ifinfomsg(0, 0, 0, 0);
        for (String text : texts) {
            out.text(1, text).u8(2, 200).u16Network(3, 0xFFFE).mac(4, MAC).u32(5, -2).flag(6);
        }
        out.end();
        AttributeReader in = first(bytes.slice(0, out.size())).attributes(Rtm.IFINFOMSG_SIZE);
        for (String text : texts) {
            assertEquals(text, next(in, 1).text());
            assertEquals(200, next(in, 2).u8());
            assertEquals(0xFFFE, next(in, 3).u16Network());
            assertEquals(MAC, next(in, 4).mac());
            assertEquals(-2, next(in, 5).i32());
            assertEquals(0, next(in, 6).length());
        }
        assertFalse(in.next());
    }

    @Test
    void aBatchIsNumberedAndAsksForItsLastAcknowledgement() throws Exception {
        ByteBuffer bytes = ByteBuffer.allocate(256);
        MessageWriter out = new MessageWriter(bytes, -1);                                  // the numbers may wrap
        for (int i = 0; i < 3; i++) {
            out.begin(Rtm.RTM_DELLINK, 0).ifinfomsg(0, i, 0, 0).end();
        }
        out.acknowledgeLast();
        assertEquals(2, out.nextSequence());
        MessageReader in = new MessageReader(bytes.slice(0, out.size()));
        for (int i = 0; i < 3; i++) {
            assertTrue(in.next());
            assertEquals(i - 1, in.sequence());
            assertEquals(i, in.i32(4));
            assertEquals(Nlmsg.NLM_F_REQUEST | (i == 2 ? Nlmsg.NLM_F_ACK : 0), in.flags());
        }
        assertFalse(in.next());
    }

    static Stream<Arguments> answers() {
        String explanation = "Nexthop has invalid gateway";
        return Stream.of(Arguments.of(REFUSED, 17, ""), Arguments.of(DONE_SO_FAR, 0, ""), Arguments.of(END, 0, ""),
                Arguments.of(EXPLAINED, 101, explanation), Arguments.of(EXPLAINED_BRIEFLY, 101, explanation),
                Arguments.of("10000000 0300 0200 362c046b 6c010000", 0, ""),               // the end of a dump before Linux 4.15
                // the end of a dump of a table that is not there: ENOENT and a sentence
                Arguments.of("20000000 0300 0202 362c046b 6c010000 feffffff 0c000100 6e6f206f6e6500 00", 2, "no one"));
    }

    @ParameterizedTest
    @MethodSource("answers")
    void anAnswerTellsItsErrorAndWhatTheKernelSaysToIt(String answer, int errno, String text) throws Exception {
        MessageReader message = first(bytes(answer));
        assertEquals(errno, message.errno());
        assertEquals(text, message.errorText());
    }

    @Test
    void aDumpIsWalkedMessageByMessage() throws Exception {
        MessageReader in = new MessageReader(bytes(ADDRESSES));
        for (String expected : List.of("127.0.0.1/8 lo", "192.168.32.211/24 eth0", "10.1.0.0/32 flannel.1")) {
            assertTrue(in.next());
            assertEquals(Rtm.RTM_NEWADDR, in.type());
            AttributeReader attributes = in.attributes(Rtm.IFADDRMSG_SIZE);
            next(attributes, Rtm.IFA_ADDRESS);
            String address = next(attributes, Rtm.IFA_LOCAL).ipv4() + "/" + in.u8(1);
            assertEquals(expected, address + " " + next(attributes, 3).text());
        }
        assertFalse(in.next());
        assertEquals(Nlmsg.NLMSG_DONE, first(bytes(END)).type());
    }

    @Test
    void aBufferIsReadFromItsPositionToItsLimit() throws Exception {
        ByteBuffer datagram = bytes("ffffff" + END + "ffffff");                            // and at any alignment
        MessageReader in = new MessageReader(datagram.position(3).limit(datagram.capacity() - 3));
        assertTrue(in.next());
        assertEquals(0x6b042c36, in.sequence());
        assertFalse(in.next());
    }

    static Stream<String> malformed() {
        return Stream.of(
                "10000000",                                                                // no room for a header
                "0f000000 0300 0000 00000000 00000000",                                    // shorter than its header
                "11000000 0300 0000 00000000 00000000",                                    // longer than what is there
                "ffffffff 0300 0000 00000000 00000000",
                "12000000 1400 0000 00000000 00000000 0208 0000",                          // no room for a struct ifaddrmsg
                "1c000000 1400 0000 00000000 00000000 02080000 01000000 03000100",         // an attribute shorter than its header
                "1c000000 1400 0000 00000000 00000000 02080000 01000000 05000100",         // one that goes on behind the message
                "1f000000 1400 0000 00000000 00000000 02080000 01000000 07000100 7f000000",  // an address of three bytes
                "18000000 0200 0000 00000000 00000000 02080000 00000000 0000");            // an error that is not followed by the request's header
    }

    @ParameterizedTest
    @MethodSource("malformed")
    void whatIsNotFramedIsRefused(String datagram) {
        ByteBuffer bytes = bytes(datagram);
        assertThrows(MalformedMessageException.class, () -> {
            MessageReader in = new MessageReader(bytes);
            while (in.next()) {
                if (in.type() == Nlmsg.NLMSG_ERROR) {
                    in.attributes(4 + Nlmsg.NLMSG_HDRLEN);
                }
                AttributeReader attributes = in.attributes(Rtm.IFADDRMSG_SIZE);
                while (attributes.next()) {
                    attributes.ipv4();
                }
            }
        });
    }

    /** Else a walk that only looks at types would stand still, or go back. */
    @Test
    void aLengthThatLeadsNowhereIsRefused() {
        for (int length : new int[] {0, 1, 15, -1, -16, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            ByteBuffer datagram = ByteBuffer.allocate(64).order(ByteOrder.nativeOrder()).putInt(0, length);
            assertThrows(MalformedMessageException.class, new MessageReader(datagram)::next, Integer.toString(length));
        }
    }

    /** Random and mutated datagrams are read or refused, nothing else, in as many steps as they have bytes at most. */
    @Test
    void garbageIsMalformedAndNothingElse() {
        Random random = new Random(3549);
        List<byte[]> seeds = Stream.of(ROUTE, REFUSED, DONE_SO_FAR, EXPLAINED, EXPLAINED_BRIEFLY, ADDRESSES, END)
                .map(text -> HexFormat.of().parseHex(text.replace(" ", ""))).toList();
        int malformed = 0;
        int explained = 0;
        for (int round = 0; round < 60_000; round++) {
            byte[] seed = seeds.get(round % seeds.size());
            byte[] datagram = Arrays.copyOf(seed, random.nextInt(8) == 0 ? random.nextInt(seed.length + 1) : seed.length);
            if (round % 16 == 0) {
                random.nextBytes(datagram);
            }
            for (int i = random.nextInt(5); i > 0 && datagram.length > 0; i--) {
                datagram[random.nextInt(datagram.length)] = (byte) (random.nextBoolean() ? random.nextInt() : random.nextInt(5) * 4);
            }
            try {
                MessageReader in = new MessageReader(ByteBuffer.wrap(datagram));
                for (int messages = 0; in.next(); messages++) {
                    assertTrue(messages < datagram.length, "for ever");
                    walk(in.attributes(random.nextInt(Math.max(1, in.payloadLength()))), datagram.length, 0);
                    in.errno();
                    explained += in.errorText().isEmpty() ? 0 : 1;
                    in.u16(random.nextInt(64) - 8);
                }
            } catch (MalformedMessageException e) {
                assertNotNull(e.getMessage());
                malformed++;
            }
        }
        assertTrue(malformed > 5_000 && malformed < 55_000 && explained > 1_000, malformed + " malformed, " + explained + " explained");
    }

    private static void walk(AttributeReader attributes, int size, int depth) throws MalformedMessageException {
        for (int steps = 0; attributes.next(); steps++) {
            assertTrue(steps <= size / 4, "for ever");
            assertTrue(attributes.length() <= size && attributes.text().length() <= size);
            if (attributes.length() >= 6) {
                attributes.mac();
                attributes.i32();
            }
            if (depth < 3) {
                AttributeReader nested = attributes.nested();
                try {
                    walk(nested, size, depth + 1);
                } catch (MalformedMessageException e) {
                    assertNotNull(e.getMessage());                                         // most values are not nested attributes
                }
            }
        }
    }

    private static AttributeReader next(AttributeReader attributes, int type) throws MalformedMessageException {
        assertTrue(attributes.next());
        assertEquals(type, attributes.type());
        return attributes;
    }

    private static MessageReader first(ByteBuffer datagram) throws MalformedMessageException {
        MessageReader reader = new MessageReader(datagram);
        assertTrue(reader.next());
        return reader;
    }

    private static ByteBuffer bytes(String hex) {
        return ByteBuffer.wrap(HexFormat.of().parseHex(hex.replace(" ", "")));
    }
}
