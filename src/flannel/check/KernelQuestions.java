package flannel.check;

import flannel.backend.VxlanBackend;
import flannel.kernel.ChecksumOffload;
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
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Is this host's kernel as the leases want it, and does it forward? */
final class KernelQuestions {

    private static final Path SYSCTL = Path.of("/proc/sys/net/ipv4");
    private static final String RESTART = "systemctl restart flanneld; it puts that right, and keeps it so";
    private static final int STRICT = 1;
    private static final int NAMED = 3;
    /** RTPROT_KERNEL, include/uapi/linux/rtnetlink.h. */
    private static final int OF_AN_ADDRESS = 2;
    private static final Pattern FOREIGN = Pattern.compile("someone else's (route \\S+( via \\S+)?( dev \\S+)?) is there");

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
                Optional<String> overlap = network.contains(scene.underlay().address()) ? Optional.of("this host's own address "
                        + scene.underlay().address())
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
        Map<Ipv4, Found.Route> ways = Inspection.ways(scene.peers().stream().map(peer -> peer.attributes().publicIp()).toList());
        for (Lease peer : scene.peers()) {
            Found.Route way = ways.get(peer.attributes().publicIp());
            int index = way == null ? 0 : way.index();
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
                findings.add(Finding.fail("interface", "there is no route to " + hosts, "ip route get " + peers.getFirst().attributes().publicIp()
                        + "; give this host a route to them, or have -iface in FLANNEL_OPTIONS name another interface"));
            } else if (strict(scene.underlay().name())) {
                findings.add(Finding.fail("interface", scene.underlay().name() + " was chosen, but packets to " + hosts + " leave by " + name
                        + ", and rp_filter of " + scene.underlay().name() + " is strict: it drops what they send", "sysctl -w net.ipv4.conf."
                        + scene.underlay().name() + ".rp_filter=2; or have -iface=" + name
                        + " in FLANNEL_OPTIONS, where the hosts are reached by that"));
            } else if (count == scene.peers().size()) {
                findings.add(Finding.fail("interface", scene.underlay().name() + " was chosen, but packets to " + hosts + " leave by " + name,
                        "have -iface=" + name + " in FLANNEL_OPTIONS in /etc/sysconfig/flanneld, then systemctl restart flanneld"));
            } else {
                findings.add(Finding.warn("interface", "packets to " + hosts + " leave by " + name + ", not by " + scene.underlay().name(),
                        "ip route get " + peers.getFirst().attributes().publicIp() + "; shows the way: have it lead by " + scene.underlay().name()));
            }
        });
        return findings;
    }

    private static boolean strict(String device) {
        return Math.max(number(SYSCTL.resolve("conf/all/rp_filter")), number(SYSCTL.resolve("conf/" + device + "/rp_filter"))) == STRICT;
    }

    static int number(Path file) {
        String text = Scene.read(file);
        return text == null || !text.strip().matches("\\d{1,9}") ? 0 : Integer.parseInt(text.strip());
    }

    /** Forwarding between containers and the overlay: what comes in at these devices. */
    static List<Finding> forwarding(Scene scene) {
        if (number(SYSCTL.resolve("ip_forward")) == 0) {
            return List.of(scene.link("docker0").isEmpty() ? Finding.ok("forwarding",
                    "net.ipv4.ip_forward is off; Docker switches it on when it starts")
                    : off("net.ipv4.ip_forward", "packets for containers end here"));
        }
        return Stream.of("docker0", scene.config() == null ? "" : scene.device().isEmpty() && scene.underlay() != null
                ? scene.underlay().name() : scene.device())
                .filter(device -> scene.link(device).isPresent() && number(SYSCTL.resolve("conf/" + device + "/forwarding")) == 0).findFirst()
                .map(device -> List.of(off("net/ipv4/conf/" + device + "/forwarding", "what comes in at " + device + " ends here")))
                .orElse(List.of(Finding.ok("forwarding", "net.ipv4.ip_forward is on")));
    }

    private static Finding off(String sysctl, String effect) {
        return Finding.fail("forwarding", sysctl + " is 0: " + effect, "sysctl -w " + sysctl
                + "=1; and the same line in a file below /etc/sysctl.d keeps it so");
    }

    /** Whether VXLAN's packets get right checksums. */
    static List<Finding> checksums(Scene scene) {
        try {
            return scene.config() == null || !scene.config().backendType().equals("vxlan") || scene.link(scene.device()).isEmpty() ? List.of()
                    : checksums(scene.setup().checksums(), System.getProperty("os.version", ""),
                    Inspection.sendChecksums(scene.device()), scene.device());
        } catch (SystemCallException e) {
            return List.of(); // it does not tell, as the device has just gone
        }
    }

    /**
     * The same.
     *
     * @param wanted    by the option
     * @param release   of the kernel
     * @param offloaded whether the device computes them
     */
    static List<Finding> checksums(ChecksumOffload wanted, String release, boolean offloaded, String device) {
        String mend = "ethtool -K " + device + " tx-checksum-ip-generic off; flanneld keeps it so with -vxlan-checksum-offload=";
        if (!offloaded) {
            return List.of();
        }
        if (ChecksumOffload.of("auto", release) == ChecksumOffload.OFF) {
            String evidence = "checksums are left to " + device + ", and Linux " + release
                    + ", as all before 5.7, gets some wrong where packets are masqueraded:"
                    + " connections through such a rule hang for a second to a minute";
            return List.of(wanted == ChecksumOffload.ON ? Finding.warn("checksums", evidence + "; -vxlan-checksum-offload=on has it so",
                    mend + "auto")
                    : Finding.fail("checksums", evidence, mend + "auto"));
        }
        return wanted == ChecksumOffload.OFF ? List.of(Finding.warn("checksums", "checksums are left to " + device
                + ", unlike -vxlan-checksum-offload=off", mend + "off"))
                : List.of();
    }

    /** The network's own device. */
    static List<Finding> device(Scene scene) {
        if (scene.config() == null || scene.own() == null) {
            return List.of();
        }
        if (scene.kernel() != null) {
            return scene.kernel().device().isEmpty() ? List.of(Finding.ok("device", "as the lease says"))
                    : List.of(rival(scene).orElseGet(() -> Finding.fail("device", String.join("; ", scene.kernel().device()), RESTART)));
        }
        if (!scene.config().backendType().equals("udp")) {
            return List.of();
        }
        Optional<Found.Link> tun = scene.link(scene.device());
        return tun.isPresent() && tun.get().up() ? List.of(Finding.ok("device", scene.device() + " is up"))
                : List.of(Finding.fail("device", scene.device() + " is " + (tun.isEmpty() ? "not there" : "down")
                + ": the backend udp carries nothing while its daemon is away",
                        RESTART));
    }

    /** Who else has the UDP port of the network's VXLAN device, which therefore is not there or can't be brought up. */
    private static Optional<Finding> rival(Scene scene) {
        String own = scene.device();
        if (scene.port() == 0 || scene.link(own).filter(Found.Link::up).isPresent()) {
            return Optional.empty();
        }
        String lack = String.join("; ", scene.kernel().device()) + ": UDP port " + scene.port() + " is taken by ";
        Optional<Found.Link> other = scene.links().stream().filter(link -> link.vxlan() != null && !link.name().equals(own) && link.up()
                && link.vxlan().port() == scene.port() && (link.vxlan().vni() == scene.vni() || !link.vxlan().plain())).findFirst();
        if (other.isPresent()) {
            return Optional.of(Finding.fail("device", lack + "the VXLAN device " + other.get().name(), "ip link delete " + other.get().name()
                    + "; or choose another Port for the one of the two, here \"Port\" in the network's Backend"));
        }
        return UdpPorts.owner(Path.of("/proc"), scene.port()).map(process -> Finding.fail("device", lack + "process " + process.pid() + ", "
                + process.commandLine(), "kill " + process.pid() + "; or choose another Port in the network's Backend"));
    }

    /** Routes, neighbours and FDB. */
    static List<Finding> entries(Scene scene) {
        Inspection kernel = scene.kernel();
        if (kernel == null) {
            return List.of();
        }
        List<Finding> findings = new ArrayList<>();
        kernel.refused().stream().limit(NAMED).forEach(refused -> findings.add(Finding.fail("routes", refused, refusal(refused))));
        boolean twins = !LeaseQuestions.doubles(scene).isEmpty(); // there whatever is, is unlike one of the leases
        if (kernel.device().isEmpty() && !twins && (!kernel.missing().isEmpty() || !kernel.stray().isEmpty())) {
            findings.add(Finding.fail("entries", "unlike the leases: " + (kernel.missing().isEmpty() ? "" : "missing " + counts(kernel.missing()))
                    + (kernel.missing().isEmpty() || kernel.stray().isEmpty() ? "" : "; ")
                    + (kernel.stray().isEmpty() ? "" : "too many " + counts(kernel.stray())) + " (" + kernel.first() + ")", RESTART));
        }
        return findings.isEmpty() && kernel.device().isEmpty() && !twins ? List.of(Finding.ok("entries", "routes, neighbours and FDB are as "
                + scene.peers().size()
                + (scene.peers().size() == 1 ? " lease wants" : " leases want"))) : findings;
    }

    /** A foreign route is named in it as ip(8) does. */
    private static String refusal(String refused) {
        Matcher route = FOREIGN.matcher(refused);
        return route.find() ? "ip " + route.group(1).replaceFirst("route", "route delete") + "; flanneld, when it runs, then puts its own in"
                : refused.contains("systemctl restart docker") ? "systemctl restart docker"
                : "ip address; shows the device: give it an address of another range";
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
                .filter(route -> network.contains(route.destination())) // a wider one, as a VPN's, has no say beside the leases'
                .filter(route -> !Inspection.isFlannels(route) && !names.getOrDefault(route.index(), "").equals(own))
                .filter(route -> scene.underlay() == null || route.index() != scene.underlay().index() || route.protocol() != OF_AN_ADDRESS) // told of as an overlap
                .filter(route -> scene.own() == null || !scene.own().subnet().contains(route.destination()))
                .filter(route -> scene.kernel() == null || scene.kernel().refused().isEmpty())
                .limit(NAMED)
                .map(route -> stranger(route, names.getOrDefault(route.index(), ""), network, scene.peers()))
                .toList();
    }

    private static Finding stranger(Found.Route route, String device, Ipv4Subnet network, List<Lease> peers) {
        String way = route.destination() + (route.gateway() == null ? "" : " via " + route.gateway()) + (device.isEmpty() ? "" : " dev " + device);
        Optional<Lease> robbed = peers.stream().filter(peer -> peer.subnet().contains(route.destination())
                && peer.subnet().prefixLength() < route.destination().prefixLength()).findFirst();
        if (robbed.isPresent()) { // the longer prefix counts
            return Finding.fail("routes", "the route " + way + " of another program takes what is for containers of "
                    + robbed.get().attributes().publicIp(), "ip route delete " + way);
        }
        return route.protocol() == OF_AN_ADDRESS
                ? Finding.warn("routes", device + " has an address in " + route.destination() + ", a part of the network's range " + network,
                        "ip address show " + device + "; give it another range: docker network rm, where it is one of Docker's networks")
                : Finding.warn("routes", "the route " + way + " of another program lies in the network's range " + network,
                        "ip route delete " + way + "; or let the overlay have another range");
    }

    /** Whether packets between containers take the overlay, whatever rules and tables beside the main one say. */
    static List<Finding> capture(Scene scene) {
        if (scene.config() == null || scene.kernel() == null || !scene.kernel().device().isEmpty() || !scene.kernel().missing().isEmpty()
                || !scene.kernel().refused().isEmpty() || !scene.config().backendType().equals("vxlan") || VxlanBackend.directRouting(scene.config())) {
            return List.of(); // told of already, or it leaves as other packets do
        }
        Set<Ipv4Subnet> led = scene.routes().stream().filter(route -> Inspection.isFlannels(route) && route.index() != 0).map(Found.Route::destination)
                .collect(Collectors.toSet());
        List<Ipv4> inside = scene.peers().stream().map(Lease::subnet).filter(led::contains).map(subnet -> subnet.base().plus(2))
                .filter(address -> scene.routes().stream().noneMatch(route -> !Inspection.isFlannels(route)
                        && route.destination().prefixLength() > 0 && route.destination().contains(address))).toList();
        int device = scene.link(scene.device()).map(Found.Link::index).orElse(0);
        try {
            Map<Ipv4, Found.Route> ways = Inspection.ways(inside);
            for (Ipv4 address : inside) {
                int way = ways.containsKey(address) ? ways.get(address).index() : 0;
                if (way != device) {
                    return List.of(captured("packets to " + address, way, scene));
                }
            }
            Optional<Found.Link> bridge = scene.link("docker0").filter(link -> scene.addresses().stream().anyMatch(address -> address.index() == link.index()
                    && scene.own().subnet().contains(address.address())));
            if (bridge.isPresent() && !inside.isEmpty() && number(SYSCTL.resolve("ip_forward")) != 0
                    && number(SYSCTL.resolve("conf/docker0/forwarding")) != 0) {
                int way = Inspection.forwarded(scene.own().subnet().base().plus(2), bridge.get().index(), inside.getFirst());
                return way == device ? List.of() : List.of(captured("containers' packets to " + inside.getFirst(), way, scene));
            }
            return List.of();
        } catch (SystemCallException e) {
            return List.of(Finding.warn("routes", e.getMessage(), "ip route get"));
        }
    }

    private static Finding captured(String packets, int way, Scene scene) {
        return Finding.fail("routes", packets + " leave by " + scene.names().getOrDefault(way, "nothing") + " and not by " + scene.device()
                + ", though the main table is right: a rule of ip rule has another say first", "ip rule add to " + scene.config().network()
                + " lookup main priority 1; has the main table asked first for the network; ip rule shows the rule that is in the way");
    }
}
