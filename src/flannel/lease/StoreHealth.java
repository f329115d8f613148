package flannel.lease;

import java.time.Duration;
import java.util.List;

/**
 * How it goes with the requests to a store.
 *
 * @param api       as "etcd v3"; empty as long as that is not known
 * @param endpoint  that answered last; empty for none
 * @param latency   of the last answer
 * @param answered  how long ago the store was last heard of; null when it never was
 * @param failed    requests that got no usable answer
 * @param latencies answers that took up to each of {@link #BOUNDS_MILLIS} but not up to the one before; the last are those above all bounds
 * @param total     time that all answers took together
 */
public record StoreHealth(String api, String endpoint, Duration latency, Duration answered, long failed, List<Long> latencies, Duration total) {

    public static final List<Integer> BOUNDS_MILLIS = List.of(1, 5, 25, 100, 500, 2_500);

    /** Of a store that does not tell. */
    public static final StoreHealth UNKNOWN = new StoreHealth("", "", Duration.ZERO, null, 0, List.of(), Duration.ZERO);

    /** The same, when it is open by what API the store will be asked. */
    public StoreHealth withoutApi() {
        return new StoreHealth("", endpoint, latency, answered, failed, latencies, total);
    }
}
