package flannel.backend.udp;

/**
 * Says when to drop a packet so that its TCP sender slows down: when the queue has been too long for a while, and then the more often the
 * longer it stays so (CoDel, RFC 8289). What is too long, whoever empties the queue knows: by how long its packets have been in it where that
 * can be told, else by how many there are. Without it a sender fills whatever queue there is, every other packet waits behind that, and the
 * data has left the processor's cache when its turn comes. For one thread.
 */
final class StandingQueue {

    /** How long a queue may stand: longer than a busy scheduler may keep us waiting, and than most round trips. */
    private static final long INTERVAL_NANOS = 20_000_000;

    /** Senders that do not slow down would lose more and more. */
    private static final int MOST_DROPS = 25;

    /** A queue that stands again so soon has not learnt enough. */
    private static final long MEMORY_NANOS = 16 * INTERVAL_NANOS;

    private boolean standing;
    private long sinceNanos;
    private long deadlineNanos;
    private int drops;

    /** The queue is, or was until now, empty or short enough. */
    void isShort() {
        standing = false;
    }

    /** Whether the queue, which a packet has just come from, has not been short for a while. */
    boolean stands(long nowNanos) {
        if (!standing) {
            standing = true;
            drops = drops > 2 && nowNanos - deadlineNanos < MEMORY_NANOS ? drops - 2 : 0;
            sinceNanos = nowNanos;
            deadlineNanos = nowNanos + INTERVAL_NANOS;
        }
        return nowNanos - sinceNanos >= INTERVAL_NANOS;
    }

    /** Whether {@link #drop} would say yes. */
    boolean isDropDue(long nowNanos) {
        return standing && nowNanos - deadlineNanos >= 0;
    }

    /** Whether the packet at hand, which comes from the queue, is to be dropped; counts it as such. */
    boolean drop(long nowNanos) {
        if (!stands(nowNanos) || !isDropDue(nowNanos)) {
            return false;
        }
        drops = Math.min(drops + 1, MOST_DROPS);
        deadlineNanos = nowNanos + (long) (INTERVAL_NANOS / Math.sqrt(drops));
        return true;
    }
}
