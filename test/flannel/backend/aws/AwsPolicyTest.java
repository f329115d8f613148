package flannel.backend.aws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The manual's policy is enough, every part of it is needed, and whoever lacks one is told which. */
class AwsPolicyTest {

    private static final Ipv4Subnet OWN = Ipv4Subnet.parse("10.20.5.0/24");
    private static final Ipv4Subnet DEAD = Ipv4Subnet.parse("10.20.6.0/24");

    private final VirtualClock clock = new VirtualClock();
    private final FakeAws aws = new FakeAws(clock);
    private String table;
    private SimulatedHost host;

    @BeforeEach
    void vpc() {
        table = aws.vpc().table(true, "");
        FakeVpc.Eni eni = aws.vpc().instance("02:00:00:00:00:01", "192.168.32.9", "subnet-1");
        FakeVpc.Eni gone = aws.vpc().instance("02:00:00:00:00:02", "192.168.32.10", "subnet-1");
        aws.vpc().write(table, new FakeVpc.Route(DEAD.toString(), gone.id(), "CreateRoute"));
        aws.vpc().terminate(gone);
        host = new SimulatedHost(aws, clock, eni, OWN, SimulatedHost.CONFIG, new Random(1));
    }

    @Test
    void theManualsPolicyIsEnough() throws Exception {
        aws.allow(FakeAws.KEY, Policy.ofTheManual());
        aws.vpc().write(table, new FakeVpc.Route(OWN.toString(), "igw-1", "CreateRoute"));      // so that it has to replace one
        host.run(clock, Duration.ofMinutes(1));
        assertEquals(Map.of(OWN.toString(), host.eni.id()), aws.vpc().routes(table));
        assertFalse(host.eni.sourceDestCheck());
        assertFalse(host.log().contains("UnauthorizedOperation"), host.log());
        host.keeper.withdraw();
        assertEquals(Map.of(), aws.vpc().routes(table));
    }

    @ParameterizedTest
    @CsvSource({
        "ec2:DescribeRouteTables, false, true",
        "ec2:CreateRoute, false, false",
        "ec2:ReplaceRoute, true, false",
        "ec2:DeleteRoute, true, false",
        "ec2:ModifyNetworkInterfaceAttribute, true, true"
    })
    void whoeverLacksARightIsToldWhich(String action, boolean routed, boolean checked) throws Exception {
        aws.allow(FakeAws.KEY, Policy.ofTheManual().without(action));
        host.run(clock, Duration.ofMinutes(1));
        assertEquals(routed, aws.vpc().routes(table).containsKey(OWN.toString()));
        assertEquals(checked, host.eni.sourceDestCheck());
        String errors = String.join("\n", host.log().lines().filter(line -> line.startsWith("E")).toList());
        assertTrue(errors.contains("UnauthorizedOperation") && errors.contains("allow " + action + " in the policy"), errors);
        for (Policy.Statement statement : Policy.ofTheManual().statements()) {
            for (String other : statement.actions()) {
                assertTrue(other.equals(action) || !errors.contains("allow " + other), errors);
            }
        }
        aws.allow(FakeAws.KEY, Policy.ofTheManual());
        host.run(clock, Duration.ofMinutes(20));
        assertEquals(Map.of(OWN.toString(), host.eni.id()), aws.vpc().routes(table));
        assertFalse(host.eni.sourceDestCheck());
        assertTrue(host.log().contains("as they should again"), host.log());
        assertFalse(host.log().contains(FakeAws.KEY.secretAccessKey()), host.log());
    }

    /** flannel 0.7.1's own policy has no right to look at the interface, and an upgrade must not need another. */
    @Test
    void withoutTheRightToLookTheCheckIsSwitchedOffUnseenAndOnce() throws Exception {
        aws.allow(FakeAws.KEY, Policy.ofTheManual().without("ec2:DescribeNetworkInterfaces"));
        host.run(clock, Duration.ofMinutes(30));
        assertFalse(host.eni.sourceDestCheck());
        assertEquals(1, aws.calls("ModifyNetworkInterfaceAttribute"));
        assertFalse(host.log().contains("UnauthorizedOperation"), host.log());
    }

    @Test
    void aRefusalIsRepeatedSeldomAndLoggedOnce() throws Exception {
        aws.allow(FakeAws.KEY, Policy.ofTheManual().without("ec2:CreateRoute"));
        host.run(clock, Duration.ofHours(1));
        assertEquals(1, host.log().lines().filter(line -> line.contains("UnauthorizedOperation")).count(), host.log());
        assertTrue(aws.calls("CreateRoute") <= 15, "calls: " + aws.calls());       // one in five minutes, a fifth more or less
    }
}
