package flannel.lab.faults;

import flannel.lab.Arguments;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * {@code ./build.sh test-faults [--minutes N] [--seed S] [--hold SECONDS] [--fault NAME]}: clusters of three to eight hosts, one after the other,
 * and faults of all kinds until the time is over. Each cluster has a seed of its own, the first S; one that failed is played again by
 * {@code --seed} with its own. {@code --hold} bounds how long a fault lasts; {@code --fault} leaves those with that in their name.
 */
public final class FaultLab {

    private static final int MOST_HOSTS = 8;
    private static final int FAULTS_A_CLUSTER = 25;
    private static final String LONGEST_SECONDS = "12";

    private FaultLab() {
    }

    public static void main(String[] arguments) {
        Map<String, String> given = Arguments.parse("./build.sh test-faults [--minutes N] [--seed S] [--hold SECONDS] [--fault NAME]",
                Map.of("--minutes", "\\d{1,5}", "--seed", "\\d{1,18}", "--hold", "\\d{1,4}", "--fault", ".+"), arguments);
        long minutes = Long.parseLong(given.getOrDefault("--minutes", "10"));
        long first = Long.parseLong(given.getOrDefault("--seed", Long.toString(System.currentTimeMillis() / 1_000)));
        double longest = Double.parseDouble(given.getOrDefault("--hold", LONGEST_SECONDS));
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(minutes);
        Table table = new Table();
        int failed = 0;
        long seed = first;
        for (; seed == first || System.nanoTime() < end; seed++) {
            try {
                new FaultRun(seed, MOST_HOSTS, given.getOrDefault("--fault", ""), table).play(FAULTS_A_CLUSTER, longest, end);
            } catch (Exception | AssertionError e) {
                failed++;
                System.out.println("FAILED, again by --seed " + seed + ": " + e.getMessage());
            }
        }
        table.print();
        System.out.printf("%n%d clusters, seeds %d to %d, %d failed%n", seed - first, first, seed - 1, failed);
        System.exit(failed == 0 ? 0 : 1);
    }
}
