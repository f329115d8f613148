package flannel.backend.aws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.cloud.LeaseCheck;
import flannel.backend.aws.FakeVpc.Eni;
import flannel.backend.aws.FakeVpc.Route;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Hosts that start, move, die and quarrel over the tables of a fake VPC, on virtual time. */
class RoutesOfHostsTest {

    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Duration HOUR = Duration.ofHours(1);

    private final VirtualClock clock = new VirtualClock();
    private final FakeAws aws = new FakeAws(clock);
    private final FakeVpc vpc = aws.vpc();
    private final List<SimulatedHost> hosts = new ArrayList<>();
    private String table;

    @BeforeEach
    void region() throws Exception {
        aws.allow(FakeAws.KEY, Policy.ofTheManual());
        table = vpc.table(true, "");
    }

    private static Ipv4Subnet subnet(int number) {
        return Ipv4Subnet.parse("10.20." + number + ".0/24");
    }

    private Eni instance(int number) {
        return vpc.instance(String.format("02:00:00:00:00:%02x", number), "192.168.32." + number, "subnet-1");
    }

    private SimulatedHost host(int number) {
        return host(number, SimulatedHost.CONFIG);
    }

    /** Host of subnet 10.20.NUMBER.0/24; the others know of its lease. */
    private SimulatedHost host(int number, String config) {
        SimulatedHost host = new SimulatedHost(aws, clock, instance(number), subnet(number), config, new Random(number));
        for (SimulatedHost other : hosts) {
            other.others.add(host.own);
            host.others.add(other.own);
        }
        hosts.add(host);
        return host;
    }

    private void run(Duration time) {
        long end = clock.nanos() + time.toNanos();
        for (int i = 0; clock.nanos() < end; i++) {
            assertTrue(i < 10_000, "they never rest");
            Duration wait = Duration.ofNanos(end - clock.nanos());
            for (SimulatedHost host : hosts) {
                Duration next = host.round();
                wait = next.compareTo(wait) < 0 ? next : wait;
            }
            clock.advance(wait.plusNanos(1));
        }
    }

    private Map<String, String> expected(SimulatedHost... living) {
        Map<String, String> routes = new TreeMap<>();
        for (SimulatedHost host : living) {
            routes.put(host.own.toString(), host.eni.id());
        }
        return routes;
    }

    private int writes() {
        return aws.calls("CreateRoute") + aws.calls("ReplaceRoute") + aws.calls("DeleteRoute") + aws.calls("ModifyNetworkInterfaceAttribute");
    }

    @Test
    void eachHostHasItsRouteAndNothingIsWrittenWhenAllIsWell() {
        SimulatedHost one = host(1);
        SimulatedHost two = host(2);
        run(MINUTE);
        assertEquals(expected(one, two), vpc.routes(table));
        assertTrue(one.log().contains("Found route table " + table), one.log());
        assertTrue(one.log().contains("Switched the source/destination check of " + one.eni.id() + " off"), one.log());
        assertTrue(one.log().contains("Route added to table " + table + ": 10.20.1.0/24 - " + one.eni.id()), one.log());
        int writes = writes();
        int reads = aws.calls("DescribeRouteTables");
        run(HOUR);
        assertEquals(writes, writes());
        int perHost = (aws.calls("DescribeRouteTables") - reads) / 2;
        assertTrue(perHost >= 10 && perHost <= 15, "one list in five minutes, a fifth more or less: " + perHost);
        assertFalse(one.log().lines().anyMatch(line -> !line.startsWith("I")), one.log());
    }

    @Test
    void aRestartLeavesTheRouteAlone() {
        SimulatedHost host = host(1);
        run(MINUTE);
        List<Map<String, String>> seen = new ArrayList<>();
        vpc.onChange(() -> seen.add(vpc.routes(table)));
        SimulatedHost again = new SimulatedHost(aws, clock, host.eni, host.own, SimulatedHost.CONFIG, new Random(9));
        again.run(clock, MINUTE);
        assertEquals(List.of(), seen);
    }

    @Test
    void aRouteThatSomebodyTakesAwayOrTurnsComesBack() {
        SimulatedHost host = host(1);
        run(MINUTE);
        vpc.write(table, new Route("10.20.1.0/24", "igw-0123", "CreateRoute"));
        run(Duration.ofMinutes(7));
        assertEquals(expected(host), vpc.routes(table));
        assertTrue(host.log().contains("Replacing the route 10.20.1.0/24 - igw-0123"), host.log());
    }

    @Test
    void anotherTargetIsReplacedWithoutAGapAndOnlyIfTheLeaseIsOurs() {
        Eni former = instance(9);
        vpc.write(table, new Route("10.20.1.0/24", former.id(), "CreateRoute"));
        SimulatedHost host = host(1);
        host.store.put(host.own, LeaseCheck.Holder.ANOTHER);
        run(Duration.ofMinutes(10));
        assertEquals(Map.of("10.20.1.0/24", former.id()), vpc.routes(table));
        assertTrue(host.log().contains("no longer ours"), host.log());
        host.store.clear();
        vpc.onChange(() -> assertTrue(vpc.routes(table).containsKey("10.20.1.0/24"), "a gap"));
        run(Duration.ofMinutes(2));
        assertEquals(expected(host), vpc.routes(table));
    }

    @Test
    void theBlackholeOfAnEarlierHostIsTakenOver() {
        Eni dead = instance(9);
        vpc.write(table, new Route("10.20.1.0/24", dead.id(), "CreateRoute"));
        vpc.terminate(dead);
        SimulatedHost host = host(1);
        run(MINUTE);
        assertEquals(expected(host), vpc.routes(table));
    }

    @Test
    void theRouteOfAFormerLeaseGoesWhenTheNewOneIsThere() {
        SimulatedHost host = host(1);
        run(MINUTE);
        host.own = subnet(7);
        List<Map<String, String>> seen = new ArrayList<>();
        vpc.onChange(() -> seen.add(vpc.routes(table)));
        run(MINUTE);
        assertEquals(List.of(Map.of("10.20.1.0/24", host.eni.id(), "10.20.7.0/24", host.eni.id()), expected(host)), seen);
    }

    @Test
    void whatIsNotAHostsIsNeverTouched() {
        Eni stranger = instance(9);
        Eni dead = instance(10);
        List<Route> routes = List.of(
                new Route("0.0.0.0/0", "igw-0123", "CreateRoute"),
                new Route("10.20.30.0/24", "vgw-0123", "EnableVgwRoutePropagation"),
                new Route("10.20.31.0/24", stranger.id(), "CreateRoute"),       // alive, without a lease: perhaps another cluster's
                new Route("10.20.32.0/25", dead.id(), "CreateRoute"),           // not of a host's length
                new Route("10.99.0.0/24", dead.id(), "CreateRoute"),            // outside of Network
                new Route("10.20.0.0/24", dead.id(), "CreateRoute"));           // before SubnetMin
        routes.forEach(route -> vpc.write(table, route));
        vpc.terminate(dead);
        SimulatedHost host = host(1);
        run(HOUR.multipliedBy(3));
        Map<String, String> expected = expected(host);
        routes.forEach(route -> expected.put(route.destination(), route.target()));
        assertEquals(expected, vpc.routes(table));
    }

    @Test
    void aDeadHostsRouteStaysAsLongAsItsLease() {
        List<SimulatedHost> living = List.of(host(1), host(2), host(3), host(4));
        Eni dead = instance(9);
        vpc.write(table, new Route("10.20.9.0/24", dead.id(), "CreateRoute"));
        living.forEach(host -> host.others.add(subnet(9)));
        vpc.terminate(dead);
        run(HOUR);
        assertTrue(vpc.routes(table).containsKey("10.20.9.0/24"), "its lease is still there");
        living.forEach(host -> host.others.remove(subnet(9)));
        run(Duration.ofMinutes(8));
        assertFalse(vpc.routes(table).containsKey("10.20.9.0/24"));
    }

    @Test
    void ofHostsThatSeeADeadHostsRouteTogetherOneTakesItAway() {
        Eni dead = instance(9);
        vpc.write(table, new Route("10.20.9.0/24", dead.id(), "CreateRoute"));
        vpc.terminate(dead);
        List.of(1, 2, 3, 4, 5).forEach(this::host);
        hosts.forEach(SimulatedHost::round);        // all have read the table before the first one writes
        run(HOUR);
        assertFalse(vpc.routes(table).containsKey("10.20.9.0/24"));
        assertEquals(1, hosts.stream().filter(host -> host.log().contains("Route removed from table")).count());
    }

    @Test
    void theNextHostTakesTheTurnOfOneThatDoesNotTakeIt() {
        List.of(1, 2, 3, 4).forEach(this::host);
        Eni dead = instance(9);
        List<SimulatedHost> removers = new ArrayList<>();
        vpc.terminate(dead);
        while (!hosts.isEmpty()) {
            vpc.write(table, new Route("10.20.9.0/24", dead.id(), "CreateRoute"));
            int before = removers.size();
            run(Duration.ofMinutes(8).plus(Duration.ofMinutes(10).multipliedBy(before)));       // those that were first don't run now
            hosts.stream().filter(host -> host.log().contains("Route removed from table")).forEach(removers::add);
            assertEquals(before + 1, removers.size(), "the next in order, in its time");
            hosts.removeAll(removers);
        }
        assertFalse(vpc.routes(table).containsKey("10.20.9.0/24"));
    }

    @Test
    void aLeaseThatIsTakenMeanwhileSavesItsRoute() {
        SimulatedHost host = host(1);
        Eni stopped = instance(9);
        vpc.write(table, new Route("10.20.9.0/24", stopped.id(), "CreateRoute"));
        vpc.stop(stopped);
        host.store.put(subnet(9), LeaseCheck.Holder.ANOTHER);      // written just now: the watch has not told yet
        run(HOUR);
        assertTrue(vpc.routes(table).containsKey("10.20.9.0/24"));
    }

    @Test
    void readsThatLagBehindWritesDoNoHarm() {
        vpc.lag(Duration.ofSeconds(40));
        SimulatedHost one = host(1);
        SimulatedHost two = host(2);
        run(Duration.ofMinutes(20));
        assertEquals(expected(one, two), vpc.routes(table));
        assertFalse((one.log() + two.log()).lines().anyMatch(line -> !line.startsWith("I")), one.log() + two.log());
    }

    @Test
    void aFullTableIsNamedWithItsQuotaAndTriedSlowly() {
        vpc.quota(3);
        SimulatedHost one = host(1);
        SimulatedHost two = host(2);
        run(MINUTE);
        SimulatedHost three = host(3);
        run(HOUR);
        String errors = String.join("\n", three.log().lines().filter(line -> line.startsWith("E")).toList());
        assertEquals(1, errors.lines().count(), errors);
        assertTrue(errors.contains("CreateRoute on 10.20.3.0/24 in " + table) && errors.contains("RouteLimitExceeded")
                && errors.contains("L-93826ACB"), errors);
        assertTrue(aws.calls("CreateRoute") <= 10, "one in ten minutes: " + aws.calls());
        vpc.quota(50);
        run(Duration.ofMinutes(13));
        assertEquals(expected(one, two, three), vpc.routes(table));
    }

    @Test
    void aTableThatFillsIsWarnedOfOnce() {
        Eni other = instance(200);
        for (int i = 0; i < 398; i++) {
            vpc.write(table, new Route("10.21." + i / 2 + "." + i % 2 * 128 + "/25", other.id(), "CreateRoute"));
        }
        SimulatedHost host = host(1);
        run(HOUR);
        List<String> warnings = host.log().lines().filter(line -> line.startsWith("W")).toList();
        assertEquals(1, warnings.size(), host.log());
        assertTrue(warnings.getFirst().contains("400 routes of the 500") && warnings.getFirst().contains("L-93826ACB"), warnings.getFirst());
    }

    @Test
    void throttlingIsWaitedOutLongerAndLonger() {
        for (int i = 0; i < 6; i++) {
            aws.fault("DescribeRouteTables", 503, "RequestLimitExceeded", "Request limit exceeded.");
        }
        SimulatedHost host = host(1);
        run(Duration.ofSeconds(6));
        assertTrue(aws.calls("DescribeRouteTables") <= 4, "" + aws.calls());
        run(Duration.ofMinutes(4));
        assertEquals(expected(host), vpc.routes(table));
        assertEquals(1, host.log().lines().filter(line -> line.startsWith("W")).count(), host.log());
        assertEquals(0, host.log().lines().filter(line -> line.startsWith("E")).count(), host.log());
    }

    @Test
    void oneTablesTroubleIsNotTheOthers() throws Exception {
        String second = vpc.table(false, "");
        String third = vpc.table(false, "");
        SimulatedHost host = host(1, "{\"Network\":\"10.20.0.0/14\",\"Backend\":{\"Type\":\"aws-vpc\",\"RouteTableID\":[\"" + table + "\",\"" + second
                + "\",\"" + third + "\"]}}");
        aws.allow(FakeAws.KEY, Policy.parse("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"ec2:Describe*\","
                + "\"ec2:Modify*\"],\"Resource\":\"*\"},{\"Effect\":\"Allow\",\"Action\":\"ec2:*Route\",\"Resource\":[\"*/" + table + "\",\"*/" + third
                + "\"]}]}"));
        run(MINUTE);
        assertEquals(expected(host), vpc.routes(table));
        assertEquals(expected(host), vpc.routes(third));
        assertEquals(Map.of(), vpc.routes(second));
        assertTrue(host.log().contains("CreateRoute on 10.20.1.0/24 in " + second + " failed: UnauthorizedOperation"), host.log());
    }

    @Test
    void whatCantBeDoneIsForgottenWhenItIsDoneByAnother() throws Exception {
        Eni dead = instance(9);
        vpc.write(table, new Route("10.20.9.0/24", dead.id(), "CreateRoute"));
        vpc.terminate(dead);
        aws.allow(FakeAws.KEY, Policy.ofTheManual().without("ec2:DeleteRoute"));
        SimulatedHost host = host(1);
        run(MINUTE);
        assertTrue(host.log().contains("DeleteRoute on 10.20.9.0/24 in " + table + " failed"), host.log());
        vpc.deleteRoute(table, "10.20.9.0/24");
        int reads = aws.calls("DescribeRouteTables");
        run(HOUR);
        assertTrue(aws.calls("DescribeRouteTables") - reads < 30, "" + aws.calls());
    }

    @Test
    void aHostThatLeavesTakesItsRouteAway() throws Exception {
        SimulatedHost one = host(1);
        SimulatedHost two = host(2);
        run(MINUTE);
        one.keeper.withdraw();
        assertEquals(expected(two), vpc.routes(table));
    }
}
