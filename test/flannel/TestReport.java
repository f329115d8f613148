package flannel;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.ClassSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/**
 * What {@code ./build.sh test} shows: a line for each test class, the reason of each skip and failure, and at the end the counts in the
 * form that build.sh adds up. The console itself adds the stacks of failures. It finds this class through META-INF/services.
 */
public final class TestReport implements TestExecutionListener {

    private final Map<String, Tally> classes = new HashMap<>();
    private TestPlan plan;
    private int passed;
    private int failed;
    private int skipped;

    /** The counts of one test class, and what is to be said about its tests. */
    private static final class Tally {
        private final long startNanos = System.nanoTime();
        private final List<String> remarks = new ArrayList<>();
        private int passed;
        private int failed;
        private int skipped;
    }

    @Override
    public void testPlanExecutionStarted(TestPlan testPlan) {
        plan = testPlan;
    }

    @Override
    public synchronized void executionStarted(TestIdentifier test) {
        if (isClass(test)) {
            classes.put(test.getUniqueId(), new Tally());
        }
    }

    @Override
    public synchronized void executionSkipped(TestIdentifier test, String reason) {
        skip(test, reason);
        if (isClass(test)) {
            report(test);
        }
    }

    @Override
    public synchronized void executionFinished(TestIdentifier test, TestExecutionResult result) {
        Throwable thrown = result.getThrowable().orElse(null);
        switch (result.getStatus()) {
            case SUCCESSFUL -> tallyOf(test).passed += test.isTest() ? 1 : 0;
            case ABORTED -> skip(test, thrown == null ? "aborted" : thrown.getMessage());
            case FAILED -> {
                tallyOf(test).failed++;
                tallyOf(test).remarks.add("FAILED  " + nameOf(test) + ": " + String.valueOf(thrown).lines().findFirst().orElse(""));
            }
        }
        if (isClass(test)) {
            report(test);
        }
    }

    @Override
    public synchronized void testPlanExecutionFinished(TestPlan testPlan) {
        classes.values().forEach(this::count);
        System.out.println(passed + " passed, " + failed + " failed, " + skipped + " skipped");
    }

    private void skip(TestIdentifier test, String reason) {
        long tests = test.isTest() ? 1 : plan.getDescendants(test).stream().filter(TestIdentifier::isTest).count();
        Tally tally = tallyOf(test);
        tally.skipped += (int) Math.max(1, tests);
        tally.remarks.add("skipped " + nameOf(test) + ": " + reason);
    }

    private void report(TestIdentifier testClass) {
        Tally tally = classes.remove(testClass.getUniqueId());
        System.out.printf("%-60s %4d passed%s%s  %6.1f s%n", testClass.getLegacyReportingName(), tally.passed,
                tally.failed == 0 ? "" : ", " + tally.failed + " FAILED", tally.skipped == 0 ? "" : ", " + tally.skipped + " skipped",
                (System.nanoTime() - tally.startNanos) / 1e9);
        tally.remarks.forEach(remark -> System.out.println("    " + remark));
        count(tally);
    }

    private void count(Tally tally) {
        passed += tally.passed;
        failed += tally.failed;
        skipped += tally.skipped;
    }

    /** The tally of the class that a test belongs to; what belongs to none (the engine itself) has one of its own. */
    private Tally tallyOf(TestIdentifier test) {
        TestIdentifier at = test;
        while (!isClass(at) && at.getParentId().isPresent()) {
            at = plan.getParent(at).orElseThrow();
        }
        return classes.computeIfAbsent(at.getUniqueId(), id -> new Tally());
    }

    private String nameOf(TestIdentifier test) {
        TestIdentifier parent = plan.getParent(test).orElse(test);
        return isClass(test) || isClass(parent) ? test.getDisplayName() : parent.getDisplayName() + " " + test.getDisplayName();
    }

    private static boolean isClass(TestIdentifier test) {
        return test.getSource().filter(ClassSource.class::isInstance).isPresent();
    }
}
