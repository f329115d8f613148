package flannel.backend.udp;

import java.util.concurrent.atomic.AtomicLongArray;

/** Counters of one thread of the data path. Only that thread adds, without any locked instruction; everybody may read. */
final class Counters {

    private final AtomicLongArray values = new AtomicLongArray(Counter.values().length);

    void add(Counter counter, long count) {
        int index = counter.ordinal();
        values.setOpaque(index, values.getPlain(index) + count);
    }

    long get(Counter counter) {
        return values.getOpaque(counter.ordinal());
    }
}
