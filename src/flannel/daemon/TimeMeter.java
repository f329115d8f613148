package flannel.daemon;

import flannel.status.Timings;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;

/** Counts how long something takes. For all threads. */
final class TimeMeter {

    private final List<Long> boundsMicros;
    private final AtomicLongArray counts;
    private final LongAdder totalNanos = new LongAdder();

    /** @param boundsMicros of the histogram, rising, in microseconds */
    TimeMeter(List<Long> boundsMicros) {
        this.boundsMicros = boundsMicros;
        counts = new AtomicLongArray(boundsMicros.size() + 1);
    }

    void took(long nanos) {
        int at = 0;
        while (at < boundsMicros.size() && boundsMicros.get(at) * 1_000 < nanos) {
            at++;
        }
        counts.incrementAndGet(at);
        totalNanos.add(nanos);
    }

    Timings timings() {
        return new Timings(boundsMicros, IntStream.range(0, counts.length()).mapToObj(counts::get).toList(), Duration.ofNanos(totalNanos.sum()));
    }
}
