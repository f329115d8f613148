package flannel.check;

import flannel.check.ForwardRules.End;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Do this host's own packet filters let containers' packets through? What they do to the overlay's own is told by {@link CutQuestions}. */
final class FilterQuestions {

    /** Here and at other hosts, whose packets' way is followed. */
    private static final int MOST_CONTAINERS = 16;
    /** Rules in one command. */
    private static final int MOST_DELETED = 5;

    private FilterQuestions() {
    }

    static List<Finding> ask(Scene scene, FilterRules rules) {
        if (scene.config() == null || scene.own() == null) {
            return List.of();
        }
        Ipv4Subnet own = scene.own().subnet();
        String bridge = scene.addresses().stream().filter(address -> own.contains(address.address()) && !address.address().equals(own.base()))
                .map(address -> scene.names().get(address.index())).findFirst().orElse("docker0");
        String way = scene.device().isEmpty() && scene.underlay() != null ? scene.underlay().name() : scene.device();
        List<Ipv4> far = scene.peers().stream().map(peer -> peer.subnet().base().plus(2)).filter(scene.config().network()::contains).limit(MOST_CONTAINERS).toList();
        ForwardRules forward = rules.forward();
        Set<End> ends = new LinkedHashSet<>();
        for (Ipv4 there : far.isEmpty() ? List.of(scene.config().network().base().plus(own.equals(scene.config().network()) ? 3 : 2)) : far) {
            ends.add(forward.end(new ForwardRules.Packet(way, bridge, there, own.base().plus(2))));
            ends.add(forward.end(new ForwardRules.Packet(bridge, way, own.base().plus(2), there)));
        }
        forward.destinations(own).stream().limit(far.isEmpty() ? 0 : MOST_CONTAINERS).forEach(here ->
                ends.add(forward.end(new ForwardRules.Packet(way, bridge, far.getFirst(), here))));
        ends.remove(null);
        ends.removeIf(end -> end.rule().equals("-A POSTROUTING -s " + own + " ! -o " + bridge + " -j MASQUERADE")); // Docker's, unless its --ip-masq is false
        return ask(rules, List.copyOf(ends), scene.setup().forward(), scene.daemon() != null, scene.config().network().toString(), scene.device());
    }

    /**
     * Of the rules.
     *
     * @param ends    what iptables does to containers' packets other than sending them on
     * @param forward whether the daemon has rules of its own in FORWARD
     * @param running whether it runs, and puts them back within seconds
     * @param network its range
     * @param device  of the overlay; empty for none
     */
    static List<Finding> ask(FilterRules rules, List<End> ends, boolean forward, boolean running, String network, String device) {
        List<Finding> findings = new ArrayList<>();
        List<End> dropping = ends.stream().filter(End::drops).filter(end -> end.rule().startsWith("-A ")).toList();
        if (!dropping.isEmpty()) {
            findings.add(Finding.fail("filter", "a rule drops what containers and other hosts' send each other: " + dropping.getFirst().rule()
                    + (dropping.size() == 1 ? "" : " and " + (dropping.size() - 1) + " more"),
                    dropping.stream().limit(MOST_DELETED).map(End::deletion).collect(Collectors.joining(" && "))
                    + (dropping.stream().noneMatch(FilterQuestions::isOfDocker) ? "" : "; Docker 28 and later puts it there for each container, but with"
                    + " \"allow-direct-routing\": true in /etc/docker/daemon.json and systemctl restart docker")));
        } else if (ends.stream().anyMatch(End::drops)) {
            findings.add(Finding.fail("filter", "FORWARD's policy is DROP and no rule accepts the overlay's packets: containers reach nobody",
                    !forward ? "iptables -I FORWARD -s " + network + " -j ACCEPT && iptables -I FORWARD -d " + network + " -j ACCEPT; or take"
                            + " -iptables-forward-rules=false out of FLANNEL_OPTIONS and restart flanneld, which then keeps such rules"
                            : running ? "systemctl restart flanneld; journalctl -u flanneld tells why it could not put its chain FLANNEL-FWD in"
                            : "systemctl start flanneld; it puts its chain FLANNEL-FWD in, and keeps it there"));
        }
        ends.stream().filter(end -> !end.drops()).limit(MOST_DELETED).forEach(end -> findings.add(end.target().matches("SNAT|MASQUERADE")
                ? Finding.warn("filter", "containers' packets to other hosts' leave with another address than their own: " + end.rule(),
                        "iptables -t nat -I POSTROUTING -s " + network + " -d " + network + " -j RETURN; leaves those between containers as they are")
                : Finding.fail("filter", "containers' packets to other hosts', or theirs to them, are given another destination: " + end.rule(),
                        end.deletion())));
        rules.forwardDropsBeside(network, device, "docker0").ifPresent(chain -> findings.add(Finding.warn("filter",
                "nftables' chain " + chain + " drops forwarded packets, and no rule of that table speaks of " + network
                + ": containers' packets may end there,"
                + " whatever iptables accepts", "nft insert rule " + chain + " ip saddr " + network + " accept && nft insert rule "
                + chain + " ip daddr "
                + network + " accept; with firewalld: firewall-cmd --permanent --zone=trusted --add-source=" + network
                + " && firewall-cmd --reload")));
        return findings.isEmpty() ? List.of(Finding.ok("filter", "no rule here ends containers' packets" + (rules.hasOwnChain()
                ? "; FLANNEL-FWD is in FORWARD" : "")))
                : findings;
    }

    /** {@code -d 10.1.83.2/32 ! -i docker0 -j DROP} in raw's PREROUTING: nobody but this host's own containers shall reach it. */
    private static boolean isOfDocker(End end) {
        return end.table().equals("raw") && end.rule().matches("-A PREROUTING -d \\S+ ! -i \\S+ -j DROP");
    }
}
