package flannel.status;

import flannel.lease.StoreHealth;
import flannel.status.NetworkStatus.Counter;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Peer;
import flannel.status.NetworkStatus.Phase;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * A status as numbers for Prometheus. Names stay the same from version to version; no label's values grow with the cluster.
 *
 * <p>Source: Prometheus' text-based exposition format 0.0.4, and OpenMetrics 1.0, which names a counter's family without {@code _total} and
 * ends with {@code # EOF}.
 */
public final class Metrics {

    public enum Format { PROMETHEUS, OPENMETRICS }

    private final Format format;
    private final StringBuilder out = new StringBuilder(1 << 13);

    private Metrics(Format format) {
        this.format = format;
    }

    public static String render(Status status, Format format) {
        Metrics metrics = new Metrics(format);
        metrics.process(status);
        metrics.networks(status.networks());
        metrics.store(known(status));
        metrics.kernel(known(status));
        metrics.reaction(known(status));
        metrics.udp(known(status));
        metrics.probes(known(status).stream().filter(network -> network.probing() != null).toList());
        return metrics.out.append(format == Format.OPENMETRICS ? "# EOF\n" : "").toString();
    }

    private static List<Known> known(Status status) {
        return status.networks().stream().filter(Known.class::isInstance).map(Known.class::cast).toList();
    }

    private void process(Status status) {
        Memory memory = status.memory();
        family("flannel_build_info", "gauge", "The daemon's version; always 1.");
        sample("flannel_build_info", label("version", status.daemon().version()), 1);
        family("flannel_uptime_seconds", "gauge", "Time since the daemon was started.");
        sample("flannel_uptime_seconds", "", status.daemon().uptime().toSeconds());
        family("process_resident_memory_bytes", "gauge", "Resident memory of the process.");
        sample("process_resident_memory_bytes", "", memory.resident());
        family("flannel_jvm_heap_used_bytes", "gauge", "Heap in use, garbage included.");
        sample("flannel_jvm_heap_used_bytes", "", memory.heapUsed());
        family("flannel_jvm_heap_committed_bytes", "gauge", "Heap that the process holds.");
        sample("flannel_jvm_heap_committed_bytes", "", memory.heapCommitted());
        family("flannel_jvm_heap_max_bytes", "gauge", "Heap that the process may hold.");
        sample("flannel_jvm_heap_max_bytes", "", memory.heapMax());
        counter("flannel_jvm_collections", "Garbage collections.", () -> total("flannel_jvm_collections", "", memory.collections()));
        counter("flannel_jvm_collection_seconds", "Time that they took.",
                () -> total("flannel_jvm_collection_seconds", "", seconds(memory.collecting())));
    }

    private void networks(List<NetworkStatus> networks) {
        family("flannel_session_answers", "gauge", "1 when the network's session answers within a second, 0 when it is stuck.");
        networks.forEach(each -> sample("flannel_session_answers", network(each), each instanceof Known ? 1 : 0));
        family("flannel_network_active", "gauge", "1 when the network's subnet is in the kernel.");
        each(networks, known -> sample("flannel_network_active", network(known), known.phase() == Phase.ACTIVE ? 1 : 0));
        family("flannel_troubles", "gauge", "Troubles that need a person; flanneld status names them.");
        networks.forEach(each -> sample("flannel_troubles", network(each), each.troubles().size()));
        family("flannel_lease_remaining_seconds", "gauge", "Time until this host's lease ends unless it is renewed; absent for a reservation.");
        each(networks, known -> {
            if (known.lease() != null && known.lease().remaining() != null) {
                sample("flannel_lease_remaining_seconds", network(known), seconds(known.lease().remaining()));
            }
        });
        family("flannel_peers", "gauge", "Other entries of the store: followed, kept though the store no longer has them (readable), ignored.");
        each(networks, known -> {
            long ignored = known.peers().stream().filter(peer -> !peer.ignored().isEmpty()).count();
            long kept = known.peers().stream().filter(Peer::kept).count();
            sample("flannel_peers", network(known) + "," + label("state", "followed"), known.peers().size() - ignored - kept);
            sample("flannel_peers", network(known) + "," + label("state", "kept"), kept);
            sample("flannel_peers", network(known) + "," + label("state", "ignored"), ignored);
        });
    }

    private void store(List<Known> networks) {
        family("flannel_store_up", "gauge", "1 when the store can be asked.");
        networks.forEach(known -> sample("flannel_store_up", network(known), known.store().trouble().isEmpty() ? 1 : 0));
        family("flannel_store_answer_age_seconds", "gauge", "Time since the store was last heard of: by an answer, or by a watch that is open.");
        networks.stream().filter(known -> known.store().health().answered() != null).forEach(known ->
                sample("flannel_store_answer_age_seconds", network(known), seconds(known.store().health().answered())));
        family("flannel_store_list_age_seconds", "gauge", "Time since everything in the store was last listed.");
        networks.stream().filter(known -> known.store().listed() != null).forEach(known ->
                sample("flannel_store_list_age_seconds", network(known), seconds(known.store().listed())));
        counter("flannel_store_failures", "Requests that got no usable answer.", () -> networks.forEach(known ->
                known.store().health().failures().forEach((kind, count) ->
                        total("flannel_store_failures", network(known) + "," + label("kind", kind), count))));
        family("flannel_store_request_seconds", "histogram", "How long the store took to answer.");
        networks.forEach(known -> histogram("flannel_store_request_seconds", network(known), latencies(known.store().health())));
    }

    private static Timings latencies(StoreHealth health) {
        return new Timings(StoreHealth.BOUNDS_MILLIS.stream().map(millis -> millis * 1_000L).toList(), health.latencies(), health.total());
    }

    private void histogram(String name, String labels, Timings timings) {
        if (timings.counts().size() != timings.boundsMicros().size() + 1) {
            return; // a store that does not tell
        }
        long upToHere = 0;
        for (int i = 0; i < timings.counts().size(); i++) {
            upToHere += timings.counts().get(i);
            String bound = i == timings.boundsMicros().size() ? "+Inf"
                    : number(BigDecimal.valueOf(timings.boundsMicros().get(i), 6)).replaceFirst("^(\\d+)$", "$1.0");
            sample(name + "_bucket", labels + "," + label("le", bound), upToHere);
        }
        sample(name + "_sum", labels, seconds(timings.total()));
        sample(name + "_count", labels, upToHere);
    }

    private void kernel(List<Known> networks) {
        counter("flannel_kernel_comparisons", "Comparisons of all that is wanted with the kernel's tables.", () -> networks.forEach(known ->
                total("flannel_kernel_comparisons", network(known), known.kernel().comparisons())));
        family("flannel_kernel_refused", "gauge", "Entries that the kernel refuses at present.");
        networks.forEach(known -> sample("flannel_kernel_refused", network(known), known.kernel().refused().size()));
        counter("flannel_repairs", "Things put back, since somebody else had removed or changed them.", () -> networks.forEach(known ->
                known.repaired().forEach((kind, count) -> total("flannel_repairs", network(known) + "," + label("kind", kind), count))));
    }

    private void reaction(List<Known> networks) {
        family("flannel_event_to_kernel_seconds", "histogram", "From a change in the store being heard to its being dealt with, the kernel included.");
        networks.stream().filter(known -> known.reaction() != null).forEach(known ->
                histogram("flannel_event_to_kernel_seconds", network(known), known.reaction()));
    }

    private void udp(List<Known> networks) {
        List<Known> own = networks.stream().filter(known -> !known.counters().isEmpty()).toList();
        if (own.isEmpty()) {
            return;
        }
        for (Counter work : own.getFirst().counters().stream().filter(counter -> !counter.drop()).toList()) {
            String name = "flannel_udp_" + snake(work.name());
            counter(name, "Backend udp: " + work.meaning() + ".", () -> own.forEach(known -> known.counters().stream()
                    .filter(each -> each.name().equals(work.name())).forEach(each -> total(name, network(known), each.value()))));
        }
        counter("flannel_udp_dropped", "Backend udp: packets dropped, by reason; flanneld status explains each.", () -> own.forEach(known ->
                known.counters().stream().filter(Counter::drop).forEach(each ->
                        total("flannel_udp_dropped", network(known) + "," + label("reason", snake(each.name())), each.value()))));
    }

    private void probes(List<Known> networks) {
        if (networks.isEmpty()) {
            return;
        }
        counter("flannel_probe_echoes_sent", "Echoes sent to peers over the overlay.", () -> networks.forEach(known ->
                total("flannel_probe_echoes_sent", network(known), known.probing().sent())));
        counter("flannel_probe_echoes_answered", "Echoes that were answered.", () -> networks.forEach(known ->
                total("flannel_probe_echoes_answered", network(known), known.probing().answered())));
        family("flannel_probe_peers", "gauge", "Peers that are probed: reached, or lost three times in a row, be it full-size packets only.");
        networks.forEach(known -> {
            long lost = known.peers().stream().filter(Peer::isLost).count();
            long all = known.peers().stream().filter(peer -> peer.echoes() != null).count();
            sample("flannel_probe_peers", network(known) + "," + label("state", "reached"), all - lost);
            sample("flannel_probe_peers", network(known) + "," + label("state", "lost"), lost);
        });
        family("flannel_probe_round_trip_seconds", "histogram", "Time until an echo was answered.");
        networks.forEach(known -> histogram("flannel_probe_round_trip_seconds", network(known), known.probing().roundTrips()));
    }

    // ---- the format ----

    private void counter(String name, String help, Runnable samples) {
        family(format == Format.PROMETHEUS ? name + "_total" : name, "counter", help);
        samples.run();
    }

    private void family(String name, String type, String help) {
        out.append("# HELP ").append(name).append(' ').append(help.replace("\\", "\\\\")).append('\n');
        out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private void total(String counter, String labels, Number value) {
        sample(counter + "_total", labels, value);
    }

    private void sample(String name, String labels, Number value) {
        out.append(name);
        if (!labels.isEmpty()) {
            out.append('{').append(labels).append('}');
        }
        out.append(' ').append(value instanceof BigDecimal decimal ? number(decimal) : value.toString()).append('\n');
    }

    private static void each(List<NetworkStatus> networks, Consumer<Known> known) {
        networks.stream().filter(Known.class::isInstance).map(Known.class::cast).forEach(known);
    }

    private static String network(NetworkStatus network) {
        return label("network", network.name());
    }

    private static String label(String name, String value) {
        return name + "=\"" + value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"";
    }

    private static BigDecimal seconds(Duration duration) {
        return BigDecimal.valueOf(duration.toNanos() / 1_000, 6);
    }

    private static String number(BigDecimal decimal) {
        return decimal.signum() == 0 ? "0" : decimal.stripTrailingZeros().toPlainString();
    }

    /** sentPackets as sent_packets. */
    private static String snake(String camel) {
        return camel.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }
}
