package flannel.lease;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * How it goes with the requests to a store.
 *
 * @param api       as "etcd v3"; empty as long as that is not known
 * @param endpoint  that answered last; empty for none
 * @param latency   of the last answer
 * @param answered  how long ago the store was last heard of; null when it never was
 * @param failures  requests that got no usable answer: why (as connection, timeout, tls, answer, server), how many
 * @param latencies answers that took up to each of {@link #BOUNDS_MILLIS} but not up to the one before; the last are those above all bounds
 * @param total     time that all answers took together
 */
public record StoreHealth(String api, String endpoint, Duration latency, Duration answered, Map<String, Long> failures, List<Long> latencies,
        Duration total) {

    public static final List<Integer> BOUNDS_MILLIS = List.of(1, 5, 25, 100, 500, 2_500);

    /** Of a store that does not tell. */
    public static final StoreHealth UNKNOWN = new StoreHealth("", "", Duration.ZERO, null, Map.of(), List.of(), Duration.ZERO);

    /** All of them. */
    public long failed() {
        return failures.values().stream().mapToLong(Long::longValue).sum();
    }

    /** The same, when it is open by what API the store will be asked. */
    public StoreHealth withoutApi() {
        return new StoreHealth("", endpoint, latency, answered, failures, latencies, total);
    }
}
