package flannel.lab.faults;

import flannel.lab.Daemon;
import flannel.lab.Host;
import flannel.lab.Store;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** One cluster and one schedule of faults, both by a seed: the same seed gives the same ones in the same order. */
final class FaultRun {

    /** Until what was sent has arrived, and what was done is seen. */
    private static final int SETTLE_MILLIS = 400;

    /** Of a processor. An udp daemon carries the traffic of the lab, and just started ones are still compiled. */
    private static final double MOST_CPU = 0.06;
    private static final double MOST_CPU_UDP = 0.15;

    private static final List<String> BACKENDS = List.of("vxlan", "host-gw", "udp");

    private final long seed;
    private final String part;
    private final Random dice;
    private final String backend;
    private final Store.Api api;
    private final int size;
    private final Table table;
    private final List<String> story = new ArrayList<>();

    /**
     * @param largest most hosts
     * @param part    of the names of faults that are played
     */
    FaultRun(long seed, int largest, String part, Table table) {
        this.seed = seed;
        this.part = part;
        this.table = table;
        dice = new Random(seed * 0x9E3779B97F4A7C15L);  // seeds of neighbours would begin alike
        backend = BACKENDS.get(dice.nextInt(BACKENDS.size()));
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
            faults.removeIf(fault -> !fault.name().contains(part));
            for (int i = 0; i < most && System.nanoTime() < endNanos; i++) {
                if (i % faults.size() == 0) {
                    Collections.shuffle(faults, dice);
                }
                playOrTell(cluster, faults.get(i % faults.size()), longestSeconds);
            }
            double cpu = cluster.checkAtTheEnd(backend.equals("udp") ? MOST_CPU_UDP : MOST_CPU);
            System.out.printf("    seed %d: %d faults; the busiest daemon takes %.1f %% of a processor when all is quiet%n", seed, story.size(),
                    100 * cpu);
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
