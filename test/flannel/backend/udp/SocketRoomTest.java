package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A socket in front of a link, and a sender that has always something to send; time is played. */
class SocketRoomTest {

    /** Takes messages as long as fewer bytes wait than there is room for, and is writable again when half of the room is free. */
    private static final class Link {
        private final double bytesPerNano;
        private final int message;
        private final SocketRoom room = new SocketRoom(() -> (int) waiting(), bytes -> limit = bytes);
        private final Random random = new Random(1);
        private int limit = SocketRoom.FIRST_BYTES;
        private double unsent;
        private long now = 1_000_000_000L;
        private long idleNanos;
        private int waits;

        Link(double megabits, int message) {
            bytesPerNano = megabits / 8000;
            this.message = message;
        }

        private double waiting() {
            return unsent;
        }

        private void pass(long nanos) {
            long busy = Math.min(nanos, (long) (unsent / bytesPerNano));
            idleNanos += nanos - busy;
            unsent = Math.max(0, unsent - busy * bytesPerNano);
            now += nanos;
        }

        /** Runs so long; we are late by so much at most each time that the socket becomes writable. */
        void run(long nanos, int latenessNanos) {
            idleNanos = 0;
            waits = 0;
            for (long end = now + nanos; now < end; waits++) {
                while (unsent < limit) {
                    unsent += message;
                }
                room.full(now);
                pass((long) (Math.max(0, unsent - limit / 2.0) / bytesPerNano) + random.nextInt(latenessNanos));
                room.writable(now);
            }
        }
    }

    @ParameterizedTest(name = "{0} Mbit/s, messages of {1} bytes")
    @CsvSource({"100, 3000", "100, 12000", "1000, 3000", "1000, 64000", "10000, 64000", "40000, 64000"})
    void whatWaitsIsAMillisecondsWorth(double megabits, int message) {
        Link link = new Link(megabits, message);
        link.run(1_000_000_000L, 50_000);
        link.run(1_000_000_000L, 50_000);
        long worthNanos = (long) ((link.limit + message) / link.bytesPerNano);
        assertTrue(worthNanos < 3_000_000, worthNanos + " ns");
        assertTrue(link.idleNanos < 10_000_000, "the link was idle for " + link.idleNanos + " ns of a second");
        assertTrue(link.waits < 8000, link.waits + " times a second");
    }

    @Test
    void whereWeComeLateMoreMayWaitUntilWeDoNot() {
        Link link = new Link(1000, 12_000);
        link.run(1_000_000_000L, 5_000_000);
        link.run(1_000_000_000L, 5_000_000);
        assertTrue(link.idleNanos < 50_000_000, link.idleNanos + " ns");
        link.run(1_000_000_000L, 50_000);
        assertTrue(link.limit < 300_000, Integer.toString(link.limit));
    }

    @Test
    void aSocketThatDoesNotTellKeepsWhatItHas() {
        SocketRoom room = new SocketRoom(() -> -25, bytes -> {
            throw new AssertionError("not to be touched");
        });
        for (int i = 0; i < 100; i++) {
            room.full(i * 10_000_000L);
            room.writable((i + 1) * 10_000_000L);
        }
        assertEquals(SocketRoom.FIRST_BYTES, room.bytes());
    }
}
