package flannel.lab.faults;

import flannel.lab.Daemon;
import flannel.lab.Host;
import flannel.lab.Store;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;

/** One cluster and one schedule of faults, both by a seed: the same seed gives the same ones in the same order. */
final class FaultRun {

    /** Until what was sent has arrived, and what was done is seen. */
    private static final int SETTLE_MILLIS = 400;

    private static final List<String> BACKENDS = List.of("vxlan", "host-gw", "udp");

    private final long seed;
    private final Pattern chosen;
    private final Random dice;
    private final String backend;
    private final Store.Api api;
    private final int size;
    private final Table table;
    private final List<String> story = new ArrayList<>();

    /**
     * @param largest most hosts
     * @param backend of the network; "" for the one that the dice choose
     * @param chosen  is found in the names of the faults that are played
     */
    FaultRun(long seed, int largest, String backend, Pattern chosen, Table table) {
        this.seed = seed;
        this.chosen = chosen;
        this.table = table;
        dice = new Random(seed * 0x9E3779B97F4A7C15L);  // seeds of neighbours would begin alike
        String diced = BACKENDS.get(dice.nextInt(BACKENDS.size()));
        this.backend = backend.isEmpty() ? diced : backend;
        api = dice.nextBoolean() ? Store.Api.V3 : Store.Api.V2;
        size = 3 + dice.nextInt(largest - 2);
    }

    /**
     * Plays faults, each once before any comes twice.
     *
     * @param most           how many
     * @param longestSeconds how long one may last
     * @param endNanos       when no further one begins
     */
    void play(int most, double longestSeconds, long endNanos) throws Exception {
        System.out.printf("    seed %d: %d hosts, %s, etcd %s%n", seed, size, backend, api);
        try (Cluster cluster = new Cluster(backend, api, size)) {
            List<Fault> faults = Faults.of(backend, api, dice);
            faults.removeIf(fault -> !chosen.matcher(fault.name()).find());
            if (faults.isEmpty()) {
                throw new AssertionError("no fault is named so with " + backend + " and etcd " + api + ": " + chosen);
            }
            for (int i = 0; i < most && System.nanoTime() < endNanos; i++) {
                if (i % faults.size() == 0) {
                    Collections.shuffle(faults, dice);
                }
                playOrTell(cluster, faults.get(i % faults.size()), longestSeconds);
            }
            System.out.printf("    seed %d: %d faults; %s%n", seed, story.size(), cluster.checkAtTheEnd());
        } catch (Exception | AssertionError e) {
            throw new AssertionError("seed " + seed + " (" + size + " hosts, " + backend + ", etcd " + api + "), after " + story + ": "
                    + e.getMessage(), e);
        }
    }

    private void playOrTell(Cluster cluster, Fault fault, double longestSeconds) throws Exception {
        List<Host> hosts = new ArrayList<>(cluster.hosts());
        Collections.shuffle(hosts, dice);
        Fault.Scene scene = new Fault.Scene(cluster, hosts.get(0), hosts.get(1), cluster.etcd().all().get(dice.nextInt(3)));
        double heldSeconds = longestSeconds * (0.2 + 0.8 * dice.nextDouble());
        story.add(fault.name() + " (" + scene.a().address() + ", " + scene.b().address() + ", etcd " + scene.member().address + ")");
        try {
            play(scene, fault, heldSeconds);
        } catch (Exception | AssertionError e) {
            throw new AssertionError(fault.name() + ": " + e.getMessage() + "\n" + cluster.logs(), e);
        }
    }

    private void play(Fault.Scene scene, Fault fault, double heldSeconds) throws Exception {
        Cluster cluster = scene.cluster();
        Map<Daemon, Integer> lines = cluster.lines();
        int since = cluster.traffic().now();
        long planted = System.nanoTime();
        fault.plant().on(scene);
        if (fault.mend() != Fault.NOTHING) {
            Thread.sleep((long) (1_000 * heldSeconds));
            fault.mend().on(scene);
        }
        long ended = System.nanoTime();
        cluster.awaitHealed();
        double healed = (System.nanoTime() - ended) / 1e9;
        if (fault.mend() == Fault.NOTHING) {
            Thread.sleep(SETTLE_MILLIS);                // it may have been as before because nobody had seen it yet
            cluster.awaitHealed();
        }
        int until = cluster.traffic().now();
        Thread.sleep(SETTLE_MILLIS);
        List<Traffic.Loss> lost = cluster.traffic().lost(since, until);
        List<Traffic.Loss> innocent = lost.stream().filter(loss -> !fault.harm().allows(scene, loss)).toList();
        table.note(fault.kind(), healed, innocent.stream().mapToInt(Traffic.Loss::datagrams).sum());
        if (!innocent.isEmpty()) {
            throw new AssertionError("pairs that it does not touch lost datagrams: " + innocent);
        }
        if (healed > fault.healsInSeconds()) {
            throw new AssertionError("healed after " + healed + " s, not within " + fault.healsInSeconds());
        }
        cluster.checkDaemons(lines, fault.mostLines(), (System.nanoTime() - planted) / 1e9);
    }
}
