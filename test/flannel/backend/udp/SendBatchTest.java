package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
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
    void aFullBatchIsSentInBetween() {
        for (int i = 0; i < 2000; i++) {
            add(i, 100 + i);
        }
        assertEquals(2000, sizes().size());
        assertTrue(captured.messages.stream().allMatch(message -> message.datagrams().getFirst().length == 100 + message.host()));
    }
}
