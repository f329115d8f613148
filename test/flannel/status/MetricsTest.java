package flannel.status;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.status.Metrics.Format;
import flannel.status.NetworkStatus.Stuck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class MetricsTest {

    private static final Status EVERYTHING = Samples.of(Samples.troubled(), Samples.probed());

    private static final Pattern SAMPLE = Pattern.compile(
            "([a-z_]+)(\\{[a-z]+=\"[^\"]*\"(,[a-z]+=\"[^\"]*\")*})? -?\\d+(\\.\\d+)?");

    @Test
    void tellsTheNumbersOfAStatus() {
        String metrics = Metrics.render(Samples.of(Samples.troubled()), Format.PROMETHEUS);
        for (String expected : List.of(
                "# HELP flannel_build_info The daemon's version; always 1.\n# TYPE flannel_build_info gauge\nflannel_build_info{version=\"1.0.0\"} 1\n",
                "# TYPE flannel_jvm_collection_seconds_total counter\nflannel_jvm_collection_seconds_total 0.031\n",
                "flannel_network_active{network=\"\"} 1\n",
                "flannel_session_answers{network=\"\"} 1\n",
                "flannel_troubles{network=\"\"} 5\n",
                "flannel_lease_remaining_seconds{network=\"\"} 83520\n",
                "flannel_peers{network=\"\",state=\"followed\"} 1\nflannel_peers{network=\"\",state=\"kept\"} 1\n"
                        + "flannel_peers{network=\"\",state=\"ignored\"} 2\n",
                "flannel_store_up{network=\"\"} 0\n",
                "flannel_store_answer_age_seconds{network=\"\"} 4.321\n",
                "# TYPE flannel_store_failures_total counter\nflannel_store_failures_total{network=\"\",kind=\"timeout\"} 2\n",
                "# TYPE flannel_store_request_seconds histogram\n"
                        + "flannel_store_request_seconds_bucket{network=\"\",le=\"0.001\"} 3\n"
                        + "flannel_store_request_seconds_bucket{network=\"\",le=\"0.005\"} 13\n"
                        + "flannel_store_request_seconds_bucket{network=\"\",le=\"0.025\"} 14\n"
                        + "flannel_store_request_seconds_bucket{network=\"\",le=\"0.1\"} 14\n"
                        + "flannel_store_request_seconds_bucket{network=\"\",le=\"0.5\"} 14\n"
                        + "flannel_store_request_seconds_bucket{network=\"\",le=\"2.5\"} 14\n"
                        + "flannel_store_request_seconds_bucket{network=\"\",le=\"+Inf\"} 14\n"
                        + "flannel_store_request_seconds_sum{network=\"\"} 0.042\n"
                        + "flannel_store_request_seconds_count{network=\"\"} 14\n",
                "flannel_event_to_kernel_seconds_bucket{network=\"\",le=\"0.0001\"} 7\n"
                        + "flannel_event_to_kernel_seconds_bucket{network=\"\",le=\"0.005\"} 9\n"
                        + "flannel_event_to_kernel_seconds_bucket{network=\"\",le=\"+Inf\"} 10\n"
                        + "flannel_event_to_kernel_seconds_sum{network=\"\"} 0.012\n",
                "flannel_repairs_total{network=\"\",kind=\"fdb\"} 0\nflannel_repairs_total{network=\"\",kind=\"link\"} 1\nflannel_repairs_total{network=\"\",kind=\"route\"} 3\n",
                "flannel_udp_sent_packets_total{network=\"\"} 1234567\n",
                "flannel_udp_dropped_total{network=\"\",reason=\"no_route\"} 12\n")) {
            assertTrue(metrics.contains(expected), expected + " is not in\n" + metrics);
        }
    }

    @Test
    void probesAreSummedUp() {
        String metrics = Metrics.render(Samples.of(Samples.probed()), Format.PROMETHEUS);
        for (String expected : List.of(
                "flannel_probe_echoes_sent_total{network=\"\"} 60\n", "flannel_probe_echoes_answered_total{network=\"\"} 30\n",
                "flannel_probe_peers{network=\"\",state=\"reached\"} 1\nflannel_probe_peers{network=\"\",state=\"lost\"} 2\n",
                "flannel_probe_round_trip_seconds_bucket{network=\"\",le=\"0.001\"} 20\n"
                        + "flannel_probe_round_trip_seconds_bucket{network=\"\",le=\"1.0\"} 30\n"
                        + "flannel_probe_round_trip_seconds_bucket{network=\"\",le=\"+Inf\"} 30\n"
                        + "flannel_probe_round_trip_seconds_sum{network=\"\"} 0.075\n"
                        + "flannel_probe_round_trip_seconds_count{network=\"\"} 30\n")) {
            assertTrue(metrics.contains(expected), expected + " is not in\n" + metrics);
        }
        assertEquals(-1, Metrics.render(Samples.of(Samples.vxlan()), Format.PROMETHEUS).indexOf("flannel_probe_"), "without probing");
    }

    @Test
    void aStuckSessionIsANumberToo() {
        String metrics = Metrics.render(Samples.of(new Stuck("a\"b\\c\nd", Duration.ofSeconds(9))), Format.PROMETHEUS);
        assertTrue(metrics.contains("flannel_session_answers{network=\"a\\\"b\\\\c\\nd\"} 0\n"), metrics);
        assertTrue(metrics.contains("flannel_troubles{network=\"a\\\"b\\\\c\\nd\"} 1\n"), metrics);
    }

    /** The examples that come with the package go by these names. */
    @ParameterizedTest
    @ValueSource(strings = {"etc/flanneld-alerts.yml", "etc/flanneld-dashboard.json", "etc/flanneld.8"})
    void noAlertOrPanelAsksForWhatIsNotTold(String file) throws IOException {
        String metrics = Metrics.render(EVERYTHING, Format.PROMETHEUS);
        List<String> named = Pattern.compile("\\b(?:flannel|process)_[a-z_]+").matcher(Files.readString(Path.of(file))).results()
                .map(MatchResult::group).toList();
        assertTrue(named.size() >= 4, named.toString());
        assertEquals(List.of(), named.stream().filter(name -> !metrics.contains("\n" + name + "{") && !metrics.contains("\n" + name + " ")).toList());
    }

    /** Each family is told once, with help and type, before its samples; counters have their suffix. */
    @ParameterizedTest
    @EnumSource(Format.class)
    void isOfTheFormat(Format format) {
        String metrics = Metrics.render(EVERYTHING, format);
        Set<String> families = new HashSet<>();
        String family = "";
        String type = "";
        List<String> lines = metrics.lines().toList();
        for (String line : lines.subList(0, lines.size() - (format == Format.OPENMETRICS ? 1 : 0))) {
            if (line.startsWith("# HELP ")) {
                family = line.split(" ")[2];
                assertTrue(families.add(family), line);
                assertTrue(line.endsWith("."), line);
                continue;
            }
            if (line.startsWith("# TYPE ")) {
                assertEquals(family, line.split(" ")[2]);
                type = line.split(" ")[3];
                assertTrue(format == Format.OPENMETRICS || type.equals("counter") == family.endsWith("_total"), line);
                continue;
            }
            Matcher sample = SAMPLE.matcher(line.replace("+Inf", "inf"));
            assertTrue(sample.matches(), line);
            String suffix = sample.group(1).substring(family.length());
            assertTrue(sample.group(1).startsWith(family) && switch (type) {
                case "counter" -> suffix.equals(format == Format.OPENMETRICS ? "_total" : "");
                case "histogram" -> Set.of("_bucket", "_sum", "_count").contains(suffix);
                default -> suffix.isEmpty();
            }, line);
        }
        assertEquals(format == Format.OPENMETRICS, metrics.endsWith("\n# EOF\n"));
    }
}
