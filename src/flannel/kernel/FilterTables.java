package flannel.kernel;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * The chains of interest as iptables-save(8) tells them, and the input for iptables-restore(8) that mends them. Pure.
 *
 * @param chains rules by table and chain ("nat POSTROUTING"), in order
 */
record FilterTables(Map<String, List<String>> chains) {

    /** Reads the output of iptables-save; passes over all chains but the wanted ones. */
    static FilterTables parse(Iterable<String> lines, List<FilterChain> wanted) {
        Map<String, List<String>> chains = new HashMap<>();
        String table = "";
        for (String line : lines) {
            if (line.startsWith("*")) {
                table = line.substring(1).strip();
            } else if (line.startsWith(":") || line.startsWith("-A ")) {
                int from = line.startsWith(":") ? 1 : 3;
                int to = line.indexOf(' ', from);
                String chain = line.substring(from, to < 0 ? line.length() : to);
                if (isOfInterest(table, chain, wanted)) {
                    List<String> rules = chains.computeIfAbsent(table + " " + chain, key -> new ArrayList<>());
                    if (from == 3) {
                        rules.add(line.strip());
                    }
                }
            }
        }
        return new FilterTables(chains);
    }

    private static boolean isOfInterest(String table, String chain, List<FilterChain> wanted) {
        return wanted.stream().anyMatch(each -> each.table().equals(table) && (each.builtIn().equals(chain) || each.name().equals(chain)));
    }

    /** The rules of our chain; null when there is no such chain. */
    List<String> own(FilterChain chain) {
        return chains.get(chain.table() + " " + chain.name());
    }

    private List<String> builtIn(FilterChain chain) {
        return chains.getOrDefault(chain.table() + " " + chain.builtIn(), List.of());
    }

    List<String> jumps(FilterChain chain) {
        return builtIn(chain).stream().filter(chain::isJump).toList();
    }

    /**
     * Whether a chain is whole and jumped to from the right place, once; or is not there, when it is not wanted.
     *
     * @param content rules that count as the wanted ones
     */
    boolean isInOrder(FilterChain chain, List<String> content) {
        if (!chain.isWanted()) {
            return own(chain) == null && jumps(chain).isEmpty();
        }
        List<String> builtIn = builtIn(chain);
        List<String> jumps = jumps(chain);
        int barrier = barrier(chain, builtIn);
        return content.equals(own(chain)) && jumps.size() == 1 && isPlainJump(chain, jumps.getFirst())
                && (barrier < 0 || builtIn.indexOf(jumps.getFirst()) < barrier);
    }

    /** A jump that somebody restricted to some packets does not do. */
    private static boolean isPlainJump(FilterChain chain, String jump) {
        return jump.equals(chain.jump()) || jump.equals("-A " + chain.builtIn() + " -j " + chain.name());
    }

    private static int barrier(FilterChain chain, List<String> builtIn) {
        for (int i = 0; i < builtIn.size(); i++) {
            if (chain.isBarrier(builtIn.get(i))) {
                return i;
            }
        }
        return -1;
    }

    List<String> loose(FilterChain chain, List<String> looseRules) {
        return builtIn(chain).stream().filter(looseRules::contains).toList();
    }

    /**
     * One transaction for {@code iptables-restore --noflush}.
     *
     * @param broken     chains to be put in order
     * @param looseRules rules that are to go from the built-in chains
     */
    String mend(List<FilterChain> broken, Function<FilterChain, List<String>> looseRules) {
        StringBuilder text = new StringBuilder();
        for (FilterChain chain : broken) {
            text.append('*').append(chain.table()).append('\n');
            // naming a chain of one's own makes it, or empties it
            text.append(':').append(chain.name()).append(" - [0:0]\n");
            chain.rules().forEach(rule -> text.append(rule).append('\n'));
            List<String> gone = new ArrayList<>(jumps(chain));
            gone.addAll(loose(chain, looseRules.apply(chain)));
            gone.forEach(rule -> text.append("-D").append(rule.substring(2)).append('\n'));
            if (chain.isWanted()) {
                text.append(placed(chain, gone)).append('\n');
            } else {
                text.append("-X ").append(chain.name()).append('\n');
            }
            text.append("COMMIT\n");
        }
        return text.toString();
    }

    private String placed(FilterChain chain, List<String> gone) {
        List<String> remaining = new ArrayList<>(builtIn(chain));
        gone.forEach(remaining::remove);
        int barrier = barrier(chain, remaining);
        String prefix = "-A " + chain.builtIn();
        return barrier < 0 ? chain.jump() : "-I " + chain.builtIn() + " " + (barrier + 1) + chain.jump().substring(prefix.length());
    }
}
