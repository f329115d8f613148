package flannel.lab;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.udp.Level;
import flannel.backend.udp.Packets;
import flannel.linux.Libc;
import flannel.linux.LibcSocket;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The udp backend at each of its levels: whatever is sent arrives, and nothing else, in packets that every other flannel understands. */
@ParameterizedClass(name = "{0}")
@EnumSource(Level.class)
class UdpLevelsTest {

    private static final int UDP_SEGMENT = 103;
    private static final int SOL_UDP = 17;
    private static final int OUTER_HEADERS = 28;
    private static final int PORT = 8285;

    private static Lab lab;
    private static Host one;
    private static Host two;
    private static NetworkNamespace here;
    private static NetworkNamespace there;

    @Parameter
    private Level level;

    @BeforeParameterizedClassInvocation
    static void twoHostsThatTalk(Level level) throws Exception {
        lab = Needs.lab(Store.Api.V3);
        lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"udp\", \"Offload\": \"" + level + "\"}}");
        one = lab.host(1);
        two = lab.host(2);
        lab.startAll(one, two);
        one.daemon().awaitLog("udp: flannel0 on " + one.address() + ":8285, level " + level + ": ");
        here = one.plugContainer();
        there = two.plugContainer();
        Ping.start(here, two.containerAddress()).close();
    }

    @AfterParameterizedClassInvocation
    static void takeDown() {
        lab.close();
    }

    @Test
    void bulk() throws Exception {
        Duration took = Transfer.start(here, there, two.containerAddress(), 500_000_000).finish();
        System.out.printf("    %s: 500 MB in %d ms%n", level, took.toMillis());
        Transfer back = Transfer.start(there, here, one.containerAddress(), 50_000_000);
        Transfer.start(here, there, two.containerAddress(), 50_000_000).finish();
        back.finish();
        noWrongChecksumArrived();
    }

    @Test
    void datagramsOfEverySize() throws Exception {
        try (UdpLink link = new UdpLink(here, there, two.containerAddress())) {
            link.carry(IntStream.rangeClosed(0, 1444));
            link.carry(IntStream.of(1445, 1446, 1473, 2880, 2888, 2889, 8000, 32_000, 60_000));
        }
        noWrongChecksumArrived();
    }

    @Test
    void fullSizePacketsPassAndTheTtlIsSpentOnlyByTheHosts() throws Exception {
        assertTrue(here.run("ping", "-c", "1", "-W", "5", "-M", "do", "-s", "1444", two.containerAddress()).contains("ttl=62"));
        assertTrue(here.run("ping", "-c", "1", "-W", "5", "-s", "8000", two.containerAddress()).contains("ttl=62"));
    }

    /** What leaves the host is cut by its kernel if need be, as an interface would: so each frame is seen as it is on a wire. */
    @Test
    void eachDatagramHoldsOneValidPacket() throws Exception {
        one.run("ip", "link", "set", "eth0", "gso_max_segs", "1");
        try (Capture capture = new Capture(two); UdpLink link = new UdpLink(here, there, two.containerAddress())) {
            Transfer.start(here, there, two.containerAddress(), 5_000_000).finish();
            link.carry(IntStream.of(0, 1, 2, 3, 7, 100, 1443, 1444));
            here.run("ping", "-c", "3", "-i", "0.01", "-W", "5", two.containerAddress());
            segments(link);
            int[] count = new int[256];
            for (byte[] outer : capture.packets()) {
                if (outer[9] == 17 && Packets.u16(outer, 22) == PORT) {
                    count[validInner(outer)]++;
                }
            }
            System.out.printf("    %s: on the wire %d TCP, %d UDP, %d ICMP packets%n", level, count[6], count[17], count[1]);
            assertTrue(count[6] >= 5_000_000 / 1472 && count[17] == 8 + 10 && count[1] >= 3, Arrays.toString(count));
        } finally {
            one.run("ip", "link", "set", "eth0", "gso_max_segs", "65535");
        }
    }

    /** Protocol of the packet inside; fails unless there is exactly one, right in itself. */
    private static int validInner(byte[] outer) {
        byte[] inner = Arrays.copyOfRange(outer, OUTER_HEADERS, Packets.u16(outer, 2));
        assertEquals(Packets.u16(outer, 24) - 8, inner.length, "UDP length and IP length agree");
        assertEquals(inner.length, Packets.u16(inner, 2), "one packet, and the whole of it");
        assertTrue(inner.length <= 1472);
        byte[] right = inner.clone();
        Packets.fillChecksums(right);
        assertEquals(Packets.hex(right), Packets.hex(inner), "checksums");
        return inner[9];
    }

    /** One message that the container's kernel is to cut into ten datagrams, as QUIC senders have it. */
    private void segments(UdpLink link) throws Exception {
        byte[] content = UdpLink.content(9_999);
        here.call(() -> sendSegments(content, two.containerAddress(), link.port(), 1_000));
        for (int i = 0; i < 10; i++) {
            assertArrayEquals(Arrays.copyOfRange(content, i * 1_000, Math.min(content.length, (i + 1) * 1_000)), link.receive());
        }
    }

    private static void sendSegments(byte[] content, String address, int port, int size) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int fd = LibcSocket.socket(LibcSocket.AF_INET, LibcSocket.SOCK_DGRAM, 0);
            LibcSocket.setsockopt(fd, SOL_UDP, UDP_SEGMENT, arena.allocateFrom(ValueLayout.JAVA_INT, size));
            MemorySegment to = arena.allocate(16, 8);
            to.set(ValueLayout.JAVA_SHORT, 0, (short) LibcSocket.AF_INET);
            to.set(ValueLayout.JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2, (short) port);
            MemorySegment.copy(InetAddress.getByName(address).getAddress(), 0, to, ValueLayout.JAVA_BYTE, 4, 4);
            MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, content);
            assertEquals(content.length, LibcSocket.sendto(fd, bytes, content.length, 0, to));
            Libc.close(fd);
        }
    }

    /** The receiving kernels count what arrives with a checksum that does not fit. */
    private static void noWrongChecksumArrived() {
        for (NetworkNamespace container : List.of(here, there)) {
            assertEquals(0, Snmp.read(container, "Tcp", "InCsumErrors"));
            assertEquals(0, Snmp.read(container, "Udp", "InCsumErrors"));
        }
    }
}
