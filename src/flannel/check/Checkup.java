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
    private static final Set<String> OWN_PATH = Set.of("device", "entries", "routes", "filter", "interface");

    /** Looks at this host and asks. Takes a few seconds at most. */
    public static Checkup of(Setup setup, Log log) throws InterruptedException {
        Scene scene = Scene.look(setup, log);
        List<Finding> findings = new ArrayList<>();
        findings.addAll(ServiceQuestions.daemon(scene));
        findings.addAll(ServiceQuestions.unit(scene));
        findings.addAll(ServiceQuestions.room(scene));
        findings.addAll(StoreQuestions.members(scene));
        findings.addAll(StoreQuestions.clock(scene));
        findings.addAll(StoreQuestions.config(scene));
        findings.addAll(KernelQuestions.underlay(scene));
        findings.addAll(LeaseQuestions.own(scene));
        findings.addAll(LeaseQuestions.addresses(scene));
        findings.addAll(LeaseQuestions.backends(scene));
        findings.addAll(LeaseQuestions.renewals(scene));
        findings.addAll(ServiceQuestions.subnetFile(scene));
        findings.addAll(KernelQuestions.device(scene));
        findings.addAll(KernelQuestions.entries(scene));
        findings.addAll(KernelQuestions.strangers(scene));
        findings.addAll(KernelQuestions.forwarding(scene));
        findings.addAll(DockerQuestions.ask(scene));
        findings.addAll(FilterQuestions.ask(scene));
        if (findings.stream().noneMatch(finding -> finding.level() == Level.FAIL && OWN_PATH.contains(finding.subject()))) {
            findings.addAll(PeerQuestions.ask(scene));
        }
        return new Checkup(List.copyOf(findings));
    }

    /** The worst that was found. */
    public Level level() {
        return findings.stream().map(Finding::level).max(Level::compareTo).orElse(Level.OK);
    }

    /** A line for each finding, and one below it for what mends it. */
    public String text() {
        StringBuilder text = new StringBuilder();
        for (Finding finding : findings) {
            text.append(String.format("%-4s  %-" + SUBJECT_WIDTH + "s  %s%n", finding.level().word(), finding.subject(),
                    Printable.line(finding.evidence(), LONGEST_TEXT)));
            if (!finding.remedy().isEmpty()) {
                text.append(" ".repeat(SUBJECT_WIDTH + 8)).append("-> ").append(Printable.line(finding.remedy(), LONGEST_TEXT)).append('\n');
            }
        }
        return text.toString();
    }

    /** {@code {"level":"FAIL","findings":[{"level":...,"subject":...,"evidence":...,"remedy":...},...]}} */
    public JsonValue json() {
        return JsonValue.object("level", level().word(), "findings", findings.stream().map(finding -> JsonValue.object("level", finding.level().word(),
                "subject", finding.subject(), "evidence", finding.evidence(), "remedy", finding.remedy().isEmpty() ? null : finding.remedy())).toList());
    }
}
