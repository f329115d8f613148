package flannel.check;

import flannel.check.PeerQuestions.Reached;
import flannel.kernel.Found;
import flannel.kernel.Inspection;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import flannel.probe.Host;
import flannel.probe.Passage;
import flannel.probe.Passage.Sight;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Where is lost what goes between this host and peers that do not answer over the overlay, and in which direction? */
final class CutQuestions {

    /** As many are looked at; what is between them and this host is between it and the others too. */
    static final int MOST = 8;

    /** What no host can see, and what is to be done where packets come with containers' addresses. */
    static final String FOREIGN_ADDRESSES = "Where that finds nothing, a cloud or a hypervisor lets hosts' own addresses through only: have it take the"
            + " network's too (source/destination check off, allowed address pairs)";

    private CutQuestions() {
    }

    /** In the order in which they are told: what can be mended here comes first. */
    enum Verdict {
        /** They do not come out of this host. */
        HELD_BACK,
        /** They come in here, and are dropped. */
        SHUT_OUT,
        /** Somebody says that they are not wanted. */
        REFUSED,
        /** They are sent to another machine's hardware address. */
        ASTRAY,
        OURS_LOST,
        THEIRS_LOST,
        /** They come in and out of the tunnel here; only the echoes' answers are dropped. */
        DEAF_HERE,
        /** In both directions they arrive; only the echoes are not answered. */
        DEAF_THERE,
        UNKNOWN,
        /** Now they do answer. */
        ANSWERS;

        static Verdict of(Sight sight) {
            return sight.delivered() ? ANSWERS : !sight.left() ? HELD_BACK : sight.came() ? sight.unwrapped() ? DEAF_HERE : SHUT_OUT
                    : sight.refusal() != null ? REFUSED : sight.astray() ? ASTRAY
                    : sight.arrivesHere() ? sight.arrivesThere() ? DEAF_THERE : OURS_LOST : sight.arrivesThere() ? THEIRS_LOST : UNKNOWN;
        }
    }

    /** Watches some of these, and tries; one of each, in their order. */
    static List<Sight> look(Scene scene, List<Reached> cut) throws SystemCallException, InterruptedException {
        int index = scene.underlay().index();
        boolean vxlan = scene.config().backendType().equals("vxlan");
        List<Ipv4> publicIps = cut.stream().map(peer -> peer.peer().attributes().publicIp()).toList();
        Map<Ipv4, Found.Route> ways = Inspection.ways(publicIps);
        Map<Ipv4, MacAddress> neighbours = Inspection.neighbours(index);
        List<Passage.Far> fars = new ArrayList<>();
        for (Reached reached : cut) {
            Lease peer = reached.peer();
            Ipv4 to = peer.attributes().publicIp();
            Found.Route way = ways.get(to);
            Ipv4 next = way == null || way.gateway() == null ? to : way.gateway();
            fars.add(new Passage.Far(to, reached.overlay().peer().addresses(), vxlan ? mac(peer) : null,
                    way == null || way.index() != index ? null : neighbours.get(next), next.equals(to)));
        }
        Ipv4Subnet own = scene.own().subnet();
        List<Ipv4> inner = Host.of(scene.config().backendType(), own, scene.own().attributes().publicIp()).addresses();
        return Passage.look(new Passage.Near(index, scene.link(scene.device()).map(Found.Link::index).orElse(0),
                scene.underlay().address(), inner, vxlan ? mac(scene.own()) : null, scene.port(), scene.vni()), fars);
    }

    private static MacAddress mac(Lease lease) {
        return MacAddress.parse(lease.attributes().backendText("VtepMAC"));
    }

    /**
     * What was seen, in words.
     *
     * @param seen     by peers' public addresses
     * @param rules    of this host's packet filters
     * @param underlay the interface to the other hosts
     */
    static List<Finding> judge(Map<Ipv4, Sight> seen, FilterRules rules, Underlay underlay) {
        Map<Verdict, List<Ipv4>> verdicts = new TreeMap<>();
        seen.forEach((peer, sight) -> verdicts.computeIfAbsent(Verdict.of(sight), verdict -> new ArrayList<>()).add(peer));
        List<Finding> findings = new ArrayList<>();
        verdicts.forEach((verdict, peers) -> findings.add(judge(verdict, peers, seen, rules, underlay)));
        return findings;
    }

    private static Finding judge(Verdict verdict, List<Ipv4> peers, Map<Ipv4, Sight> seen, FilterRules rules,
            Underlay underlay) {
        String eth = underlay.name();
        Ipv4 near = underlay.address();
        String names = peers.stream().map(Ipv4::toString).collect(Collectors.joining(", "));
        String first = peers.getFirst().toString();
        String what = rules.port() == 0 ? "containers" : "UDP port " + rules.port();
        String open = rules.port() == 0 ? "flanneld check on " + first + "; tells what is wrong there. " + FOREIGN_ADDRESSES
                : "flanneld check on " + first + " tells what drops them there; firewall-cmd --permanent --add-port=" + rules.port()
                + "/udp && firewall-cmd --reload there lets them in, where firewalld does; a cloud's security group has to let them through in both directions";
        return switch (verdict) {
            case HELD_BACK -> own(rules, underlay, peers.getFirst(), false, "what is sent to " + names + " does not come out of " + eth
                    + ": this host itself drops what goes out to " + what);
            case SHUT_OUT -> own(rules, underlay, peers.getFirst(), true, "what " + names + (peers.size() == 1 ? " answers" : " answer") + " comes in at "
                    + eth + ", and this host drops it: " + what);
            case REFUSED -> Finding.fail("peers", names + (peers.size() == 1 ? " does" : " do") + " not take what this host sends to " + what + ": "
                    + seen.get(peers.getFirst()).refusal().text(), "systemctl restart flanneld there, if it does not run; else " + open);
            case ASTRAY -> Finding.fail("peers", names + (peers.size() == 1 ? " sends" : " send") + " what is for this host to another machine's"
                    + " hardware address: the entry for " + near + " in the neighbour table there is wrong, or another machine answers for it", "ip neigh flush to " + near
                    + " nud all; there, and ip neigh show " + near + " is to say the address of this host's " + eth);
            case OURS_LOST -> Finding.fail("peers", names + ": what comes from there arrives, what this host sends to " + what
                    + " does not arrive there", open);
            case THEIRS_LOST -> Finding.fail("peers", names + ": what this host sends arrives there, what comes from there to " + what
                    + " does not arrive here", open);
            case UNKNOWN -> Finding.fail("peers", names + (peers.size() == 1 ? " answers" : " answer")
                    + " beside the overlay and not over it: nothing sent to " + what
                    + " is seen to arrive in either direction", open + "; systemctl restart flanneld there, if it does not run");
            case DEAF_HERE -> Finding.warn("peers", names + (peers.size() == 1 ? " answers" : " answer")
                    + " over the overlay, and this host's packet filter drops ICMP that"
                    + " comes in: nothing more can be told by echoes", "iptables -I INPUT -p icmp -j ACCEPT; and flanneld check again");
            case DEAF_THERE -> Finding.warn("peers", names + (peers.size() == 1 ? " gets" : " get") + " packets over the overlay, and "
                    + (peers.size() == 1 ? "sends" : "send") + " some, but no echo is answered:"
                    + " a packet filter there drops ICMP, or sysctl net.ipv4.icmp_echo_ignore_all is on",
                    "iptables -I INPUT -p icmp -j ACCEPT; there");
            case ANSWERS -> Finding.warn("peers", names + " did not answer at first, and now " + (peers.size() == 1 ? "does" : "do"),
                    "flanneld check; again");
        };
    }

    /** What this host does itself, with the rule that does it if one says so. */
    private static Finding own(FilterRules rules, Underlay underlay, Ipv4 peer, boolean incoming, String evidence) {
        String eth = underlay.name();
        ForwardRules.Packet packet = incoming ? new ForwardRules.Packet(eth, "", peer, underlay.address())
                : new ForwardRules.Packet("", eth, underlay.address(), peer);
        return rules.port() == 0 ? Finding.fail("filter", evidence, "iptables -S; or nft list ruleset shows the rules of its packet filters")
                : rules.drop(incoming, packet).map(drop -> Finding.fail("filter", evidence + "; " + drop.rule(), drop.remedy()))
                .orElseGet(() -> Finding.fail("filter", evidence, (rules.mayDrop(incoming) ? rules.opening(incoming) : "ip xfrm policy")
                        + "; iptables-save, nft list ruleset, tc filter show dev " + eth + " and ip xfrm policy show what may do it"));
    }
}
