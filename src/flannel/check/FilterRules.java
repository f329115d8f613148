package flannel.check;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The rules of this host's packet filters, as far as they speak of the backend's port. What they do to packets is told by packets; these
 * tell whose rule it was, and what opens the way.
 *
 * @param saved of iptables-save; empty when that is not there
 * @param nft   of nft list ruleset; empty likewise
 * @param port  UDP port of the backend; 0 for none
 */
record FilterRules(String saved, String nft, int port) {

    private static final Pattern TABLE = Pattern.compile("table (\\S+ \\S+) \\{");
    private static final Pattern CHAIN = Pattern.compile("\\s*chain (\\S+) \\{");
    private static final Pattern NFT_PORT = Pattern.compile("udp dport (\\{[^}]*\\}|\\S+)");

    /**
     * A base chain of nftables.
     *
     * @param table   family and name
     * @param refuses whether what none of its rules accepts is dropped
     * @param rules   its own
     * @param all     those of its table's other chains too
     */
    private record Base(String table, String name, String hook, boolean refuses, List<String> rules, List<String> all) {

        boolean drops() {
            return refuses || rules.stream().anyMatch(Base::drops);
        }

        static boolean drops(String rule) {
            return rule.matches("(.* )?(drop|reject)\\b.*");
        }
    }

    /** A rule that drops packets to the port, and the command that takes it away. */
    record Drop(String rule, String remedy) {
    }

    static FilterRules read(int port) throws InterruptedException {
        return new FilterRules(Scene.PROGRAMS.answer("iptables-save"), Scene.PROGRAMS.answer("nft", "list", "ruleset"), port);
    }

    /** Whether flannel's own rules are asked. */
    boolean hasOwnChain() {
        return saved.lines().anyMatch(line -> line.startsWith("-A FORWARD") && line.endsWith("-j FLANNEL-FWD"));
    }

    ForwardRules forward() {
        return ForwardRules.parse(saved);
    }

    private List<String> table(String name) {
        return saved.lines().dropWhile(line -> !line.equals("*" + name)).takeWhile(line -> !line.equals("COMMIT")).toList();
    }

    /** A table of nftables beside iptables' own that ends forwarded packets and has none of these words; empty for none. */
    Optional<String> forwardDropsBeside(String... words) {
        return bases().stream().filter(base -> base.hook.equals("forward") && base.drops() && !isIptables(base.table))
                .filter(base -> base.all.stream().noneMatch(rule -> Arrays.stream(words).anyMatch(word -> !word.isEmpty() && rule.contains(word))))
                .map(base -> base.table + " " + base.name).findFirst();
    }

    /** The rule by which packets to the port are dropped that come in, or go out, when one names it, or the address of the other host. */
    Optional<Drop> drop(boolean incoming, ForwardRules.Packet packet) {
        return drop(incoming).or(() -> Optional.ofNullable(forward().endHere(packet, incoming))
                .filter(end -> end.rule().matches("-A .* -[sd] .*")).map(end -> new Drop(end.rule(), end.deletion())));
    }

    /** The same, of those that name the port. */
    Optional<Drop> drop(boolean incoming) {
        Pattern dropping = Pattern.compile("-A (?!FORWARD |" + (incoming ? "OUTPUT |POSTROUTING " : "INPUT |PREROUTING ")
                + ").* -j (DROP|REJECT|DNAT|REDIRECT)\\b.*");
        Optional<Drop> iptables = Stream.of("raw", "mangle", "nat", "filter").flatMap(table -> table(table).stream()
                .filter(line -> namesPort(line) && dropping.matcher(line).matches())
                .map(line -> new Drop(line, "iptables " + (table.equals("filter") ? "" : "-t " + table + " ") + "-D "
                + line.substring("-A ".length())))).findFirst();
        return iptables.or(() -> bases().stream().filter(base -> base.hook.equals(incoming ? "input" : "output") && !isIptables(base.table))
                .flatMap(base -> base.all.stream().filter(rule -> nftNamesPort(rule) && Base.drops(rule)).map(rule ->
                        new Drop("table " + base.table + ": " + rule, opening(incoming)))).findFirst());
    }

    /** Whether there is anything in the rules that could drop packets that come in, or go out. */
    boolean mayDrop(boolean incoming) {
        String other = incoming ? "[:].*|-A (FORWARD|OUTPUT|POSTROUTING) " : "[:].*|-A (FORWARD|INPUT|PREROUTING) ";
        return saved.contains(incoming ? ":INPUT DROP" : ":OUTPUT DROP") || saved.lines().anyMatch(line -> line.matches(".* -j (DROP|REJECT)\\b.*")
                && !line.matches("(" + other + ").*")) || bases().stream().anyMatch(base -> base.hook.equals(incoming ? "input" : "output") && base.drops());
    }

    /** The command that lets packets to the port in, or out. */
    String opening(boolean incoming) {
        if (isFirewalld()) {
            return "firewall-cmd --permanent --add-port=" + port + "/udp && firewall-cmd --reload";
        }
        if (saved.contains("-j ufw-before-")) {
            return "ufw allow " + (incoming ? "" : "out ") + port + "/udp";
        }
        return bases().stream().filter(base -> base.hook.equals(incoming ? "input" : "output") && base.drops() && !isIptables(base.table)).findFirst()
                .map(base -> "nft insert rule " + base.table + " " + base.name + " udp dport " + port + " accept")
                .orElse("iptables -I " + (incoming ? "INPUT" : "OUTPUT") + " -p udp --dport " + port + " -j ACCEPT");
    }

    /** A rule at which bridges drop packets; empty for none. {@code ebtables} is the text of ebtables-save. */
    Optional<String> bridgeDrop(String ebtables) {
        return ebtables.lines().filter(line -> line.matches("-A (INPUT|FORWARD|OUTPUT) .*-j DROP")).findFirst()
                .or(() -> bases().stream().filter(base -> base.table.startsWith("bridge ")).flatMap(base -> base.refuses ? Stream.of("policy drop of "
                + base.table + " " + base.name) : base.all.stream().filter(Base::drops).map(rule -> "table " + base.table + ": " + rule)).findFirst());
    }

    private boolean isFirewalld() {
        return nft.contains("table inet firewalld ") || saved.contains("-j INPUT_ZONES");
    }

    /** iptables-nft keeps its rules there. */
    private boolean isIptables(String table) {
        return !saved.isEmpty() && table.equals("ip filter");
    }

    /** {@code --dport 8472}, {@code --dport 8000:9000}, {@code --dports 53,8000:9000}. */
    private boolean namesPort(String line) {
        Matcher ports = Pattern.compile("(?<!! )--dports? (\\S+)").matcher(line);
        return line.contains("-p udp") && ports.find() && Arrays.stream(ports.group(1).split(",")).anyMatch(part -> contains(part.split(":", 2)));
    }

    /** {@code udp dport 8472}, {@code udp dport 8000-9000}, {@code udp dport { 53, 8000-9000 }}. */
    private boolean nftNamesPort(String rule) {
        Matcher ports = NFT_PORT.matcher(rule);
        return ports.find() && Arrays.stream(ports.group(1).replaceAll("[{} ]", "").split(",")).anyMatch(part -> contains(part.split("-", 2)));
    }

    private boolean contains(String[] range) {
        try {
            return port >= Integer.parseInt(range[0]) && port <= Integer.parseInt(range[range.length - 1]);
        } catch (NumberFormatException e) {
            return false; // a name, or a set's
        }
    }

    /** Of nft list ruleset, whose lines have one thing each. */
    private List<Base> bases() {
        List<Base> bases = new ArrayList<>();
        String table = "";
        String chain = "";
        List<String> inTable = new ArrayList<>();
        List<String> inChain = new ArrayList<>();
        for (String line : nft.lines().map(each -> each).toList()) {
            Matcher tableBegins = TABLE.matcher(line);
            Matcher chainBegins = CHAIN.matcher(line);
            if (tableBegins.lookingAt()) {
                table = tableBegins.group(1);
                inTable = new ArrayList<>();
            } else if (chainBegins.lookingAt()) {
                chain = chainBegins.group(1);
                inChain = new ArrayList<>();
            } else if (line.contains(" hook ")) {
                bases.add(new Base(table, chain, line.replaceFirst(".* hook (\\S+).*", "$1"), line.contains("policy drop"), inChain, inTable));
            } else {
                inChain.add(line.strip());
                inTable.add(line.strip());
            }
        }
        return bases;
    }
}
