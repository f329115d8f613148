package flannel.check;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.List;

/** Do this host's own packet filters let containers' packets through? What they do to the overlay's own is told by {@link CutQuestions}. */
final class FilterQuestions {

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
        Ipv4 far = scene.peers().stream().map(peer -> peer.subnet().base().plus(2)).filter(scene.config().network()::contains).findFirst()
                .orElseGet(() -> scene.config().network().base().plus(own.equals(scene.config().network()) ? 3 : 2));
        ForwardRules forward = rules.forward();
        String in = forward.dropped(new ForwardRules.Packet(way, bridge, far, own.base().plus(2)));
        String dropped = in.isEmpty() ? forward.dropped(new ForwardRules.Packet(bridge, way, own.base().plus(2), far)) : in;
        return ask(rules, dropped, scene.setup().forward(), scene.daemon() != null, scene.config().network().toString(), scene.device());
    }

    /**
     * Of the rules.
     *
     * @param dropped why iptables drops containers' packets; empty when it does not
     * @param forward whether the daemon has rules of its own in FORWARD
     * @param running whether it runs, and puts them back within seconds
     * @param network its range
     * @param device  of the overlay; empty for none
     */
    static List<Finding> ask(FilterRules rules, String dropped, boolean forward, boolean running, String network, String device) {
        List<Finding> findings = new ArrayList<>();
        if (dropped.startsWith("-A ")) {
            findings.add(Finding.fail("filter", "a rule drops what containers and other hosts' send each other: " + dropped,
                    "iptables -D " + dropped.substring("-A ".length())));
        } else if (!dropped.isEmpty()) {
            findings.add(Finding.fail("filter", "FORWARD's policy is DROP and no rule accepts the overlay's packets: containers reach nobody",
                    !forward ? "iptables -I FORWARD -s " + network + " -j ACCEPT && iptables -I FORWARD -d " + network + " -j ACCEPT; or take"
                            + " -iptables-forward-rules=false out of FLANNEL_OPTIONS and restart flanneld, which then keeps such rules"
                            : running ? "systemctl restart flanneld; journalctl -u flanneld tells why it could not put its chain FLANNEL-FWD in"
                            : "systemctl start flanneld; it puts its chain FLANNEL-FWD in, and keeps it there"));
        }
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
}
