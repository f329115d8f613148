package flannel.status;

import flannel.lease.StoreHealth;
import flannel.status.NetworkStatus.Counter;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Peer;
import flannel.status.NetworkStatus.Phase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A status as numbers for Prometheus. Names stay the same from version to version; no label's values grow with the cluster.
 *
 * <p>Source: Prometheus' text-based exposition format 0.0.4, and OpenMetrics 1.0, which names a counter's family without {@code _total} and
 * ends with {@code # EOF}.
 */
public final class Metrics {

    public enum Format { PROMETHEUS, OPENMETRICS }

    /** A network that tells of itself, and its labels. */
    private record Told(Known known, String labels) {
    }

    private final Format format;
    private final StringBuilder out = new StringBuilder(1 << 13);
    private final List<Told> known = new ArrayList<>();
    /** Name of the samples that come now. */
    private String name;

    private Metrics(Format format) {
        this.format = format;
    }

    public static String render(Status status, Format format) {
        Metrics metrics = new Metrics(format);
        for (NetworkStatus network : status.networks()) {
            if (network instanceof Known known) {
                metrics.known.add(new Told(known, labels(network)));
            }
        }
        metrics.process(status);
        metrics.networks(status.networks());
        metrics.store();
        metrics.kernel();
        metrics.reaction();
        metrics.udp();
        metrics.probes();
        return metrics.out.append(format == Format.OPENMETRICS ? "# EOF\n" : "").toString();
    }

    private void process(Status status) {
        Memory memory = status.memory();
        gauge("flannel_build_info", "The daemon's version; always 1.");
        sample(label("version", status.daemon().version()), 1);
        gauge("flannel_uptime_seconds", "Time since the daemon was started.");
        sample("", status.daemon().uptime().toSeconds());
        gauge("process_resident_memory_bytes", "Resident memory of the process.");
        sample("", memory.resident());
        gauge("flannel_jvm_heap_used_bytes", "Heap in use, garbage included.");
        sample("", memory.heapUsed());
        gauge("flannel_jvm_heap_committed_bytes", "Heap that the process holds.");
        sample("", memory.heapCommitted());
        gauge("flannel_jvm_heap_max_bytes", "Heap that the process may hold.");
        sample("", memory.heapMax());
        counter("flannel_jvm_collections", "Garbage collections.");
        sample("", memory.collections());
        counter("flannel_jvm_collection_seconds", "Time that they took.");
        sample("", memory.collecting());
    }

    private void networks(List<NetworkStatus> networks) {
        gauge("flannel_session_answers", "1 when the network's session answers within a second, 0 when it is stuck.");
        for (NetworkStatus network : networks) {
            sample(labels(network), network instanceof Known ? 1 : 0);
        }
        gauge("flannel_network_active", "1 when the network's subnet is in the kernel.");
        for (Told each : known) {
            sample(each.labels, each.known.phase() == Phase.ACTIVE ? 1 : 0);
        }
        gauge("flannel_troubles", "Troubles that need a person; flanneld status names them.");
        for (NetworkStatus network : networks) {
            sample(labels(network), network.troubles().size());
        }
        gauge("flannel_lease_remaining_seconds", "Time until this host's lease ends unless it is renewed; absent for a reservation.");
        for (Told each : known) {
            sample(each.labels, each.known.lease() == null ? null : each.known.lease().remaining());
        }
        gauge("flannel_peers", "Other entries of the store: followed, kept though the store no longer has them (readable), ignored.");
        for (Told each : known) {
            long ignored = 0;
            long kept = 0;
            for (Peer peer : each.known.peers()) {
                ignored += peer.ignored().isEmpty() ? 0 : 1;
                kept += peer.kept() ? 1 : 0;
            }
            sample(each.labels, "state", "followed", each.known.peers().size() - ignored - kept);
            sample(each.labels, "state", "kept", kept);
            sample(each.labels, "state", "ignored", ignored);
        }
    }

    private void store() {
        gauge("flannel_store_up", "1 when the store can be asked.");
        for (Told each : known) {
            sample(each.labels, each.known.store().trouble().isEmpty() ? 1 : 0);
        }
        gauge("flannel_store_answer_age_seconds", "Time since the store was last heard of: by an answer, or by a watch that is open.");
        for (Told each : known) {
            sample(each.labels, each.known.store().health().answered());
        }
        gauge("flannel_store_list_age_seconds", "Time since everything in the store was last listed.");
        for (Told each : known) {
            sample(each.labels, each.known.store().listed());
        }
        counter("flannel_store_failures", "Requests that got no usable answer.");
        for (Told each : known) {
            each.known.store().health().failures().forEach((kind, count) -> sample(each.labels, "kind", kind, count));
        }
        histogram("flannel_store_request_seconds", "How long the store took to answer.");
        for (Told each : known) {
            timings(each.labels, latencies(each.known.store().health()));
        }
    }

    private static Timings latencies(StoreHealth health) {
        return new Timings(StoreHealth.BOUNDS_MILLIS.stream().map(millis -> millis * 1_000L).toList(), health.latencies(), health.total());
    }

    private void kernel() {
        counter("flannel_kernel_comparisons", "Comparisons of all that is wanted with the kernel's tables.");
        for (Told each : known) {
            sample(each.labels, each.known.kernel().comparisons());
        }
        gauge("flannel_kernel_refused", "Entries that the kernel refuses at present.");
        for (Told each : known) {
            sample(each.labels, each.known.kernel().refused().size());
        }
        counter("flannel_repairs", "Things put back, since somebody else had removed or changed them.");
        for (Told each : known) {
            each.known.repaired().forEach((kind, count) -> sample(each.labels, "kind", kind, count));
        }
    }

    private void reaction() {
        histogram("flannel_event_to_kernel_seconds", "From a change in the store being heard to its being dealt with, the kernel included.");
        for (Told each : known) {
            timings(each.labels, each.known.reaction());
        }
    }

    private void udp() {
        List<Told> own = known.stream().filter(each -> !each.known.counters().isEmpty()).toList();
        if (own.isEmpty()) {
            return;
        }
        for (Counter work : own.getFirst().known.counters().stream().filter(counter -> !counter.drop()).toList()) {
            counter("flannel_udp_" + snake(work.name()), "Backend udp: " + work.meaning() + ".");
            for (Told each : own) {
                each.known.counters().stream().filter(counter -> counter.name().equals(work.name()))
                        .forEach(counter -> sample(each.labels, counter.value()));
            }
        }
        counter("flannel_udp_dropped", "Backend udp: packets dropped, by reason; flanneld status explains each.");
        for (Told each : own) {
            each.known.counters().stream().filter(Counter::drop)
                    .forEach(counter -> sample(each.labels, "reason", snake(counter.name()), counter.value()));
        }
    }

    private void probes() {
        List<Told> probed = known.stream().filter(each -> each.known.probing() != null).toList();
        if (probed.isEmpty()) {
            return;
        }
        counter("flannel_probe_echoes_sent", "Echoes sent to peers over the overlay.");
        for (Told each : probed) {
            sample(each.labels, each.known.probing().sent());
        }
        counter("flannel_probe_echoes_answered", "Echoes that were answered.");
        for (Told each : probed) {
            sample(each.labels, each.known.probing().answered());
        }
        gauge("flannel_probe_peers", "Peers that are probed: reached, or lost three times in a row, be it full-size packets only.");
        for (Told each : probed) {
            long lost = 0;
            long all = 0;
            for (Peer peer : each.known.peers()) {
                lost += peer.isLost() ? 1 : 0;
                all += peer.echoes() == null ? 0 : 1;
            }
            sample(each.labels, "state", "reached", all - lost);
            sample(each.labels, "state", "lost", lost);
        }
        histogram("flannel_probe_round_trip_seconds", "Time until an echo was answered.");
        for (Told each : probed) {
            timings(each.labels, each.known.probing().roundTrips());
        }
    }

    // ---- the format ----

    private void gauge(String name, String help) {
        family(name, "gauge", help);
        this.name = name;
    }

    private void counter(String name, String help) {
        family(format == Format.PROMETHEUS ? name + "_total" : name, "counter", help);
        this.name = name + "_total";
    }

    private void histogram(String name, String help) {
        family(name, "histogram", help);
        this.name = name;
    }

    private void family(String name, String type, String help) {
        out.append("# HELP ").append(name).append(' ').append(help.replace("\\", "\\\\")).append('\n');
        out.append("# TYPE ").append(name).append(' ').append(type).append('\n');
    }

    private void timings(String labels, Timings timings) {
        if (timings == null || timings.counts().size() != timings.boundsMicros().size() + 1) {
            return; // nobody has told
        }
        long upToHere = 0;
        for (int i = 0; i < timings.counts().size(); i++) {
            upToHere += timings.counts().get(i);
            named("_bucket", labels + ",le=\"" + (i == timings.boundsMicros().size() ? "+Inf" : bound(timings.boundsMicros().get(i))) + "\"")
                    .append(upToHere).append('\n');
        }
        named("_sum", labels).append(seconds(timings.total())).append('\n');
        named("_count", labels).append(upToHere).append('\n');
    }

    private void sample(String labels, String label, String value, long number) {
        sample(labels + "," + label(label, value), number);
    }

    private void sample(String labels, long value) {
        named("", labels).append(value).append('\n');
    }

    /** Nothing for a time that is not known. */
    private void sample(String labels, Duration time) {
        if (time != null) {
            named("", labels).append(seconds(time)).append('\n');
        }
    }

    private StringBuilder named(String suffix, String labels) {
        out.append(name).append(suffix);
        if (!labels.isEmpty()) {
            out.append('{').append(labels).append('}');
        }
        return out.append(' ');
    }

    private static String labels(NetworkStatus network) {
        return label("network", network.name());
    }

    private static String label(String name, String value) {
        return name + "=\"" + value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"";
    }

    /** OpenMetrics wants a float. */
    private static String bound(long micros) {
        return seconds(micros) + (micros % 1_000_000 == 0 ? ".0" : "");
    }

    private static String seconds(Duration time) {
        return seconds(time.toNanos() / 1_000);
    }

    /** To the microsecond, without zeros at the end. */
    private static String seconds(long micros) {
        StringBuilder text = new StringBuilder(24).append(micros < 0 ? "-" : "").append(Math.abs(micros / 1_000_000));
        long fraction = Math.abs(micros % 1_000_000);
        for (long unit = 100_000; fraction > 0; fraction %= unit, unit /= 10) {
            text.append(unit == 100_000 ? "." : "").append((char) ('0' + fraction / unit));
        }
        return text.toString();
    }

    /** sentPackets as sent_packets. */
    private static String snake(String camel) {
        StringBuilder text = new StringBuilder(camel.length() + 4);
        for (int i = 0; i < camel.length(); i++) {
            char c = camel.charAt(i);
            if (c >= 'A' && c <= 'Z') {
                text.append('_').append((char) (c + ('a' - 'A')));
            } else {
                text.append(c);
            }
        }
        return text.toString();
    }
}
