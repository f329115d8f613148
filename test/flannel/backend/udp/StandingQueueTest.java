package flannel.backend.udp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class StandingQueueTest {

    private static final long MILLISECOND = 1_000_000;

    @Test
    void aQueueThatIsShortNowAndThenLosesNothing() {
        StandingQueue queue = new StandingQueue();
        for (long now = Long.MAX_VALUE - 500 * MILLISECOND, i = 0; i < 1000; now += MILLISECOND, i++) {
            assertFalse(queue.drop(now), "also over the clock's overflow, and first after a long pause");
            if (i % 19 == 18) {
                queue.isShort();
                now += 1000 * MILLISECOND;
            }
        }
    }

    /** The times between drops are 20 ms by the square root of their number, at least a fifth of it. */
    @Test
    void oneThatStandsLosesTheMoreTheLongerItStands() {
        StandingQueue queue = new StandingQueue();
        List<Integer> dropped = new ArrayList<>();
        for (int millisecond = 0; millisecond < 1000; millisecond++) {
            if (queue.drop(millisecond * MILLISECOND)) {
                dropped.add(millisecond);
            }
        }
        assertEquals(List.of(20, 40, 55, 67, 77), dropped.subList(0, 5));
        assertEquals(4, dropped.getLast() - dropped.get(dropped.size() - 2));
    }

    @Test
    void oneThatStandsAgainSoonIsNotForgiven() {
        assertEquals(4, dropsWhenItStandsAgainAfter(100), "at 20, 28, 36 and 43 ms: not one by one as at first");
        assertEquals(2, dropsWhenItStandsAgainAfter(1000));
    }

    private static int dropsWhenItStandsAgainAfter(int pauseMillis) {
        StandingQueue queue = new StandingQueue();
        int at = 0;
        for (int drops = 0; drops < 8; at++) {
            drops += queue.drop(at * MILLISECOND) ? 1 : 0;
        }
        queue.isShort();
        at += pauseMillis;
        int drops = 0;
        for (int i = 0; i < 50; i++) {
            drops += queue.drop((at + i) * MILLISECOND) ? 1 : 0;
        }
        return drops;
    }

    @Test
    void aDropIsDueOnlyWhileTheQueueStands() {
        StandingQueue queue = new StandingQueue();
        assertFalse(queue.isDropDue(100 * MILLISECOND));
        assertFalse(queue.drop(100 * MILLISECOND));
        assertFalse(queue.isDropDue(119 * MILLISECOND));
        assertTrue(queue.isDropDue(120 * MILLISECOND));
        queue.isShort();
        assertFalse(queue.isDropDue(120 * MILLISECOND));
    }

    @Test
    void itIsSaidToStandUntilItIsEmpty() {
        StandingQueue queue = new StandingQueue();
        assertFalse(queue.stands(0));
        assertFalse(queue.stands(19 * MILLISECOND));
        assertTrue(queue.stands(20 * MILLISECOND));
        assertTrue(queue.drop(20 * MILLISECOND));
        assertTrue(queue.stands(21 * MILLISECOND));
        queue.isShort();
        assertFalse(queue.stands(22 * MILLISECOND));
    }
}
