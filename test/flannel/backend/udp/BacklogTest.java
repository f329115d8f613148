package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BacklogTest {

    private static final int SLOT = 4096;

    private final Arena arena = Arena.ofConfined();
    private final Backlog backlog = new Backlog(arena, 64 << 10, SLOT, 54, 64);

    @AfterEach
    void free() {
        arena.close();
    }

    /** Adds a packet; the flow is told by the TCP client's port, the packet by its id. */
    private boolean add(int port, int id, int payload, boolean train) {
        int at = backlog.room();
        if (at < 0) {
            return false;
        }
        Packets.Tcp tcp = new Packets.Tcp();
        tcp.sourcePort = port;
        tcp.id = id;
        tcp.payload = new byte[payload];
        return add(at, tcp.build(), train);
    }

    private boolean add(int at, byte[] packet, boolean train) {
        MemorySegment.copy(packet, 0, backlog.memory(), ValueLayout.JAVA_BYTE, at + 10, packet.length);
        backlog.add(10 + packet.length, at + 10, train, id(at));
        return true;
    }

    private int id(int at) {
        return Ipv4Header.u16(backlog.memory(), at + 10 + Ipv4Header.ID);
    }

    /** Takes one: its id; -1 when there is none. */
    private int take(boolean bulkFirst) {
        int place = backlog.take(bulkFirst);
        return place < 0 ? -1 : id(backlog.offset(place));
    }

    private List<Integer> takeAll() {
        List<Integer> ids = new ArrayList<>();
        for (int id = take(false); id >= 0; id = take(false)) {
            ids.add(id);
        }
        return ids;
    }

    @Test
    void whoHasLittleToSendGoesBeforeWhoHasMuch() {
        add(1, 1, 3000, true);
        add(1, 2, 3000, true);
        add(2, 3, 50, false);
        add(1, 4, 3000, true);
        add(3, 5, 50, false);
        assertEquals(5, backlog.packets());
        assertEquals(List.of(3, 5, 1, 2, 4), takeAll());
        assertEquals(0, backlog.packets());
    }

    @Test
    void noPacketGoesBeforeOneOfItsOwnFlow() {
        add(1, 1, 3000, true);
        add(1, 2, 0, false);
        add(2, 3, 1400, false);
        for (int id = 4; id < 10; id++) {
            add(2, id, 1400, false);
        }
        assertEquals(List.of(3, 4, 5, 1, 2, 6, 7, 8, 9), takeAll(), "and three full packets are little");
    }

    @Test
    void whoWaitsInTheLongLineHasATurnToo() {
        add(1, 1, 3000, true);
        add(2, 2, 0, false);
        add(3, 3, 0, false);
        assertEquals(1, take(true));
        assertEquals(2, take(true), "nobody is there but those of the short line");
        assertEquals(3, take(false));
        assertEquals(-1, take(true));
    }

    @Test
    void evenInTheLongLinesTurnNoPacketGoesBeforeOneOfItsOwnFlow() {
        add(1, 1, 0, false);
        add(1, 2, 3000, true);
        assertEquals(1, take(true));
        assertEquals(2, take(true));
    }

    /** Fragments carry no ports: with their flow's whole packets they are one flow all the same. */
    @Test
    void ofUdpWhatGoesFromOneAddressToAnotherIsOneFlow() {
        add(backlog.room(), Packets.udp(Packets.CLIENT, Packets.SERVER, 1000, 53, 1, new byte[3000]), true);
        add(backlog.room(), Packets.udp(Packets.CLIENT, Packets.SERVER, 2000, 53, 2, new byte[30]), false);
        add(backlog.room(), Packets.udp(Packets.CLIENT, Packets.SERVER + 1, 2000, 53, 3, new byte[30]), false);
        assertEquals(List.of(3, 1, 2), takeAll());
    }

    /** A packet comes at the time that is its id. */
    @Test
    void theLongLineIsShortUntilWhoCameFirstHasWaitedForLong() {
        assertTrue(backlog.isShort(100, 5000));
        add(1, 700, 3000, true);
        assertTrue(backlog.isShort(100, 5000), "one packet is no queue");
        add(1, 750, 3000, true);
        assertTrue(backlog.isShort(100, 799));
        assertFalse(backlog.isShort(100, 800));
        add(2, 800, 0, false);
        assertFalse(backlog.isShort(100, 800), "one who goes before says nothing of those behind");
        assertEquals(800, take(false));
        assertEquals(700, take(false));
        assertTrue(backlog.isShort(100, 5000));
    }

    @Test
    void memoryIsUsedAgainFromItsBeginningWhenNothingWaits() {
        int first = backlog.room();
        for (int i = 0; i < 1000; i++) {
            assertEquals(first, backlog.room());
            add(1, i, 2000, true);
            take(false);
            assertTrue(backlog.room() > first, "taken is not released");
            backlog.release();
        }
    }

    @Test
    void aFullOneTakesNoMoreAndLosesNothing() {
        int added = 0;
        while (add(1, added, 3000, true)) {
            added++;
        }
        assertTrue(added > 15, Integer.toString(added));
        assertEquals(added, takeAll().size());
        assertEquals(-1, backlog.room(), "what was taken is still being sent");
        backlog.release();
        assertTrue(backlog.room() >= 0);
        added = 0;
        while (add(1, added, 0, true)) {
            added++;
        }
        assertTrue(added > 400 && added <= Backlog.ENTRIES);
    }

    /** Many flows, packets of any size, taken and released at any time: each arrives once, whole, and in its flow's order. */
    @Test
    void whateverComesArrivesInItsFlowsOrder() {
        Random random = new Random(7);
        Map<Integer, Integer> last = new HashMap<>();
        List<Integer> taken = new ArrayList<>();
        int added = 0;
        int arrived = 0;
        for (int step = 0; step < 200_000; step++) {
            switch (random.nextInt(9)) {
                case 0, 1, 2, 3 -> {
                    boolean train = random.nextInt(3) == 0;
                    if (add(random.nextInt(12), added & 0xffff, train ? random.nextInt(4000) : random.nextInt(300), train)) {
                        added++;
                    }
                }
                case 4, 5, 6, 7 -> {
                    int place = backlog.take(random.nextBoolean());
                    if (place >= 0) {
                        taken.add(place);
                    }
                }
                default -> {
                    for (int place : taken) {
                        long packet = backlog.offset(place) + 10;
                        int length = Ipv4Header.soundLength(backlog.memory(), packet, backlog.length(place) - 10);
                        assertEquals(backlog.length(place) - 10, length, "as it came");
                        int id = id(backlog.offset(place));
                        int port = Ipv4Header.u16(backlog.memory(), packet + 20);
                        Integer before = last.put(port, id);
                        assertTrue(before == null || (id - before & 0xffff) < 0x8000, "flow " + port + ": " + id + " after " + before);
                        arrived++;
                    }
                    taken.clear();
                    backlog.release();
                }
            }
        }
        assertTrue(arrived > 50_000, Integer.toString(arrived));
        assertEquals(added, arrived + taken.size() + backlog.packets());
    }
}
