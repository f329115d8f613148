package flannel.lab.faults;

import flannel.lab.Arguments;
import flannel.lab.Store;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * {@code ./build.sh test-faults}: clusters of three to eight hosts, one after the other, and faults of all kinds until the time is over.
 *
 * <pre>
 *    --minutes N        how long, 10
 *    --seed S           of the first cluster, each has one of its own; one that failed is played again by it
 *    --hold SECONDS     how long a fault lasts at most, 12
 *    --backend TYPE     of all clusters, in place of any
 *    --fault PATTERN    plays only those in whose name the regular expression is found, in one cluster
 *    --hosts N          so many hosts that start in the same second, and no faults
 * </pre>
 */
public final class FaultLab {

    private static final int MOST_HOSTS = 8;
    private static final int FAULTS_A_CLUSTER = 25;
    private static final String LONGEST_SECONDS = "12";

    private FaultLab() {
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> given = Arguments.parse(
                "./build.sh test-faults [--minutes N] [--seed S] [--hold SECONDS] [--backend TYPE] [--fault PATTERN] [--hosts N]",
                Map.of("--minutes", "\\d{1,5}", "--seed", "\\d{1,18}", "--hold", "\\d{1,4}", "--backend", "vxlan|host-gw|udp", "--fault", ".+",
                        "--hosts", "\\d{1,2}"), arguments);
        if (given.containsKey("--hosts")) {
            manyHosts(Integer.parseInt(given.get("--hosts")));
            return;
        }
        long minutes = Long.parseLong(given.getOrDefault("--minutes", "10"));
        long first = Long.parseLong(given.getOrDefault("--seed", Long.toString(System.currentTimeMillis() / 1_000)));
        double longest = Double.parseDouble(given.getOrDefault("--hold", LONGEST_SECONDS));
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(minutes);
        String backend = given.getOrDefault("--backend", "");
        Pattern chosen = Pattern.compile(given.getOrDefault("--fault", ""));
        Table table = new Table();
        int failed = 0;
        long seed = first;
        for (; seed == first || System.nanoTime() < end; seed++) {
            try {
                new FaultRun(seed, MOST_HOSTS, backend, chosen, table)
                        .play(given.containsKey("--fault") ? Integer.MAX_VALUE : FAULTS_A_CLUSTER, longest, end);
            } catch (Exception | AssertionError e) {
                failed++;
                System.out.println("FAILED, again by the same options and --seed " + seed + ": " + e.getMessage());
            }
        }
        table.print();
        System.out.printf("%n%d clusters, seeds %d to %d, %d failed%n", seed - first, first, seed - 1, failed);
        System.exit(failed == 0 ? 0 : 1);
    }

    private static void manyHosts(int number) throws Exception {
        for (Store.Api api : Store.Api.values()) {
            System.out.printf("%d hosts, etcd %s: each has a subnet of its own and a route to all others within %.1f s%n", number, api,
                    ManyHosts.start(number, api).toMillis() / 1e3);
        }
    }
}
