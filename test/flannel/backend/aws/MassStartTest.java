package flannel.backend.aws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whole fleets on virtual time, under EC2's token buckets for one account. */
class MassStartTest {

    private static final int HOSTS = 1000;

    private record Wakening(long nanos, SimulatedHost host, int number) {
    }

    private final VirtualClock clock = new VirtualClock();
    private final FakeAws aws = new FakeAws(clock);
    private final List<SimulatedHost> hosts = new ArrayList<>();
    private String table;

    private void fleet(long seed) {
        aws.allow(FakeAws.KEY, Policy.everything());
        aws.vpc().quota(HOSTS + 1);
        table = aws.vpc().table(true, "");
        Random seeds = new Random(seed);
        for (int i = 0; i < HOSTS; i++) {
            FakeVpc.Eni eni = aws.vpc().instance(String.format("02:00:00:00:%02x:%02x", i >> 8, i & 255), "192.168.32.9", "subnet-1");
            Ipv4Subnet own = new Ipv4Subnet(Ipv4.parse("10.20.1.0").plus(i << 8), 24);
            hosts.add(new SimulatedHost(aws, clock, eni, own, SimulatedHost.CONFIG, new Random(seeds.nextLong())));
        }
    }

    /** Starts the hosts at random times within a minute; each hears of a lease when its host has started. */
    private void run(long seed, Duration time) {
        Random random = new Random(seed);
        PriorityQueue<Wakening> agenda = new PriorityQueue<>((a, b) -> Long.compare(a.nanos, b.nanos));
        long start = clock.nanos();
        for (int i = 0; i < HOSTS; i++) {
            agenda.add(new Wakening(start + (long) (random.nextDouble() * 60e9), hosts.get(i), i));
        }
        boolean[] started = new boolean[HOSTS];
        List<Ipv4Subnet> leased = new ArrayList<>();
        while (!agenda.isEmpty() && agenda.peek().nanos() <= start + time.toNanos()) {
            Wakening next = agenda.remove();
            clock.advance(Duration.ofNanos(next.nanos() - clock.nanos()));
            if (!started[next.number()]) {
                started[next.number()] = true;
                next.host().others.addAll(leased);
                leased.add(next.host().own);
                for (int i = 0; i < HOSTS; i++) {
                    if (started[i] && i != next.number()) {
                        hosts.get(i).others.add(next.host().own);
                    }
                }
            }
            agenda.add(new Wakening(clock.nanos() + next.host().round().toNanos() + 1, next.host(), next.number()));
        }
        clock.advance(Duration.ofNanos(Math.max(0, start + time.toNanos() - clock.nanos())));
    }

    @Test
    void aThousandHostsThatStartWithinAMinuteAreNeverThrottled() {
        fleet(1);
        long begin = clock.nanos();
        long[] complete = {0};
        aws.vpc().onChange(() -> complete[0] = aws.vpc().size(table) == HOSTS && complete[0] == 0 ? clock.nanos() - begin : complete[0]);
        run(2, Duration.ofMinutes(10));
        assertEquals(Map.of(), aws.throttled(), () -> "of " + aws.calls());
        assertEquals(HOSTS, aws.vpc().size(table));
        assertEquals(HOSTS, aws.calls("CreateRoute"), "each makes its route, once");
        assertTrue(hosts.stream().noneMatch(host -> host.eni.sourceDestCheck()));
        long seconds = complete[0] / 1_000_000_000;
        assertTrue(seconds > 190 && seconds < 300, "five a second are allowed, four are used: " + seconds);
    }

    @Test
    void aThousandDaemonsThatAreStartedAnewWriteNothing() {
        fleet(1);
        for (SimulatedHost host : hosts) {
            aws.vpc().write(table, new FakeVpc.Route(host.own.toString(), host.eni.id(), "CreateRoute"));
            aws.vpc().disableCheck(host.eni);
        }
        run(2, Duration.ofMinutes(8));
        assertEquals(Map.of(), aws.throttled(), () -> "of " + aws.calls());
        assertEquals(HOSTS, aws.calls("DeleteRoute"), "only rehearsed");
        assertEquals(HOSTS, aws.vpc().size(table));
    }
}
