package flannel.check;

import flannel.check.Finding.Level;
import flannel.json.JsonValue;
import flannel.log.Log;
import flannel.log.Printable;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * All questions, in the order in which a person would ask them: what the later ones take for granted comes first.
 *
 * @param findings their answers
 */
public record Checkup(List<Finding> findings) {

    private static final int SUBJECT_WIDTH = 12;
    private static final int LONGEST_TEXT = 1_000;

    /** What is wrong with these explains that the peers do not answer, and is to be mended first. */
    private static final Set<String> OWN_PATH = Set.of("device", "entries", "routes", "interface", "ipsec");

    /**
     * Looks at this host and asks. Takes a few seconds at most.
     *
     * @param setups of its networks, one at least
     */
    public static Checkup of(List<Setup> setups, Log log) throws InterruptedException {
        List<Scene> scenes = new ArrayList<>();
        for (Setup setup : setups) {
            scenes.add(Scene.look(setup, log));
        }
        List<Finding> findings = new ArrayList<>(ofHost(scenes.getFirst()));
        findings.addAll(NetworkQuestions.ask(scenes));
        for (Scene scene : scenes) {
            ofNetwork(scene).forEach(finding -> findings.add(finding.of(scene.setup().network())));
        }
        return new Checkup(List.copyOf(findings));
    }

    private static List<Finding> ofHost(Scene scene) throws InterruptedException {
        List<Finding> findings = new ArrayList<>();
        findings.addAll(ServiceQuestions.daemon(scene));
        findings.addAll(ServiceQuestions.unit(scene));
        findings.addAll(ServiceQuestions.room(scene));
        findings.addAll(HostQuestions.ask());
        findings.addAll(StoreQuestions.members(scene));
        findings.addAll(StoreQuestions.clock(scene));
        return findings;
    }

    private static List<Finding> ofNetwork(Scene scene) throws InterruptedException {
        List<Finding> findings = new ArrayList<>();
        findings.addAll(StoreQuestions.config(scene));
        findings.addAll(KernelQuestions.underlay(scene));
        findings.addAll(NeighbourQuestions.own(scene));
        findings.addAll(LeaseQuestions.own(scene));
        findings.addAll(LeaseQuestions.addresses(scene));
        findings.addAll(LeaseQuestions.backends(scene));
        findings.addAll(LeaseQuestions.ranges(scene));
        findings.addAll(LeaseQuestions.renewals(scene));
        findings.addAll(ServiceQuestions.subnetFile(scene));
        findings.addAll(KernelQuestions.device(scene));
        findings.addAll(KernelQuestions.entries(scene));
        findings.addAll(KernelQuestions.strangers(scene));
        findings.addAll(KernelQuestions.capture(scene));
        findings.addAll(KernelQuestions.checksums(scene));
        findings.addAll(KernelQuestions.forwarding(scene));
        findings.addAll(DockerQuestions.ask(scene));
        findings.addAll(IpsecQuestions.ask(scene));
        FilterRules rules = FilterRules.read(scene.port());
        findings.addAll(BridgeQuestions.ask(scene, rules));
        findings.addAll(FilterQuestions.ask(scene, rules));
        if (findings.stream().noneMatch(finding -> finding.level() == Level.FAIL && OWN_PATH.contains(finding.subject()))) {
            findings.addAll(PeerQuestions.ask(scene, rules));
        }
        return findings;
    }

    /** The worst that was found. */
    public Level level() {
        return findings.stream().map(Finding::level).max(Level::compareTo).orElse(Level.OK);
    }

    /** A line for each finding, and one below it for what mends it. */
    public String text() {
        StringBuilder text = new StringBuilder();
        int width = findings.stream().map(Checkup::subject).mapToInt(String::length).reduce(SUBJECT_WIDTH, Math::max);
        for (Finding finding : findings) {
            text.append(String.format("%-4s  %-" + width + "s  %s%n", finding.level().word(), subject(finding),
                    Printable.line(finding.evidence(), LONGEST_TEXT)));
            if (!finding.remedy().isEmpty()) {
                text.append(" ".repeat(width + 8)).append("-> ").append(Printable.line(finding.remedy(), LONGEST_TEXT)).append('\n');
            }
        }
        return text.toString();
    }

    private static String subject(Finding finding) {
        return finding.network().isEmpty() ? finding.subject() : Printable.line(finding.network(), LONGEST_TEXT) + ": " + finding.subject();
    }

    /** {@code {"level":"FAIL","findings":[{"network":...,"level":...,"subject":...,"evidence":...,"remedy":...},...]}} */
    public JsonValue json() {
        return JsonValue.object("level", level().word(), "findings", findings.stream().map(finding -> JsonValue.object(
                "network", finding.network().isEmpty() ? null : finding.network(), "level", finding.level().word(),
                "subject", finding.subject(), "evidence", finding.evidence(), "remedy", finding.remedy().isEmpty() ? null
                : finding.remedy())).toList());
    }
}
