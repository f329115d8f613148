package flannel.backend.udp;

import java.util.function.IntConsumer;
import java.util.function.IntSupplier;

/**
 * How much may wait behind the socket: about a millisecond of what the link carries, and as much more as it takes that the link never
 * waits for us. What waits there can't be overtaken any more, and delays everything; what waits with us can. The idea is that of dynamic
 * queue limits (include/linux/dynamic_queue_limits.h), with the socket's send buffer in a driver's place. For one thread.
 */
final class SocketRoom {

    /** To begin with: a few full messages. */
    static final int FIRST_BYTES = 256 << 10;
    private static final int LEAST_BYTES = 16 << 10;
    private static final int MOST_BYTES = 4 << 20;

    /** How long the socket is to be full at a time: no longer, so that others don't wait; not much shorter, for we have to wake up each time. */
    private static final long WAIT_NANOS = 1_000_000;
    private static final long SHORT_WAIT_NANOS = WAIT_NANOS / 4;

    /** So many waits are looked at together. */
    private static final int WAITS = 16;

    private final IntSupplier unsentBytes;
    private final IntConsumer resize;
    private int bytes = FIRST_BYTES;
    private long fullSinceNanos;
    private int waits;
    private long waitedNanos;
    private int leastUnsent = Integer.MAX_VALUE;

    /**
     * @param unsentBytes how many bytes wait behind the socket, as the kernel counts them; minus an error number
     * @param resize      changes how many may
     */
    SocketRoom(IntSupplier unsentBytes, IntConsumer resize) {
        this.unsentBytes = unsentBytes;
        this.resize = resize;
    }

    /** What may wait there now. */
    int bytes() {
        return bytes;
    }

    /** The socket takes no more: we wait from now on. */
    void full(long nowNanos) {
        fullSinceNanos = nowNanos;
    }

    /** We have been told that the socket takes more again, as it is when half of the room is free (poll(2) of a UDP socket). */
    void writable(long nowNanos) {
        int unsent = unsentBytes.getAsInt();
        if (unsent < 0) {
            return;
        }
        if (unsent < bytes / 8) {                       // the link was idle before we came, or nearly so
            resize(bytes * 2);
            return;
        }
        waitedNanos += nowNanos - fullSinceNanos;
        leastUnsent = Math.min(leastUnsent, unsent);
        if (++waits < WAITS) {
            return;
        }
        if (waitedNanos > WAITS * WAIT_NANOS && leastUnsent > bytes / 4) {
            resize(bytes / 4 * 3);
        } else if (waitedNanos < WAITS * SHORT_WAIT_NANOS) {
            resize(bytes * 2);
        } else {
            restart();
        }
    }

    /** Sets what may wait also where nothing has changed: the socket may be another one by now, with the room it was made with. */
    private void resize(int next) {
        bytes = Math.clamp(next, LEAST_BYTES, MOST_BYTES);
        resize.accept(bytes);
        restart();
    }

    private void restart() {
        waits = 0;
        waitedNanos = 0;
        leastUnsent = Integer.MAX_VALUE;
    }
}
