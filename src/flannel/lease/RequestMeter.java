package flannel.lease;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;

/** Counts and times the requests to a store. For all threads. */
public final class RequestMeter {

    /** What kind of failure it was. */
    public enum Kind {
        /** None could be made, or it broke. */
        CONNECTION,
        /** No answer in time. */
        TIMEOUT,
        TLS,
        /** One that can't be read. */
        ANSWER,
        /** The server says that it can't: no leader, overload. */
        SERVER
    }

    private record Answer(String endpoint, long latencyNanos, long atNanos) {
    }

    private final AtomicLongArray latencies = new AtomicLongArray(StoreHealth.BOUNDS_MILLIS.size() + 1);
    private final LongAdder totalNanos = new LongAdder();
    private final AtomicLongArray failures = new AtomicLongArray(Kind.values().length);
    private volatile Answer last;

    /** @param startNanos when the request was sent, by the system's nanoTime */
    public void answered(String endpoint, long startNanos) {
        long now = System.nanoTime();
        last = new Answer(endpoint, now - startNanos, now);
        latencies.incrementAndGet((int) StoreHealth.BOUNDS_MILLIS.stream().takeWhile(bound -> bound * 1_000_000L < now - startNanos).count());
        totalNanos.add(now - startNanos);
    }

    /** A watch was opened, or was silent while its member was alive: how long that took says nothing. */
    public void alive(String endpoint) {
        Answer before = last;
        last = new Answer(endpoint, before == null ? 0 : before.latencyNanos(), System.nanoTime());
    }

    public void failed(Kind kind) {
        failures.incrementAndGet(kind.ordinal());
    }

    private Map<String, Long> failures() {
        Map<String, Long> counts = new TreeMap<>();
        for (Kind kind : Kind.values()) {
            counts.put(kind.name().toLowerCase(Locale.ROOT), failures.get(kind.ordinal()));
        }
        return counts;
    }

    public StoreHealth health(String api) {
        Answer answer = last;
        return new StoreHealth(api, answer == null ? "" : answer.endpoint(), Duration.ofNanos(answer == null ? 0 : answer.latencyNanos()),
                answer == null ? null : Duration.ofNanos(System.nanoTime() - answer.atNanos()), failures(),
                IntStream.range(0, latencies.length()).mapToObj(latencies::get).toList(), Duration.ofNanos(totalNanos.sum()));
    }
}
