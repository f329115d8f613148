package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SendBatchTest {

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment memory = arena.allocate(70_000);
    private final Captured captured = new Captured();
    private final SendBatch batch = new SendBatch(arena, 8285, true, captured);

    @AfterEach
    void free() {
        arena.close();
    }

    private List<Integer> sizes() {
        batch.flush();
        return captured.messages.stream().map(message -> message.datagrams().size()).toList();
    }

    private void add(int host, int... lengths) {
        for (int length : lengths) {
            batch.add(host, memory, 0, length);
        }
    }

    @Test
    void equalLengthsToOneHostAreOneMessage() {
        add(1, 100, 100, 100);
        add(2, 100, 100);
        assertEquals(List.of(3, 2), sizes());
    }

    @Test
    void aShorterOneEndsTheMessage() {
        add(1, 100, 100, 60, 100, 60, 60);
        assertEquals(List.of(3, 2, 1), sizes());
    }

    @Test
    void aLongerOneBeginsAnother() {
        add(1, 60, 100, 100);
        assertEquals(List.of(1, 2), sizes());
    }

    @Test
    void noMoreThanTheKernelTakes() {
        for (int i = 0; i < 130; i++) {
            add(1, 100);
        }
        assertEquals(List.of(64, 64, 2), sizes());
        captured.messages.clear();
        for (int i = 0; i < 50; i++) {
            add(1, 1472);
        }
        assertEquals(List.of(44, 6), sizes());
    }

    @Test
    void oneByOneWhereTheKernelCutsNothing() {
        SendBatch single = new SendBatch(arena, 8285, false, captured);
        single.add(1, memory, 0, 100);
        single.add(1, memory, 0, 100);
        single.flush();
        assertEquals(List.of(1, 1), sizes());
    }

    @Test
    void aBatchThatIsNotFullHasRoomForAnyPacket() {
        int host = 0;
        while (!batch.isFull()) {
            add(host++, 100);
        }
        assertTrue(host >= 256);
        for (int i = 0; i < Segmenter.MOST_TCP_SEGMENTS - 1; i++) {
            add(host++, 100);
        }
        assertEquals(host, sizes().size());
        assertFalse(batch.isFull());
    }

    /** The socket takes a message now and then. */
    @Test
    void whatHasToWaitIsOfferedAgain() {
        List<Integer> taken = new ArrayList<>();
        AtomicInteger room = new AtomicInteger();
        SendBatch slow = new SendBatch(arena, 8285, true, (sent, from) -> {
            int message = from;
            for (; message < sent.messages() && room.get() > 0; room.decrementAndGet()) {
                taken.add(sent.messageHeaders().peerAddress(message++));
            }
            return message;
        });
        for (int host : new int[] {1, 2, 3}) {
            slow.add(host, memory, 0, 100);
            slow.add(host, memory, 0, 100);
        }
        slow.flush();
        assertTrue(slow.isWaiting());
        room.set(2);
        slow.flush();
        assertEquals(List.of(1, 2), taken);
        assertTrue(slow.isWaiting());
        room.set(2);
        slow.flush();
        assertEquals(List.of(1, 2, 3), taken);
        assertFalse(slow.isWaiting());
        slow.add(4, memory, 0, 100);
        slow.flush();
        assertEquals(List.of(1, 2, 3, 4), taken, "and on from there");
    }

    @Test
    void whereOneHostsWayCanCutNothingOtherHostsGoOnInTrains() {
        assertTrue(batch.endSegmentation(1));
        assertFalse(batch.endSegmentation(1), "known already");
        add(1, 100, 100);
        add(2, 100, 100);
        add(1, 100, 100);
        assertEquals(List.of(1, 1, 2, 1, 1), sizes());
    }

    @Test
    void hostsWhoseWayCanCutNothingAreRememberedWithinABound() {
        int remembered = 0;
        for (int host = 1; host <= 100_000; host++) {
            remembered += batch.endSegmentation(host) ? 1 : 0;
        }
        assertEquals(1024, remembered);
        add(99_999, 100, 100);
        assertEquals(List.of(2), sizes());
    }
}
