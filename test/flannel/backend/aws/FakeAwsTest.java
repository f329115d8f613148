package flannel.backend.aws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.cloud.Http;
import flannel.net.Ipv4Subnet;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The fake itself: what it refuses, as EC2 does. */
class FakeAwsTest {

    private static final URI EC2 = URI.create("https://ec2.us-east-1.amazonaws.com/");

    private final VirtualClock clock = new VirtualClock();
    private final FakeAws aws = new FakeAws(clock);
    private String table;
    private FakeVpc.Eni eni;

    @BeforeEach
    void vpc() {
        table = aws.vpc().table(true, "");
        eni = aws.vpc().instance("02:00:00:00:00:01", "192.168.32.9", "subnet-1");
        aws.allow(FakeAws.KEY, Policy.everything());
    }

    private String answer(Credentials key, Form form) {
        Http.Answer answer = aws.answer(new SignatureV4(FakeAws.REGION, "ec2").post(EC2, form.toString(), key, clock.instant(), Duration.ofSeconds(1)));
        AwsError error = AwsError.of(answer);
        return answer.status() + (error.code().isEmpty() ? "" : " " + error.code());
    }

    private Form route(String action, String destination) {
        return new Form(action, QueryApi.VERSION).with("RouteTableId", table).with("DestinationCidrBlock", destination)
                .with("NetworkInterfaceId", eni.id());
    }

    private String answer(Form form) {
        return answer(FakeAws.KEY, form);
    }

    @Test
    void routesAreMadeReplacedAndDeletedByEc2sRules() {
        assertEquals("400 InvalidParameterValue", answer(route("ReplaceRoute", "10.20.5.0/24")));
        assertEquals("200", answer(route("CreateRoute", "10.20.5.0/24")));
        assertEquals("200", answer(route("CreateRoute", "10.20.5.0/24")), "the same again");
        aws.vpc().write(table, new FakeVpc.Route("10.20.5.0/24", "igw-1", "CreateRoute"));
        assertEquals("400 RouteAlreadyExists", answer(route("CreateRoute", "10.20.5.0/24")));
        assertEquals("200", answer(route("ReplaceRoute", "10.20.5.0/24")));
        assertEquals("412 DryRunOperation", answer(route("DeleteRoute", "10.20.5.0/24").with("DryRun", "true")));
        assertEquals(Map.of("10.20.5.0/24", eni.id()), aws.vpc().routes(table));
        assertEquals("200", answer(route("DeleteRoute", "10.20.5.0/24")));
        assertEquals("400 InvalidRoute.NotFound", answer(route("DeleteRoute", "10.20.5.0/24")));
        assertEquals("400 InvalidParameterValue", answer(route("DeleteRoute", FakeVpc.CIDR)), "the local route");
        assertEquals("400 InvalidParameterValue", answer(route("CreateRoute", "192.168.32.128/25")), "within the VPC");
        aws.vpc().quota(1);
        assertEquals("400 RouteLimitExceeded", answer(route("CreateRoute", "10.20.6.0/24")));
        table = "rtb-nosuch";
        assertEquals("400 InvalidRouteTableID.NotFound", answer(route("CreateRoute", "10.20.6.0/24")));
    }

    @Test
    void writesHaveABucketOfFiftyAndFiveMoreEachSecond() {
        for (int i = 0; i < 50; i++) {
            assertEquals("200", answer(route("CreateRoute", "10.20.5.0/24")));
        }
        assertEquals("503 RequestLimitExceeded", answer(route("CreateRoute", "10.20.5.0/24")));
        assertEquals("200", answer(route("ReplaceRoute", "10.20.5.0/24")), "another action, another bucket");
        clock.advance(Duration.ofSeconds(1));
        for (int i = 0; i < 5; i++) {
            assertEquals("200", answer(route("CreateRoute", "10.20.5.0/24")));
        }
        assertEquals("503 RequestLimitExceeded", answer(route("CreateRoute", "10.20.5.0/24")));
        assertEquals(Map.of("CreateRoute", 2), aws.throttled());
    }

    @Test
    void keysEndAndStrangersAreRefused() {
        Credentials session = aws.session(Policy.everything(), Duration.ofMinutes(1));
        assertEquals("200", answer(session, route("CreateRoute", "10.20.5.0/24")));
        assertEquals("401 AuthFailure", answer(new Credentials(session.accessKeyId(), session.secretAccessKey(), "another", session.expires(), ""),
                route("CreateRoute", "10.20.5.0/24")));
        clock.advance(Duration.ofMinutes(1));
        assertEquals("400 ExpiredToken", answer(session, route("CreateRoute", "10.20.5.0/24")));
        assertEquals("401 AuthFailure", answer(new Credentials("AKIDNOBODY", "x", "", session.expires(), ""), route("CreateRoute", "10.20.5.0/24")));
        assertEquals("403 SignatureDoesNotMatch", answer(new Credentials("AKIDEXAMPLE", "x", "", session.expires(), ""),
                route("CreateRoute", "10.20.5.0/24")));
    }

    @Test
    void aPolicyAllowsWhatItSays() throws Exception {
        Policy policy = Policy.parse("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"ec2:Create*\","
                + "\"Resource\":\"arn:aws:ec2:*:*:route-table/" + table + "\"}]}");
        aws.allow(FakeAws.KEY, policy);
        assertEquals("200", answer(route("CreateRoute", "10.20.5.0/24")));
        assertEquals("403 UnauthorizedOperation", answer(route("DeleteRoute", "10.20.5.0/24")));
        table = aws.vpc().table(false, "");
        assertEquals("403 UnauthorizedOperation", answer(route("CreateRoute", "10.20.5.0/24")));
    }

    @Test
    void aReadLagsBehindAWriteByAsMuchAsIsAskedFor() throws Exception {
        SimulatedHost host = new SimulatedHost(aws, clock, eni, Ipv4Subnet.parse("10.20.5.0/24"), SimulatedHost.CONFIG,
                new Random(1));
        clock.advance(Duration.ofMinutes(1));
        aws.vpc().lag(Duration.ofSeconds(10));
        assertEquals("200", answer(route("CreateRoute", "10.20.5.0/24")));
        assertEquals(1, host.tables.list().getFirst().used());
        clock.advance(Duration.ofSeconds(10));
        assertEquals(2, host.tables.list().getFirst().used());
        assertTrue(aws.calls().containsKey("DescribeRouteTables"));
    }
}
