package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.linux.Errno;
import flannel.linux.MessageHeaders;
import flannel.log.Log;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes of a batch when the kernel does not take it as it is: the kernel is played here. */
class DatagramSenderTest {

    /** Answers what it is told to, in turn, and takes everything after that; keeps the hosts of what it took. */
    private static final class Kernel implements DatagramSender.Output {
        private final List<Integer> answers = new ArrayList<>();
        private final List<Integer> taken = new ArrayList<>();
        private int calls;

        @Override
        public int send(MessageHeaders messages, int from, int count) {
            calls++;
            int result = answers.isEmpty() ? count : answers.removeFirst();
            for (int i = 0; i < result; i++) {
                taken.add(messages.peerAddress(from + i));
            }
            return result;
        }
    }

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment memory = arena.allocate(70_000);
    private final Counters counters = new Counters();
    private final ByteArrayOutputStream log = new ByteArrayOutputStream();
    private final Kernel kernel = new Kernel();
    private final SendBatch batch = new SendBatch(arena, 8285, true,
            new DatagramSender(arena, kernel, counters, new Log(new PrintStream(log, true), 0)));

    @AfterEach
    void free() {
        arena.close();
    }

    private void add(int host, int datagrams) {
        for (int i = 0; i < datagrams; i++) {
            batch.add(host, memory, 0, 100);
        }
    }

    @Test
    void aFullSocketIsWaitedForAndNothingIsDropped() {
        add(1, 3);
        add(2, 3);
        add(3, 3);
        kernel.answers.addAll(List.of(1, -Errno.EAGAIN));
        batch.flush();
        assertEquals(List.of(1), kernel.taken);
        assertTrue(batch.isWaiting());
        assertEquals(2, kernel.calls, "one error is enough");
        batch.flush();
        assertEquals(List.of(1, 2, 3), kernel.taken);
        assertFalse(batch.isWaiting());
        assertEquals(0, counters.get(Counter.SOCKET_FULL) + counters.get(Counter.SEND_FAILED));
    }

    @Test
    void oneHostWithoutChecksumOffloadIsServedSinglyAndOthersInTrains() {
        add(1, 3);
        add(2, 3);
        kernel.answers.add(-Errno.EIO);
        batch.flush();
        assertEquals(List.of(1, 1, 1, 2), kernel.taken);
        add(1, 3);
        add(2, 3);
        batch.flush();
        assertEquals(List.of(1, 1, 1, 2, 1, 1, 1, 2), kernel.taken);
        assertTrue(log.toString().contains("0.0.0.1 has no checksum offload"), log.toString());
    }

    @Test
    void aFullSocketInTheMiddleOfAMessageThatIsSentSingly() {
        add(1, 4);
        add(2, 1);
        kernel.answers.addAll(List.of(-Errno.EMSGSIZE, -Errno.EMSGSIZE, 1, 1, -Errno.EAGAIN));
        batch.flush();
        assertEquals(List.of(1, 1), kernel.taken);
        assertTrue(batch.isWaiting());
        kernel.answers.addAll(List.of(1, -Errno.EAGAIN));
        batch.flush();
        assertEquals(List.of(1, 1, 1), kernel.taken);
        batch.flush();
        assertEquals(List.of(1, 1, 1, 1, 2), kernel.taken, "each once");
        assertFalse(batch.isWaiting());
    }

    /** As where IPsec has no key for a host yet: nobody else has to wait for that. */
    @Test
    void whatIsRefusedThoughThereIsRoomIsDropped() {
        add(1, 2);
        add(2, 1);
        kernel.answers.add(-Errno.EAGAIN);
        batch.flush();
        assertTrue(batch.isWaiting());
        kernel.answers.add(-Errno.EAGAIN);
        batch.flush();
        assertEquals(List.of(2), kernel.taken);
        assertFalse(batch.isWaiting());
        assertEquals(2, counters.get(Counter.SEND_FAILED));
    }

    @Test
    void whatARouterSaidAboutAnEarlierDatagramIsNoReasonToDropThisOne() {
        add(1, 1);
        kernel.answers.add(-Errno.EHOSTUNREACH);
        batch.flush();
        assertEquals(List.of(1), kernel.taken);
        add(1, 1);
        kernel.answers.addAll(List.of(-Errno.EHOSTUNREACH, -Errno.EHOSTUNREACH));
        batch.flush();
        assertEquals(List.of(1), kernel.taken);
        assertEquals(1, counters.get(Counter.SEND_FAILED));
    }

    @Test
    void aFullInterfaceLosesTheMessageAndItsDatagramsAreCounted() {
        add(1, 5);
        add(2, 1);
        kernel.answers.add(-Errno.ENOBUFS);
        batch.flush();
        assertEquals(List.of(2), kernel.taken);
        assertEquals(5, counters.get(Counter.SOCKET_FULL));
    }
}
