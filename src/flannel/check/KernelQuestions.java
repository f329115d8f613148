package flannel.check;

import flannel.kernel.Found;
import flannel.kernel.Inspection;
import flannel.kernel.Underlays;
import flannel.lease.Lease;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Is this host's kernel as the leases want it, and does it forward? */
final class KernelQuestions {

    private static final Path SYSCTL = Path.of("/proc/sys/net/ipv4");
    private static final String RESTART = "systemctl restart flanneld puts it right, and keeps it so";
    private static final int STRICT = 1;
    private static final int NAMED = 3;

    private KernelQuestions() {
    }

    /** The interface to the other hosts, and the network's range beside it. */
    static List<Finding> underlay(Scene scene) {
        if (scene.underlay() == null) {
            return List.of(Finding.fail("interface", scene.underlayError(), "-iface in FLANNEL_OPTIONS names the one that leads to the other hosts"));
        }
        List<Finding> findings = new ArrayList<>();
        if (scene.config() != null) {
            try {
                Ipv4Subnet network = scene.config().network();
                Optional<String> overlap = network.contains(scene.underlay().address()) ? Optional.of("this host's own address " + scene.underlay().address())
                        : Underlays.overlap(network, scene.underlay());
                overlap.ifPresent(what -> findings.add(Finding.fail("range", "the network " + network + " overlaps " + what,
                        "choose a Network apart from the hosts' own, and write it to the config")));
            } catch (SystemCallException e) {
                findings.add(Finding.warn("range", e.getMessage(), ""));
            }
        }
        try {
            findings.addAll(ways(scene));
        } catch (SystemCallException e) {
            findings.add(Finding.warn("interface", e.getMessage(), ""));
        }
        if (findings.isEmpty()) {
            findings.add(Finding.ok("interface", scene.underlay().name() + ", " + scene.underlay().address() + ", MTU " + scene.underlay().mtu()));
        }
        return findings;
    }

    /** The interface by which packets to the other hosts leave should be the one that they are told. */
    private static List<Finding> ways(Scene scene) throws SystemCallException {
        Map<String, List<Lease>> elsewhere = new TreeMap<>();
        Map<Integer, String> names = scene.names();
        Map<Ipv4, Integer> ways = Inspection.ways(scene.peers().stream().map(peer -> peer.attributes().publicIp()).toList());
        for (Lease peer : scene.peers()) {
            int index = ways.getOrDefault(peer.attributes().publicIp(), 0);
            if (index != scene.underlay().index()) {
                elsewhere.computeIfAbsent(names.getOrDefault(index, ""), name -> new ArrayList<>()).add(peer);
            }
        }
        int count = elsewhere.values().stream().mapToInt(List::size).sum();
        if (count == 0) {
            return List.of();
        }
        List<Finding> findings = new ArrayList<>();
        elsewhere.forEach((name, peers) -> {
            String hosts = peers.stream().limit(NAMED).map(peer -> peer.attributes().publicIp().toString()).collect(Collectors.joining(", "));
            if (name.isEmpty()) {
                findings.add(Finding.fail("interface", "there is no route to " + hosts, "give this host a route to them, or -iface another interface"));
            } else if (count == scene.peers().size() || strict(scene.underlay().name())) {
                findings.add(Finding.fail("interface", scene.underlay().name() + " was chosen, but packets to " + hosts + " leave by " + name
                        + (strict(scene.underlay().name()) ? ", and rp_filter of " + scene.underlay().name() + " is strict: it drops what they send" : ""),
                        "-iface=" + name + " in FLANNEL_OPTIONS, or sysctl -w net.ipv4.conf." + scene.underlay().name() + ".rp_filter=2"));
            } else {
                findings.add(Finding.warn("interface", "packets to " + hosts + " leave by " + name + ", not by " + scene.underlay().name(),
                        "see ip route get"));
            }
        });
        return findings;
    }

    private static boolean strict(String device) {
        return Math.max(number(SYSCTL.resolve("conf/all/rp_filter")), number(SYSCTL.resolve("conf/" + device + "/rp_filter"))) == STRICT;
    }

    private static int number(Path file) {
        String text = Scene.read(file);
        return text == null || !text.strip().matches("\\d{1,9}") ? 0 : Integer.parseInt(text.strip());
    }

    /** Forwarding between containers and the overlay. */
    static List<Finding> forwarding(Scene scene) {
        return number(SYSCTL.resolve("ip_forward")) != 0 ? List.of(Finding.ok("forwarding", "net.ipv4.ip_forward is on"))
                : scene.link("docker0").isEmpty() ? List.of(Finding.ok("forwarding", "net.ipv4.ip_forward is off; Docker switches it on when it starts"))
                : List.of(Finding.fail("forwarding", "net.ipv4.ip_forward is 0: packets for containers end here",
                        "sysctl -w net.ipv4.ip_forward=1, and the same line in /etc/sysctl.d"));
    }

    /** The network's own device. */
    static List<Finding> device(Scene scene) {
        if (scene.config() == null || scene.own() == null) {
            return List.of();
        }
        if (scene.kernel() != null) {
            return scene.kernel().device().isEmpty() ? List.of(Finding.ok("device", "as the lease says"))
                    : List.of(Finding.fail("device", String.join("; ", scene.kernel().device()), RESTART));
        }
        if (!scene.config().backendType().equals("udp")) {
            return List.of();
        }
        Optional<Found.Link> tun = scene.link(scene.device());
        return tun.isPresent() && tun.get().up() ? List.of(Finding.ok("device", "flannel0 is up"))
                : List.of(Finding.fail("device", "flannel0 is " + (tun.isEmpty() ? "not there" : "down") + ": the backend udp carries nothing while its daemon is away",
                        RESTART));
    }

    /** Routes, neighbours and FDB. */
    static List<Finding> entries(Scene scene) {
        Inspection kernel = scene.kernel();
        if (kernel == null) {
            return List.of();
        }
        List<Finding> findings = new ArrayList<>();
        kernel.refused().stream().limit(NAMED).forEach(refused -> findings.add(Finding.fail("routes", refused, "ip route shows it")));
        if (kernel.device().isEmpty() && (!kernel.missing().isEmpty() || !kernel.stray().isEmpty())) {
            findings.add(Finding.fail("entries", "unlike the leases: " + (kernel.missing().isEmpty() ? "" : "missing " + counts(kernel.missing()))
                    + (kernel.missing().isEmpty() || kernel.stray().isEmpty() ? "" : "; ")
                    + (kernel.stray().isEmpty() ? "" : "too many " + counts(kernel.stray())) + " (" + kernel.first() + ")", RESTART));
        }
        return findings.isEmpty() && kernel.device().isEmpty() ? List.of(Finding.ok("entries", "routes, neighbours and FDB are as " + scene.peers().size()
                + (scene.peers().size() == 1 ? " lease wants" : " leases want"))) : findings;
    }

    private static String counts(Map<String, Integer> kinds) {
        return new TreeMap<>(kinds).entrySet().stream().map(kind -> kind.getKey() + " " + kind.getValue()).collect(Collectors.joining(", "));
    }

    /** What of other programs lies in the network's range. */
    static List<Finding> strangers(Scene scene) {
        if (scene.config() == null || scene.kernel() == null && !scene.config().backendType().equals("udp")) {
            return List.of(); // the routes of alloc are the operator's, and a cloud's are in its router
        }
        Ipv4Subnet network = scene.config().network();
        Map<Integer, String> names = scene.names();
        String own = scene.device();
        return scene.routes().stream()
                .filter(route -> route.destination().prefixLength() > 0 && route.destination().overlaps(network))
                .filter(route -> !Inspection.isFlannels(route) && !names.getOrDefault(route.index(), "").equals(own))
                .filter(route -> scene.own() == null || !scene.own().subnet().contains(route.destination()))
                .filter(route -> scene.kernel() == null || scene.kernel().refused().isEmpty())
                .limit(NAMED)
                .map(route -> Finding.warn("routes", "the route " + route.destination() + (route.gateway() == null ? "" : " via " + route.gateway())
                        + " dev " + names.getOrDefault(route.index(), "?") + " of another program lies in the network's range " + network,
                        "ip route delete " + route.destination() + ", or let the overlay have another range"))
                .toList();
    }
}
