package flannel.fuzz;

import flannel.lab.Arguments;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * {@code ./build.sh test-fuzz [--minutes N] [--seed S] [--target NAME]}: spoiled input for everything that reads what comes from outside, until
 * the time is over, in a JVM with the daemon's heap. Each input has a seed of its own, the first S; one that failed is played again by
 * {@code --seed} with its own and {@code --target}.
 */
public final class FuzzLab {

    /** The targets take turns, so that each has had its share when the time is over. */
    private static final long TURN_MILLIS = 500;

    private FuzzLab() {
    }

    public static void main(String[] arguments) throws InterruptedException {
        Map<String, String> given = Arguments.parse("./build.sh test-fuzz [--minutes N] [--seed S] [--target NAME]",
                Map.of("--minutes", "\\d{1,5}", "--seconds", "\\d{1,5}", "--seed", "\\d{1,18}", "--target", ".+"), arguments);
        long seconds = given.containsKey("--seconds") ? Long.parseLong(given.get("--seconds"))
                : 60 * Long.parseLong(given.getOrDefault("--minutes", "5"));
        long first = Long.parseLong(given.getOrDefault("--seed", Long.toString(System.currentTimeMillis())));
        String wanted = given.getOrDefault("--target", "");
        List<Target> targets = Targets.all().stream().filter(target -> wanted.isEmpty() || target.name().equals(wanted)).toList();
        if (targets.isEmpty()) {
            System.err.println("no target of that name; there are: " + Targets.all().stream().map(Target::name).toList());
            System.exit(2);
        }
        System.out.println("    seed " + first);
        List<Fuzzer> fuzzers = new ArrayList<>(targets.stream().map(target -> new Fuzzer(target, Path.of("build", "fuzz"))).toList());
        long[] seeds = new long[fuzzers.size()];
        Arrays.fill(seeds, first);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        boolean going = true;
        while (going) {
            going = false;
            for (int i = 0; i < seeds.length; i++) {
                long left = end - System.nanoTime();
                long turn = Math.min(TURN_MILLIS * 1_000_000, Math.max(0, left) / (seeds.length - i) + 1);
                if (seeds[i] == first || left > 0 && !fuzzers.get(i).isAtAnEnd()) {
                    seeds[i] = fuzzers.get(i).run(seeds[i], seconds == 0 ? 0 : turn);
                    going |= left > 0;
                }
            }
        }
        System.out.printf("%n%-36s %10s %11s %12s %9s%n", "target", "inputs", "refused", "slowest ms", "failures");
        fuzzers.forEach(fuzzer -> System.out.println(fuzzer.row()));
        int failed = fuzzers.stream().mapToInt(Fuzzer::failed).sum();
        System.out.printf("%n%d inputs, %d failures%n", fuzzers.stream().mapToLong(Fuzzer::inputs).sum(), failed);
        System.exit(failed == 0 ? 0 : 1);
    }
}
