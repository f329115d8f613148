package flannel.check;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** Do this host's own packet filters let the overlay through? */
final class FilterQuestions {

    private FilterQuestions() {
    }

    static List<Finding> ask(Scene scene) throws InterruptedException {
        if (scene.config() == null) {
            return List.of();
        }
        String saved = Programs.output("iptables-save", "-t", "filter");
        String nft = Programs.output("nft", "list", "ruleset");
        return ask(saved, nft, scene.port(), scene.setup().forward());
    }

    /**
     * Of what the programs tell.
     *
     * @param saved   of iptables-save; empty when that is not there
     * @param nft     of nft list ruleset; empty likewise
     * @param port    UDP port of the backend; 0 for none
     * @param forward whether the daemon has rules of its own in FORWARD
     */
    static List<Finding> ask(String saved, String nft, int port, boolean forward) {
        List<Finding> findings = new ArrayList<>();
        List<String> lines = saved.lines().toList();
        boolean drops = lines.stream().anyMatch(line -> line.startsWith(":FORWARD DROP"));
        boolean chain = lines.stream().anyMatch(line -> line.startsWith("-A FORWARD") && line.endsWith("-j FLANNEL-FWD"));
        if (drops && !chain) {
            findings.add(Finding.fail("filter", "FORWARD's policy is DROP and no rule of flannel's accepts the overlay's packets: containers reach nobody",
                    forward ? "systemctl restart flanneld puts its chain back" : "take -iptables-forward-rules=false out of FLANNEL_OPTIONS"));
        }
        if (port != 0) {
            Pattern rule = Pattern.compile("-A (INPUT|OUTPUT) .*-p udp .*--dports? (\\S*,)?" + port + "(,\\S*)? .*-j (DROP|REJECT).*");
            lines.stream().filter(line -> rule.matcher(line).matches()).limit(2).forEach(line -> findings.add(Finding.fail("filter",
                    "a rule of this host drops UDP port " + port + (line.startsWith("-A INPUT") ? " that comes in" : " that goes out") + ": " + line,
                    "iptables -D " + line.substring("-A ".length()))));
            if (findings.isEmpty()) {
                Pattern nftRule = Pattern.compile("\\s*.*udp dport (\\{[^}]*\\b" + port + "\\b[^}]*\\}|" + port + "\\b).*\\b(drop|reject)\\b.*");
                nft.lines().filter(line -> nftRule.matcher(line).matches()).limit(1).forEach(line -> findings.add(Finding.fail("filter",
                        "a rule of nftables drops UDP port " + port + ": " + line.strip(), "nft -a list ruleset shows its handle; firewall-cmd --add-port=" + port
                        + "/udp --permanent where firewalld has made it")));
            }
        }
        return findings.isEmpty() ? List.of(Finding.ok("filter", "nothing here drops the overlay's packets" + (chain ? "; FLANNEL-FWD is in FORWARD" : ""))) : findings;
    }
}
