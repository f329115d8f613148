package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class StandingQueueTest {

    private static final long MILLISECOND = 1_000_000;

    @Test
    void aQueueThatIsEmptyNowAndThenLosesNothing() {
        StandingQueue queue = new StandingQueue();
        for (long now = Long.MAX_VALUE - 500 * MILLISECOND, i = 0; i < 1000; now += MILLISECOND, i++) {
            assertFalse(queue.drop(now), "also over the clock's overflow, and first after a long pause");
            if (i % 19 == 18) {
                queue.emptied();
                now += 1000 * MILLISECOND;
            }
        }
    }

    @Test
    void oneThatStandsLosesAPacketInEachInterval() {
        StandingQueue queue = new StandingQueue();
        int drops = 0;
        for (int i = 0; i < 10_000; i++) {
            drops += queue.drop(i * MILLISECOND / 10) ? 1 : 0;
        }
        assertEquals(49, drops, "in one second, the first after 20 ms");
        queue.emptied();
        assertFalse(queue.drop(2000 * MILLISECOND));
        assertFalse(queue.drop(2019 * MILLISECOND));
        assertTrue(queue.drop(2020 * MILLISECOND));
    }

    @Test
    void itIsSaidToStandUntilItIsEmpty() {
        StandingQueue queue = new StandingQueue();
        assertFalse(queue.stands(0));
        assertFalse(queue.stands(19 * MILLISECOND));
        assertTrue(queue.stands(20 * MILLISECOND));
        assertTrue(queue.drop(20 * MILLISECOND));
        assertTrue(queue.stands(21 * MILLISECOND));
        queue.emptied();
        assertFalse(queue.stands(22 * MILLISECOND));
    }
}
