package flannel.kernel;

import java.util.ArrayList;
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

    /** Source address translation for what leaves the overlay or enters it from outside. */
    static FilterChain masquerade(PacketFilter.Rules wanted, boolean fullyRandom) {
        String comment = "flanneld masq";
        List<String> rules = new ArrayList<>();
        if (wanted.masquerade()) {
            String rule = "-A FLANNEL-POSTRTG ";
            String tail = " -m comment --comment \"" + comment + "\" -j ";
            String masquerade = tail + "MASQUERADE" + (fullyRandom ? " --random-fully" : "");
            rules.add(rule + "-m mark --mark " + KUBE_PROXY_MARK + tail + "RETURN");
            rules.add(rule + "-s " + wanted.network() + " -d " + wanted.network() + tail + "RETURN");
            rules.add(rule + "-s " + wanted.network() + " ! -d 224.0.0.0/4" + masquerade);
            // who comes in from outside for a container of this host keeps its address
            rules.add(rule + "! -s " + wanted.network() + " -d " + wanted.own() + tail + "RETURN");
            rules.add(rule + "! -s " + wanted.network() + " -d " + wanted.network() + masquerade);
        }
        return new FilterChain("nat", "POSTROUTING", "FLANNEL-POSTRTG", comment, rules);
    }

    /** Lets the overlay's packets pass where the policy of FORWARD is DROP, as Docker sets it since 1.13. */
    static FilterChain forward(PacketFilter.Rules wanted) {
        String comment = "flanneld forward";
        List<String> rules = new ArrayList<>();
        if (wanted.forward()) {
            rules.add("-A FLANNEL-FWD -s " + wanted.network() + " -m comment --comment \"" + comment + "\" -j ACCEPT");
            rules.add("-A FLANNEL-FWD -d " + wanted.network() + " -m comment --comment \"" + comment + "\" -j ACCEPT");
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
