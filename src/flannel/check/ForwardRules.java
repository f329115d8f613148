package flannel.check;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What iptables does to forwarded packets: its chains as iptables-save(8) writes them, and one packet's way through them. A rule that asks
 * for more than addresses and devices is taken for one that does not match: what is said to be dropped, is.
 *
 * @param chains rules by table and chain, {@code "filter FORWARD"}
 * @param drops  chains whose policy is DROP
 */
record ForwardRules(Map<String, List<String>> chains, Set<String> drops) {

    private static final int DEEPEST = 16;
    private static final Pattern COMMENT = Pattern.compile(" --comment (\"([^\"\\\\]|\\\\.)*\"|\\S+)");

    private static final Pattern DESTINATION = Pattern.compile(" -d ([0-9.]+)(/32)? ");

    /** The chains that a forwarded packet passes, in their order. */
    private static final List<String> WAY = List.of("raw PREROUTING", "mangle PREROUTING", "nat PREROUTING", "mangle FORWARD", "filter FORWARD",
            "security FORWARD", "mangle POSTROUTING", "nat POSTROUTING");
    private static final List<String> WAY_IN = List.of("raw PREROUTING", "mangle PREROUTING", "nat PREROUTING", "mangle INPUT", "filter INPUT");
    private static final List<String> WAY_OUT = List.of("raw OUTPUT", "mangle OUTPUT", "nat OUTPUT", "filter OUTPUT", "mangle POSTROUTING");
    private static final End ACCEPTED = new End("", "", "ACCEPT");

    /** Reads the text of iptables-save. */
    static ForwardRules parse(String saved) {
        Map<String, List<String>> chains = new HashMap<>();
        Set<String> drops = new HashSet<>();
        String table = "";
        for (String line : saved.lines().toList()) {
            if (line.startsWith("*")) {
                table = line.substring(1) + " ";
            } else if (line.startsWith("-A ")) {
                chains.computeIfAbsent(table + line.split(" ")[1], chain -> new ArrayList<>()).add(line);
            } else if (line.matches(":\\S+ DROP .*")) {
                drops.add(table + line.substring(1).split(" ")[0]);
            }
        }
        return new ForwardRules(chains, drops);
    }

    /** A packet of a new connection. */
    record Packet(String in, String out, Ipv4 from, Ipv4 to) {
    }

    /**
     * Where a packet's way ends, or another one begins.
     *
     * @param table  of the rule
     * @param rule   as iptables-save has it; {@code policy DROP} for a chain's policy
     * @param target DROP, REJECT, or of those that change addresses DNAT, REDIRECT, NETMAP, SNAT, MASQUERADE
     */
    record End(String table, String rule, String target) {

        boolean drops() {
            return target.equals("DROP") || target.equals("REJECT");
        }

        /** The command that takes the rule away. */
        String deletion() {
            return "iptables " + (table.equals("filter") ? "" : "-t " + table + " ") + "-D " + rule.substring("-A ".length());
        }
    }

    /** What a rule does to a packet that it matches. */
    private record Rule(String line, boolean matches, String target, boolean leaves) {
    }

    /** What becomes of a packet other than that it is sent on as it is; null when it is. */
    End end(Packet packet) {
        return end(packet, WAY);
    }

    /** The same for one that is for this host, or comes from it. */
    End endHere(Packet packet, boolean incoming) {
        return end(packet, incoming ? WAY_IN : WAY_OUT);
    }

    private End end(Packet packet, List<String> way) {
        for (String chain : way) {
            String table = chain.split(" ")[0];
            End end = walk(table, chain, packet, 0);
            if (end == null && drops.contains(chain)) {
                return new End(table, "policy DROP", "DROP");
            }
            if (end != null && end != ACCEPTED) {
                return end;
            }
        }
        return null;
    }

    /** Single addresses of a subnet that rules speak of as where packets go to. */
    List<Ipv4> destinations(Ipv4Subnet subnet) {
        return chains.values().stream().flatMap(List::stream).map(DESTINATION::matcher).filter(Matcher::find).map(found -> Ipv4.parse(found.group(1)))
                .filter(subnet::contains).distinct().toList();
    }

    /** ACCEPTED, where it ends, or null for neither. */
    private End walk(String table, String chain, Packet packet, int depth) {
        for (String line : depth > DEEPEST ? List.<String>of() : chains.getOrDefault(chain, List.of())) {
            Rule rule = read(line, packet);
            if (!rule.matches) {
                continue;
            }
            switch (rule.target) {
                case "ACCEPT" -> {
                    return ACCEPTED;
                }
                case "DROP", "REJECT", "DNAT", "REDIRECT", "NETMAP", "SNAT", "MASQUERADE" -> {
                    return new End(table, line, rule.target);
                }
                case "RETURN" -> {
                    return null;
                }
                default -> {
                    End end = walk(table, table + " " + rule.target, packet, depth + 1);
                    if (end != null || rule.leaves) {
                        return end;
                    }
                }
            }
        }
        return null;
    }

    private static Rule read(String line, Packet packet) {
        String[] words = COMMENT.matcher(line).replaceAll("").split(" ");
        boolean matches = true;
        boolean not = false;
        for (int at = 2; at < words.length; at++) {
            String value = at + 1 < words.length ? words[at + 1] : "";
            switch (words[at]) {
                case "!" -> {
                    not = true;
                    continue;
                }
                case "-s" -> matches &= not != contains(value, packet.from);
                case "-d" -> matches &= not != contains(value, packet.to);
                case "-i" -> matches &= not != names(value, packet.in);
                case "-o" -> matches &= not != names(value, packet.out);
                case "-j", "-g" -> {
                    return new Rule(line, matches, value, words[at].equals("-g"));
                }
                case "-m" -> matches &= value.equals("comment");
                default -> {
                    matches = false;
                    at--; // it may have no value, or several
                }
            }
            not = false;
            at++;
        }
        return new Rule(line, false, "", false);
    }

    private static boolean contains(String range, Ipv4 address) {
        try {
            return (range.contains("/") ? Ipv4Subnet.parse(range) : new Ipv4Subnet(Ipv4.parse(range), 32)).contains(address);
        } catch (IllegalArgumentException e) {
            return false; // a mask with holes
        }
    }

    private static boolean names(String pattern, String device) {
        return pattern.endsWith("+") ? device.startsWith(pattern.substring(0, pattern.length() - 1)) : pattern.equals(device);
    }
}
