package flannel.check;

import flannel.kernel.Found;
import flannel.kernel.Inspection;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.probe.Echoes;
import flannel.probe.Host;
import flannel.probe.Plan;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Do rules of bridges (ebtables, nftables' tables of the family bridge), which iptables does not know of, keep containers from this host? */
final class BridgeQuestions {

    private static final Path LEGACY = Path.of("/sys/module/ebtable_filter");
    private static final int ASKED = 8;
    private static final Plan PLAN = new Plan(List.of(84), 1, Duration.ofMillis(20), Duration.ofMillis(300), 1);

    private BridgeQuestions() {
    }

    /** Only where there is such a rule are containers asked, those that docker0's neighbour table knows: some do not answer, or are gone. */
    static List<Finding> ask(Scene scene, FilterRules rules) throws InterruptedException {
        Optional<Found.Link> bridge = scene.link("docker0");
        Optional<String> rule = rules.bridgeDrop(Files.exists(LEGACY) ? Scene.PROGRAMS.answer("ebtables-save") : "");
        if (bridge.isEmpty() || rule.isEmpty() || scene.own() == null) {
            return List.of();
        }
        Ipv4Subnet own = scene.own().subnet();
        try {
            List<Host> containers = Inspection.neighbours(bridge.get().index()).keySet().stream().filter(own::contains).limit(ASKED)
                    .map(address -> new Host(own, List.of(address))).toList();
            List<Ipv4> silent = containers.isEmpty() ? List.of() : Echoes.ask(PLAN, new Host(own, List.of(own.base().plus(1))), containers).outcomes().stream()
                    .filter(outcome -> outcome.answered() == 0).map(outcome -> outcome.address()).toList();
            return silent.isEmpty() || silent.size() < containers.size() ? List.of() : List.of(Finding.fail("docker", "no container at docker0 answers ("
                    + silent.stream().map(Ipv4::toString).collect(Collectors.joining(", ")) + "), and a rule of bridges drops packets: " + rule.get(),
                    (rule.get().startsWith("-A ") ? "ebtables -D " + rule.get().substring("-A ".length()) : "nft list ruleset bridge")
                    + "; iptables does not see what that drops"));
        } catch (SystemCallException e) {
            return List.of(); // nobody but root may ask, as is said of the peers
        }
    }
}
