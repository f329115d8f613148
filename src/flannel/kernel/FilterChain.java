package flannel.kernel;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * A chain of ours in an iptables table, and the rule in a built-in chain that jumps to it. Rules are lines of iptables-save(8).
 *
 * @param table   "nat" or "filter"
 * @param builtIn chain that the packets come from
 * @param name    our chain
 * @param comment on each rule, as newer flannels write it
 * @param rules   its content, in order; empty when the chain is not wanted
 */
record FilterChain(String table, String builtIn, String name, String comment, List<String> rules) {

    /** Packets that kube-proxy marks are masqueraded by it, and must not be twice. */
    private static final String KUBE_PROXY_MARK = "0x4000/0x4000";

    /**
     * Source address translation for what leaves an overlay or enters it from outside. What keeps its address comes first, for all
     * networks, so that it makes no difference which of them stands before the other.
     */
    static FilterChain masquerade(Collection<PacketFilter.Rules> networks, boolean canBeFullyRandom) {
        String comment = "flanneld masq";
        String rule = "-A FLANNEL-POSTRTG ";
        String tail = " -m comment --comment \"" + comment + "\" -j ";
        List<String> rules = new ArrayList<>();
        List<PacketFilter.Rules> masqueraded = networks.stream().filter(PacketFilter.Rules::masquerade).toList();
        if (!masqueraded.isEmpty()) {
            rules.add(rule + "-m mark --mark " + KUBE_PROXY_MARK + tail + "RETURN");
        }
        for (PacketFilter.Rules each : masqueraded) {
            rules.add(rule + "-s " + each.network() + " -d " + each.network() + tail + "RETURN");
            // who comes in from outside for a container of this host keeps its address
            rules.add(rule + "! -s " + each.network() + " -d " + each.own() + tail + "RETURN");
        }
        for (PacketFilter.Rules each : masqueraded) {
            String masquerade = tail + "MASQUERADE" + (canBeFullyRandom && each.fullyRandom() ? " --random-fully" : "");
            rules.add(rule + "-s " + each.network() + " ! -d 224.0.0.0/4" + masquerade);
            rules.add(rule + "! -s " + each.network() + " -d " + each.network() + masquerade);
        }
        return new FilterChain("nat", "POSTROUTING", "FLANNEL-POSTRTG", comment, rules);
    }

    /** Lets the overlays' packets pass where the policy of FORWARD is DROP, as Docker sets it since 1.13; but for those that are guarded from. */
    static FilterChain forward(Collection<PacketFilter.Rules> networks) {
        String comment = "flanneld forward";
        List<String> rules = new ArrayList<>();
        networks.stream().map(PacketFilter.Rules::guard).filter(guard -> !guard.isEmpty()).distinct().forEach(guard ->
                rules.add("-A FLANNEL-FWD -d 169.254.0.0/16 -i " + guard + " -m comment --comment \"" + comment + "\" -j DROP"));
        for (PacketFilter.Rules each : networks) {
            if (each.forward()) {
                rules.add("-A FLANNEL-FWD -s " + each.network() + " -m comment --comment \"" + comment + "\" -j ACCEPT");
                rules.add("-A FLANNEL-FWD -d " + each.network() + " -m comment --comment \"" + comment + "\" -j ACCEPT");
            }
        }
        return new FilterChain("filter", "FORWARD", "FLANNEL-FWD", comment, rules);
    }

    /** The rules that flannel 0.7.1 puts into nat POSTROUTING itself, and takes out only when it is stopped in order. */
    static List<String> looseRules(PacketFilter.Rules wanted) {
        String network = wanted.network().toString();
        return List.of(
                "-A POSTROUTING -s " + network + " -d " + network + " -j RETURN",
                "-A POSTROUTING -s " + network + " ! -d 224.0.0.0/4 -j MASQUERADE",
                "-A POSTROUTING ! -s " + network + " -d " + network + " -j MASQUERADE");
    }

    boolean isWanted() {
        return !rules.isEmpty();
    }

    String jump() {
        return "-A " + builtIn + " -m comment --comment \"" + comment + "\" -j " + name;
    }

    boolean isJump(String rule) {
        return rule.endsWith(" -j " + name) || rule.endsWith(" -g " + name);
    }

    /** A rule that lets nothing reach the rules behind it. iptables' and firewalld's usual set-up ends FORWARD with one. */
    boolean isBarrier(String rule) {
        return rule.startsWith("-A " + builtIn + " -j REJECT") || rule.equals("-A " + builtIn + " -j DROP");
    }
}
