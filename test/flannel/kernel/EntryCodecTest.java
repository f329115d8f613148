package flannel.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import flannel.netlink.MalformedMessageException;
import flannel.netlink.MessageReader;
import flannel.netlink.MessageWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What is read: messages that a kernel 6.18 sent when {@code ip} and {@code bridge} had made these things (device 4 is flannel.1, device 3
 * eth0). What is written: byte for byte as the headers of linux/rtnetlink.h, linux/neighbour.h and linux/if_link.h lay it out.
 */
class EntryCodecTest {

    private static final MacAddress MAC = MacAddress.parse("02:00:00:00:00:02");
    private static final Ipv4 PEER = Ipv4.parse("10.1.2.0");
    private static final Found.Route ROUTE = new Found.Route(4, Ipv4Subnet.parse("10.1.2.0/24"), PEER, true, 241, 0, 0, true);
    private static final Found.Neighbour NEIGHBOUR = new Found.Neighbour(4, PEER, MAC, 0x80);
    private static final Found.Address ADDRESS = new Found.Address(4, Ipv4.parse("10.1.0.0"), 32);
    private static final Found.Fdb FDB = new Found.Fdb(4, MAC, Ipv4.parse("192.168.32.2"), 0x80);
    private static final Found.Link VXLAN = new Found.Link(4, "flannel.1", true, false, 1450, 1000, MacAddress.parse("02:00:00:00:00:01"),
            "vxlan", new Found.Vxlan(1, 8472, Ipv4.parse("192.168.32.211"), 3, false, false, true));

    @BeforeAll
    static void theVectorsAreLittleEndian() {
        Assumptions.assumeTrue(ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN, "the byte vectors are of a little-endian machine");
    }

    static Stream<Arguments> told() {
        return Stream.of(
                // ip route add 10.1.2.0/24 via 10.1.2.0 dev flannel.1 onlink proto 241
                Arguments.of(ROUTE, "3c00000018000006a023046b2f16000002180000fef100010400000008000f00fe000000080001000a010200080005000a010200"
                        + "0800040004000000"),
                // ip route add 10.1.4.0/24 via 10.1.4.0 dev flannel.1 onlink mtu 1000: not as we make them
                Arguments.of(new Found.Route(4, Ipv4Subnet.parse("10.1.4.0/24"), Ipv4.parse("10.1.4.0"), true, 3, 0, 0, false),
                        "4800000018002200352c046b7e01000002180000fe0300010400000008000f00fe000000080001000a0104000c00080008000200e8030000"
                        + "080005000a0104000800040004000000"),
                // ip route add 10.1.5.0/24 via inet6 fe80::1 dev eth0
                Arguments.of(new Found.Route(3, Ipv4Subnet.parse("10.1.5.0/24"), null, false, 3, 0, 0, false),
                        "4c00000018002200352c046b7e01000002180000fe0300010000000008000f00fe000000080001000a010500160012000a00fe800000000000"
                        + "000000000000000001" + "00000800040003000000"),
                // ip neigh add 10.1.2.0 lladdr 02:00:00:00:00:02 dev flannel.1 nud permanent
                Arguments.of(NEIGHBOUR, "4c0000001c0000000000000030160000020000000400000080000001080001000a0102000a0002000200000000020000080004"
                        + "00000000001400030000000000000000000000000001000000"),
                // ip addr add 10.1.0.0/32 dev flannel.1
                Arguments.of(ADDRESS, "5400000014000000a023046b2e1600000220800004000000080001000a010000080002000a0100000e000300666c616e6e656c2e"
                        + "3100000008000800" + "8000000014000600ffffffffffffffffc5170a00c5170a00"),
                // bridge fdb add 02:00:00:00:00:02 dev flannel.1 dst 192.168.32.2; the kernel adds NUD_NOARP
                Arguments.of(FDB,
                        "440000001c00000000000000000000000700000004000000c00002010a000200020000000002000008000100c0a8200214000300000000000000000000"
                        + "00000000000000"),
                // ip link add flannel.1 type vxlan id 1 dstport 8472 local 192.168.32.211 dev eth0 nolearning; attributes of no interest left out
                Arguments.of(VXLAN, "98000000100000000000000000000000000001000400000043100100010000000e000300666c616e6e656c2e3100000008000d00"
                        + "e803000008000400aa0500000a00010002000000000100004c0012000a00010076786c616e0000003c0002000800010001000000080003000300000008"
                        + "000400c0a820d3050005000000000005001c0000000000050007000000000006000f0021180000"));
    }

    @ParameterizedTest
    @MethodSource("told")
    void isRead(Found expected, String message) throws Exception {
        assertEquals(expected, EntryCodec.read(first(bytes(message))));
    }

    @Test
    void whatIsNotOfInterestIsNull() throws Exception {
        // an IPv6 address, an IPv6 route, and the table "local"
        for (String message : List.of(
                "500000001400000000000000000000000a4080fd0300000014000100fe8000000000000098ab91fffe424b7914000600ffffffffffffffff5f170a005f170a00"
                        + "08000800" + "8000000005000b0003000000",
                "740000001800000600000000000000000a800000ff0200020000000008000f00ff00000014000100fe8000000000000098ab91fffe424b790800060000000000"
                        + "080004000300000024000c0000000000000000000000000000000000000000000000000000000000000000000500140000000000",
                "3c00000018000006000000000000000002200000ff02fe020000000008000f00ff000000080001000a010000080007000a0100000800040004000000")) {
            assertNull(EntryCodec.read(first(bytes(message))));
        }
    }

    static Stream<Arguments> written() {
        return Stream.of(
                // length, RTM_NEWROUTE, REQUEST|REPLACE|CREATE, sequence 7 | AF_INET /24, table main, 241, universe, unicast, ONLINK | DST, GATEWAY, OIF
                Arguments.of(new Change(Change.Kind.PUT, ROUTE), "34000000 1800 0105 07000000 00000000 02180000 fef10001 04000000"
                        + "0800 0100 0a010200 0800 0500 0a010200 0800 0400 04000000"),
                // NLM_F_EXCL, not REPLACE; a plain route through device 3
                Arguments.of(new Change(Change.Kind.ADD, new Found.Route(3, Ipv4Subnet.parse("10.1.2.0/24"), Ipv4.parse("192.168.32.2"), false, 241,
                        3, 0, true)), "34000000 1800 0106 07000000 00000000 02180000 fef10301 00000000"
                        + "0800 0100 0a010200 0800 0500 c0a82002 0800 0400 03000000"),
                // RTM_DELROUTE with type 0 and scope nowhere, which match any
                Arguments.of(new Change(Change.Kind.DELETE, ROUTE), "34000000 1900 0100 07000000 00000000 02180000 fef1ff00 00000000"
                        + "0800 0100 0a010200 0800 0500 0a010200 0800 0400 04000000"),
                // RTM_NEWNEIGH | AF_INET, device 4, NUD_PERMANENT | DST, LLADDR with two bytes of padding
                Arguments.of(new Change(Change.Kind.PUT, NEIGHBOUR), "30000000 1c00 0105 07000000 00000000 02000000 04000000 8000 00 00"
                        + "0800 0100 0a010200 0a00 0200 020000000002 0000"),
                // the same with AF_BRIDGE and NTF_SELF
                Arguments.of(new Change(Change.Kind.PUT, FDB), "30000000 1c00 0105 07000000 00000000 07000000 04000000 8000 02 00"
                        + "0a00 0200 020000000002 0000 0800 0100 c0a82002"),
                Arguments.of(new Change(Change.Kind.DELETE, FDB), "30000000 1d00 0100 07000000 00000000 07000000 04000000 8000 02 00"
                        + "0a00 0200 020000000002 0000 0800 0100 c0a82002"),
                // RTM_NEWADDR | AF_INET /32, scope universe, device 4 | LOCAL, ADDRESS
                Arguments.of(new Change(Change.Kind.PUT, ADDRESS), "28000000 1400 0105 07000000 00000000 02200000 04000000"
                        + "0800 0200 0a010000 0800 0100 0a010000"));
    }

    @ParameterizedTest
    @MethodSource("written")
    void isWritten(Change change, String expected) {
        ByteBuffer buffer = ByteBuffer.allocate(1024);
        MessageWriter out = new MessageWriter(buffer, 7);
        EntryCodec.write(out, change);
        assertEquals(expected.replace(" ", ""), HexFormat.of().formatHex(buffer.array(), 0, out.size()));
    }

    @Test
    void aVxlanDeviceIsWrittenAndReadBack() throws Exception {
        ByteBuffer buffer = ByteBuffer.allocate(1024);
        MessageWriter out = new MessageWriter(buffer, 7);
        EntryCodec.writeVxlan(out, new Link.Vxlan("flannel.1", 1450, 1, 8472, Ipv4.parse("192.168.32.211"), "eth0", MAC, true, true), MAC, 3);
        // RTM_NEWLINK, REQUEST|EXCL|CREATE | struct ifinfomsg | IFNAME, MTU, ADDRESS, LINKINFO of KIND and DATA: ID, LINK, LOCAL, LEARNING, PORT, GBP
        assertEquals(("84000000 1000 0106 07000000 00000000 00000000 00000000 00000000 00000000"
                + "0e00 0300 666c616e6e656c2e3100 0000 0800 0400 aa050000 0a00 0100 020000000002 0000"
                + "4000 1280 0a00 0100 76786c616e00 0000 3000 0280 0800 0100 01000000 0800 0300 03000000"
                + "0800 0400 c0a820d3 0500 0700 01 000000 0600 0f00 2118 0000 0400 1700").replace(" ", ""),
                HexFormat.of().formatHex(buffer.array(), 0, out.size()));
        Found.Link made = (Found.Link) EntryCodec.read(first(ByteBuffer.wrap(buffer.array(), 0, out.size())));
        assertEquals(new Found.Link(0, "flannel.1", false, false, 1450, 0, MAC, "vxlan",
                new Found.Vxlan(1, 8472, Ipv4.parse("192.168.32.211"), 3, true, true, true)), made);
    }

    @Test
    void ipv6AddressesAreTurnedOff() {
        ByteBuffer buffer = ByteBuffer.allocate(1024);
        MessageWriter out = new MessageWriter(buffer, 7);
        EntryCodec.writeNoIpv6Address(out, "flannel.1");
        // as ip link set flannel.1 addrgenmode none: AF_SPEC, of AF_INET6, of IFLA_INET6_ADDR_GEN_MODE 1
        assertEquals(("40000000 1000 0100 07000000 00000000 00000000 00000000 00000000 00000000"
                + "0e00 0300 666c616e6e656c2e3100 0000 1000 1a80 0c00 0a80 0500 0800 01 000000").replace(" ", ""),
                HexFormat.of().formatHex(buffer.array(), 0, out.size()));
    }

    @Test
    void aVxlanDevicesNewPlaceIsWritten() {
        ByteBuffer buffer = ByteBuffer.allocate(4096);
        MessageWriter out = new MessageWriter(buffer, 7);
        EntryCodec.writeVxlanChange(out, 4, new Link.Vxlan("flannel.1", 1450, 1, 8472, Ipv4.parse("192.168.32.212"), "eth1", MAC, true, true), 5);
        // as ip link set flannel.1 type vxlan id 1 local 192.168.32.212 dev eth1: LINKINFO, of KIND "vxlan" and DATA, of ID, LINK, LOCAL
        assertEquals(("4c000000 1000 0100 07000000 00000000 00000000 04000000 00000000 00000000"
                + "2c00 1280 0a00 0100 76786c616e00 0000 1c00 0280 0800 0100 01000000 0800 0300 05000000 0800 0400 c0a820d4").replace(" ", ""),
                HexFormat.of().formatHex(buffer.array(), 0, out.size()));
    }

    /** Garbage is told as such, and nothing else is ever thrown; reading ends. */
    @Test
    void garbageIsMalformedAndNothingElse() {
        Random random = new Random(20_240_911);
        List<byte[]> seeds = new ArrayList<>();
        told().forEach(vector -> seeds.add(HexFormat.of().parseHex((String) vector.get()[1])));
        int read = 0;
        int malformed = 0;
        for (int round = 0; round < 200_000; round++) {
            byte[] message = mutated(seeds.get(round % seeds.size()), random);
            try {
                MessageReader reader = new MessageReader(ByteBuffer.wrap(message));
                while (reader.next()) {
                    EntryCodec.read(reader);
                    EntryCodec.readLookup(reader);
                    read++;
                }
            } catch (MalformedMessageException e) {
                assertNotNull(e.getMessage());
                malformed++;
            }
        }
        assertTrue(read > 10_000 && malformed > 10_000, read + " read, " + malformed + " malformed");
    }

    private static byte[] mutated(byte[] seed, Random random) {
        byte[] message = Arrays.copyOf(seed, random.nextInt(4) == 0 ? random.nextInt(seed.length + 1) : seed.length);
        for (int i = random.nextInt(4); i > 0 && message.length > 0; i--) {
            message[random.nextInt(message.length)] = (byte) random.nextInt();
        }
        if (message.length >= 4 && random.nextBoolean()) {
            ByteBuffer.wrap(message).order(ByteOrder.nativeOrder()).putInt(0, message.length);  // so that what is inside gets its turn
        }
        return message;
    }

    private static ByteBuffer bytes(String hex) {
        return ByteBuffer.wrap(HexFormat.of().parseHex(hex));
    }

    private static MessageReader first(ByteBuffer messages) throws MalformedMessageException {
        MessageReader reader = new MessageReader(messages);
        assertTrue(reader.next());
        return reader;
    }
}
