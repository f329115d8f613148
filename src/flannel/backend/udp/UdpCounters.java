package flannel.backend.udp;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What the data path has done since it was opened: a number for each {@link Counter}. */
public record UdpCounters(Map<Counter, Long> values) {

    public UdpCounters {
        values = Collections.unmodifiableMap(new EnumMap<>(values));
    }

    static UdpCounters sum(List<Counters> parts) {
        Map<Counter, Long> values = new EnumMap<>(Counter.class);
        for (Counter counter : Counter.values()) {
            values.put(counter, parts.stream().mapToLong(part -> part.get(counter)).sum());
        }
        return new UdpCounters(values);
    }

    public long of(Counter counter) {
        return values.get(counter);
    }

    /** One line: what has been counted at all. */
    @Override
    public String toString() {
        return values.entrySet().stream().filter(entry -> entry.getValue() != 0)
                .map(entry -> entry.getKey().label() + " " + entry.getValue()).collect(Collectors.joining(", "));
    }
}
