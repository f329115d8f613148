package flannel.backend.udp;

/**
 * Says when to drop a packet so that its TCP sender slows down: when the queue has not been empty for a while. The idea of CoDel (RFC
 * 8289) at its simplest, with one observation in place of time stamps: whoever empties a queue sees when it is empty. Without it a
 * sender fills whatever queue there is, every other packet waits behind that, and the data has left the processor's cache when its turn
 * comes. For one thread.
 */
final class StandingQueue {

    /** How long a queue may stand for each drop: longer than a busy scheduler may keep us waiting. */
    private static final long INTERVAL_NANOS = 20_000_000;

    private boolean standing;
    private long sinceNanos;
    private long deadlineNanos;

    /** The queue is, or was until now, empty. */
    void emptied() {
        standing = false;
    }

    /** Whether the queue, which a packet has just come from, has not been empty for a while. */
    boolean stands(long nowNanos) {
        if (!standing) {
            standing = true;
            sinceNanos = nowNanos;
            deadlineNanos = nowNanos + INTERVAL_NANOS;
        }
        return nowNanos - sinceNanos >= INTERVAL_NANOS;
    }

    /** Whether the packet at hand, which comes from the queue, is to be dropped; counts it as such. */
    boolean drop(long nowNanos) {
        if (!stands(nowNanos)) {
            return false;
        }
        if (nowNanos - deadlineNanos < 0) {
            return false;
        }
        deadlineNanos = nowNanos + INTERVAL_NANOS;
        return true;
    }
}
