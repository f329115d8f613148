package flannel.status;

import java.time.Duration;
import java.util.List;

/**
 * How long something took, each time: a histogram.
 *
 * @param boundsMicros upper bounds, rising, in microseconds
 * @param counts       how many took up to each bound but not up to the one before; the last, one more than bounds, are those above all
 * @param total        of all together
 */
public record Timings(List<Long> boundsMicros, List<Long> counts, Duration total) {

    public Timings {
        boundsMicros = List.copyOf(boundsMicros);
        counts = List.copyOf(counts);
    }
}
