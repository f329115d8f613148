package flannel.status;

import flannel.lease.StoreHealth;
import flannel.status.NetworkStatus.Counter;
import flannel.status.NetworkStatus.Echoes;
import flannel.status.NetworkStatus.Entries;
import flannel.status.NetworkStatus.Kernel;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Mtu;
import flannel.status.NetworkStatus.OwnLease;
import flannel.status.NetworkStatus.Peer;
import flannel.status.NetworkStatus.Phase;
import flannel.status.NetworkStatus.Probing;
import flannel.status.NetworkStatus.Repair;
import flannel.status.NetworkStatus.Store;
import flannel.status.NetworkStatus.Underlay;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Statuses for tests. */
final class Samples {

    static final Instant NOW = Instant.parse("2026-11-22T10:13:57Z");

    private static final StoreHealth HEALTH = new StoreHealth("etcd v3", "http://192.168.32.213:2379", Duration.ofNanos(1_234_000),
            Duration.ofMillis(4_321), Map.of("timeout", 2L), List.of(3L, 10L, 1L, 0L, 0L, 0L, 0L), Duration.ofMillis(42));

    private Samples() {
    }

    static Status of(NetworkStatus... networks) {
        return new Status(new Status.Daemon("1.0.0", 4711, Duration.ofSeconds(273_909), NOW),
                new Memory(63L << 20, 5_500_000, 8 << 20, 64 << 20, 7, Duration.ofMillis(31)), List.of(networks),
                List.of(new Status.Event(Instant.parse("2026-11-22T10:00:00Z"), "INFO", "Lease acquired: 10.1.83.0/24"),
                        new Status.Event(Instant.parse("2026-11-22T10:13:50.5Z"), "WARNING", "Putting back the subnet file")));
    }

    static Known vxlan(Peer... peers) {
        return known("vxlan", List.of(), "", List.of(peers), List.of(), List.of(), Map.of());
    }

    /** With something of everything. */
    static Known troubled() {
        Map<String, Long> repaired = new TreeMap<>(Map.of("route", 3L, "link", 1L, "fdb", 0L));
        return known("udp", List.of("docker0 has 172.17.0.1/16, but this host's subnet wants 10.1.83.1/24: Docker must start again with the"
                + " new options (systemctl restart docker)"), "etcd cluster is unavailable: http://192.168.32.213:2379: connection refused",
                List.of(new Peer("10.1.12.0/24", "192.168.32.212", "udp", false, ""),
                        new Peer("10.1.9.0/24", "192.168.32.99", "udp", true, ""),
                        new Peer("10.1.77.0/24", "192.168.32.77", "", false, "the host 192.168.32.77 uses the backend vxlan, this one udp"),
                        new Peer("fd00::-64", "", "", false, "Ignoring fd00::-64 in the store: the value is not JSON")),
                List.of(new Counter("sentPackets", false, "packets sent to other hosts", 1_234_567),
                        new Counter("sentBytes", false, "bytes of these", 0), new Counter("receivedBytes", false, "bytes received", 0),
                        new Counter("icmpReplies", false, "ICMP errors written to it, for senders on this host", 0),
                        new Counter("noRoute", true, "from here, to an address in no lease", 12)),
                List.of(new Repair(Instant.parse("2026-11-22T09:00:00Z"), "link flannel0 and 3 more", "device flannel0 was deleted by ip (process 815)")), repaired);
    }

    /** Peers whose ways are probed: one that is well, one that full-size packets do not get to, one that is silent, one not asked yet. */
    static Known probed() {
        Entries complete = new Entries(List.of("route", "neighbour", "fdb"), List.of());
        Known vxlan = vxlan();
        return vxlan.probed(List.of(
                new Peer("10.1.12.0/24", "192.168.32.212", "vxlan", false, "", complete, new Echoes(Duration.ofSeconds(3), 0, Duration.ofNanos(412_000), "")),
                new Peer("10.1.13.0/24", "192.168.32.213", "vxlan", false, "", complete, new Echoes(Duration.ofSeconds(3), 0.5, Duration.ofMillis(12),
                        "small packets get through, those of 1450 bytes do not: the underlay takes smaller packets than its MTU says")),
                new Peer("10.1.14.0/24", "192.168.32.214", "vxlan", false, "", new Entries(List.of("neighbour", "fdb"), List.of("route")),
                        new Echoes(null, 1, null, "no echo is answered")),
                new Peer("10.1.15.0/24", "192.168.32.215", "vxlan", false, "", complete, null)),
                new Probing(Duration.ofSeconds(10), 60, 30, new Timings(List.of(1_000L, 1_000_000L), List.of(20L, 10L, 0L), Duration.ofMillis(75))));
    }

    static Known known(String backend, List<String> complaints, String storeTrouble, List<Peer> peers, List<Counter> counters,
            List<Repair> repairs, Map<String, Long> repaired) {
        return new Known("", Phase.ACTIVE, "10.1.0.0/16", backend, complaints,
                new OwnLease("10.1.83.0/24", "192.168.32.211", false, Duration.ofMinutes(1_392)), new Underlay("eth0", "192.168.32.211"),
                List.of(new Mtu("eth0", 1500), new Mtu(backend.equals("udp") ? "flannel0" : "flannel.1", 1450), new Mtu("docker0", 1450)),
                new Store(HEALTH, Duration.ofSeconds(130), storeTrouble), new Kernel(12, Duration.ofSeconds(12), List.of()), peers, counters,
                repairs, repaired, null, new Timings(List.of(100L, 5_000L), List.of(7L, 2L, 1L), Duration.ofMillis(12)));
    }

    static Peer peer(int number) {
        return new Peer("10." + (number >> 8) + "." + (number & 255) + ".0/24", "192.168." + (number >> 8) + "." + (number & 255), "vxlan",
                false, "");
    }

    static List<Peer> peers(int count) {
        return new ArrayList<>(IntStream.range(0, count).mapToObj(Samples::peer).toList());
    }
}
