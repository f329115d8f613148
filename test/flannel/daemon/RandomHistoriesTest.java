package flannel.daemon;

import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Histories by the dice: five hosts and a store, to which all sorts of things happen at any moment and in any order. A failure names the seed, and
 * what was done to whom.
 */
class RandomHistoriesTest {

    /** Of each kind; more by hand: java -Dflannel.histories=100000 ... */
    private static final int HISTORIES = Integer.getInteger("flannel.histories", 400);
    private static final int FAULTS = 12;

    /** What can happen while the store keeps its word: no two hosts ever have one subnet. */
    private enum Fault { KILL, START, AWAY, BACK, RELIST, REWRITE, OCCUPY, ROUTE, ADDRESS, CLOCK, LOST_ANSWER, CONFIG_GONE, CONFIG_BACK, WAIT,
        /** And what makes a store lose things: then hosts that know nothing of each other can meet, and have to part. */
        DELETE_LEASE, WIPE, EMPTY, BACKUP, RESTORE }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyHistoryEndsWell(boolean storeLosesThings) {
        for (int seed = 1; seed <= HISTORIES; seed++) {
            List<String> story = new ArrayList<>();
            try {
                play(seed, storeLosesThings, story);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + ", after " + story + ": " + e.getMessage(), e);
            }
        }
    }

    private static void play(long seed, boolean storeLosesThings, List<String> story) {
        Random dice = new Random(seed);
        VirtualCluster cluster = new VirtualCluster(seed);
        cluster.subnetsAreExclusive(!storeLosesThings);
        for (int i = 1; i <= 2 + dice.nextInt(4); i++) {
            cluster.host(i).start();
        }
        cluster.run(Duration.ofSeconds(1));
        Runnable[] backup = {cluster.store.backup()};
        Fault[] faults = Fault.values();
        for (int i = 0; i < FAULTS; i++) {
            Fault fault = faults[dice.nextInt(storeLosesThings ? faults.length : Fault.DELETE_LEASE.ordinal())];
            VirtualCluster.Host host = cluster.hosts.get(dice.nextInt(cluster.hosts.size()));
            story.add(fault + " " + host.mark);
            happen(fault, host, cluster, dice, backup);
            for (int steps = dice.nextInt(30); steps > 0; steps--) {
                cluster.step();
            }
        }
        story.add("peace");
        cluster.store.trouble(null);
        cluster.store.config(VirtualCluster.CONFIG);
        for (VirtualCluster.Host host : cluster.hosts) {
            if (!host.isAlive()) {
                host.start();
            }
            host.relist();
        }
        cluster.run(Duration.ofMinutes(6));
        cluster.checkAtRest();
    }

    private static void happen(Fault fault, VirtualCluster.Host host, VirtualCluster cluster, Random dice, Runnable[] backup) {
        switch (fault) {
            case KILL -> host.kill();
            case START -> {
                host.kill();
                host.start();
            }
            case AWAY -> cluster.store.trouble("no leader");
            case BACK -> cluster.store.trouble(null);
            case RELIST -> host.relist();
            case DELETE_LEASE -> ifHeld(host, () -> cluster.store.remove(host.subnet().toKey()));
            case REWRITE -> ifHeld(host, () -> cluster.store.put(host.subnet().toString(),
                    new LeaseAttributes(host.address, "", null, host.mark), new Lease.At(cluster.time.wallTime().plusSeconds(60))));
            case OCCUPY -> ifHeld(host, () -> cluster.store.occupy(host.subnet().toKey()));
            case ROUTE -> host.removeSomeRoute();
            case ADDRESS -> {
                host.tell(host.kernel.flushAddress());
                host.tell(host.kernel.restoreAddress());
            }
            case CLOCK -> cluster.time.setWall(Duration.ofHours(dice.nextInt(-100, 100)));
            case LOST_ANSWER -> cluster.store.loseNextAnswer();
            case CONFIG_GONE -> cluster.store.config(null);
            case CONFIG_BACK -> cluster.store.config(VirtualCluster.CONFIG);
            case WAIT -> cluster.run(Duration.ofSeconds(dice.nextInt(1, 90)));
            case WIPE -> cluster.store.wipe();
            case EMPTY -> cluster.store.empty();
            case BACKUP -> backup[0] = cluster.store.backup();
            case RESTORE -> backup[0].run();
        }
    }

    private static void ifHeld(VirtualCluster.Host host, Runnable action) {
        if (host.subnet() != null) {
            action.run();
        }
    }
}
