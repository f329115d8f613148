package flannel.check;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What iptables does to forwarded packets: its chains as iptables-save(8) writes them, and one packet's way through them. A rule that asks
 * for more than addresses and devices is taken for one that does not match: what is said to be dropped, is.
 */
final class ForwardRules {

    private static final int DEEPEST = 16;
    private static final Pattern COMMENT = Pattern.compile(" --comment (\"([^\"\\\\]|\\\\.)*\"|\\S+)");

    private final Map<String, List<String>> chains = new HashMap<>();
    private boolean dropsByPolicy;

    /** @param saved the lines of the table filter */
    ForwardRules(List<String> saved) {
        for (String line : saved) {
            if (line.startsWith("-A ")) {
                chains.computeIfAbsent(line.split(" ")[1], chain -> new ArrayList<>()).add(line);
            }
            dropsByPolicy |= line.startsWith(":FORWARD DROP");
        }
    }

    /** A packet of a new connection. */
    record Packet(String in, String out, Ipv4 from, Ipv4 to) {
    }

    /** What a rule does to a packet that it matches. */
    private record Rule(String line, boolean matches, String target, boolean leaves) {
    }

    /** Why a packet is dropped, the rule or "policy DROP"; empty when it is not. */
    String dropped(Packet packet) {
        String end = walk("FORWARD", packet, 0);
        return end == null ? dropsByPolicy ? "policy DROP" : "" : end.equals("ACCEPT") ? "" : end;
    }

    /** ACCEPT, the rule that drops it, or null for neither. */
    private String walk(String chain, Packet packet, int depth) {
        for (String line : depth > DEEPEST ? List.<String>of() : chains.getOrDefault(chain, List.of())) {
            Rule rule = read(line, packet);
            if (!rule.matches) {
                continue;
            }
            switch (rule.target) {
                case "ACCEPT" -> {
                    return "ACCEPT";
                }
                case "DROP", "REJECT" -> {
                    return line;
                }
                case "RETURN" -> {
                    return null;
                }
                default -> {
                    String end = walk(rule.target, packet, depth + 1);
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
