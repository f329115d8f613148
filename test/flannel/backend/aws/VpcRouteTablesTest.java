package flannel.backend.aws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.aws.FakeVpc.Eni;
import flannel.backend.aws.FakeVpc.Route;
import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.backend.cloud.CloudRoute;
import flannel.backend.cloud.Http;
import flannel.backend.cloud.RouteTable;
import flannel.lease.NetworkConfig;
import flannel.net.Ipv4Subnet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which tables count, what is read of them, and what is made of EC2's refusals. */
class VpcRouteTablesTest {

    private static final Ipv4Subnet OWN = Ipv4Subnet.parse("10.20.5.0/24");

    private final VirtualClock clock = new VirtualClock();
    private final FakeAws aws = new FakeAws(clock);
    private final FakeVpc vpc = aws.vpc();
    private String main;

    @BeforeEach
    void region() throws Exception {
        aws.allow(FakeAws.KEY, Policy.ofTheManual());
        main = vpc.table(true, "");
    }

    private SimulatedHost host(String members) {
        Eni eni = vpc.instance("02:00:00:00:00:01", "192.168.32.9", "subnet-1");
        return new SimulatedHost(aws, clock, eni, OWN, "{\"Network\":\"10.20.0.0/14\",\"Backend\":{\"Type\":\"aws-vpc\"" + members + "}}", new Random(1));
    }

    private List<String> ids(SimulatedHost host) throws Exception {
        return host.tables.list().stream().map(RouteTable::id).toList();
    }

    @Test
    void theSubnetsOwnTableElseTheMainOne() throws Exception {
        SimulatedHost host = host("");
        assertEquals(List.of(main), ids(host));
        String other = vpc.table(false, "", "subnet-2");
        assertEquals(List.of(main), ids(host));
        String own = vpc.table(false, "", "subnet-3", "subnet-1");
        assertEquals(List.of(own), ids(host), "an association that is made later counts too, and not " + other);
        aws.tablesPerPage(1);
        assertEquals(List.of(own), ids(host), "over several pages");
    }

    @Test
    void tablesByIdTheNearestFirst() throws Exception {
        String far = vpc.table(false, "", "subnet-2");
        String near = vpc.table(false, "", "subnet-1");
        assertEquals(List.of(far), ids(host(",\"RouteTableID\":\"" + far + "\"")));
        assertEquals(List.of(near, far), ids(host(",\"routetableid\":[\"" + far + "\",\"" + near + "\",\"" + far + "\",\"\"]")));
        assertEquals(List.of(near), ids(host(",\"RouteTableID\":\"\"")), "empty is none, as in 0.7.1");
    }

    @Test
    void tablesByTag() throws Exception {
        String one = vpc.table(false, "net=flannel", "subnet-2");
        String two = vpc.table(false, "net=flannel", "subnet-1");
        vpc.table(false, "net=other", "subnet-4");
        assertEquals(List.of(two, one), ids(host(",\"RouteTableFilter\":[\"tag:net=flannel\"]")));
        CloudException e = assertThrows(CloudException.class, () -> ids(host(",\"RouteTableFilter\":\"tag:net=nothing\"")));
        assertEquals(Kind.GONE, e.kind());
        assertTrue(e.getMessage().contains("RouteTableFilter"), e.getMessage());
    }

    @Test
    void anIdThatDoesNotExistIsNamed() {
        CloudException e = assertThrows(CloudException.class, () -> ids(host(",\"RouteTableID\":\"rtb-0123456789abcdef0\"")));
        assertEquals(Kind.GONE, e.kind());
        assertTrue(e.getMessage().contains("rtb-0123456789abcdef0") && e.getMessage().contains("check RouteTableID"), e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "\"RouteTableID\":5|RouteTableID must be a string or an array of strings",
        "\"RouteTableID\":[\"rtb-1\",{}]|RouteTableID must be a string or an array of strings",
        "\"RouteTableID\":\"main\"|\"main\" is not of the form rtb-",
        "\"RouteTableFilter\":\"net=flannel\"|is not of the form tag:KEY=VALUE",
        "\"RouteTableFilter\":\"tag:a=b\",\"RouteTableID\":\"rtb-1\"|both RouteTableID and RouteTableFilter"
    })
    void aConfigurationThatCantWorkIsRefused(String members, String sentence) {
        NetworkConfig config = NetworkConfig.parse("{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"aws-vpc\"," + members + "}}");
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> VpcConfig.of(config));
        assertTrue(e.getMessage().contains(sentence), e.getMessage());
    }

    @Test
    void routesAreTakenForWhatTheyAre() throws Exception {
        SimulatedHost host = host("");
        Eni other = vpc.instance("02:00:00:00:00:02", "192.168.32.10", "subnet-1");
        Eni stopped = vpc.instance("02:00:00:00:00:03", "192.168.32.11", "subnet-1");
        Eni deleted = vpc.instance("02:00:00:00:00:04", "192.168.32.12", "subnet-1");
        vpc.write(main, new Route("10.20.5.0/24", host.eni.id(), "CreateRoute"));
        vpc.write(main, new Route("10.20.6.0/24", other.id(), "CreateRoute"));
        vpc.write(main, new Route("10.20.7.0/24", stopped.id(), "CreateRoute"));
        vpc.write(main, new Route("10.20.8.0/24", deleted.id(), "CreateRoute"));
        vpc.write(main, new Route("10.20.9.0/24", "vgw-1", "EnableVgwRoutePropagation"));
        vpc.write(main, new Route("0.0.0.0/0", "igw-1", "CreateRoute"));
        vpc.stop(stopped);
        vpc.terminate(deleted);
        RouteTable table = host.tables.list().getFirst();
        List<String> found = new ArrayList<>();
        table.routes().forEach(route -> found.add(route.destination() + " " + route.target() + " " + route.kind()));
        assertEquals(List.of(FakeVpc.CIDR + " local FOREIGN", "10.20.5.0/24 " + host.eni.id() + " OWN", "10.20.6.0/24 " + other.id() + " ELSEWHERE",
                "10.20.7.0/24 " + stopped.id() + " DEAD", "10.20.8.0/24 " + deleted.id() + " DEAD", "10.20.9.0/24 vgw-1 FOREIGN",
                "0.0.0.0/0 igw-1 ELSEWHERE"), found);
        assertEquals(6, table.used(), "all but what is propagated");
    }

    @Test
    void aTableThatChangesUnderOurHandsIsNoFailure() throws Exception {
        SimulatedHost host = host("");
        RouteTable table = host.tables.list().getFirst();
        CloudRoute vanished = new CloudRoute(OWN, "", "igw-1", CloudRoute.Kind.ELSEWHERE);
        host.tables.delete(table, vanished);
        host.tables.put(table, OWN, vanished);
        host.tables.put(table, OWN, null);
        assertEquals(Map.of(OWN.toString(), host.eni.id()), vpc.routes(main));
        vpc.write(main, new Route(OWN.toString(), "igw-1", "CreateRoute"));
        assertEquals(Kind.CONFLICT, assertThrows(CloudException.class, () -> host.tables.put(table, OWN, null)).kind());
    }

    @Test
    void anInterfaceThatTheInstanceDoesNotHaveIsNamedWithThoseItHas() {
        SimulatedHost host = host("");
        host.metadata.with("network/interfaces/macs/02:00:00:00:00:01/interface-id", null);
        CloudException e = assertThrows(CloudException.class, () -> host.tables.list());
        assertEquals(Kind.UNUSABLE, e.kind());
        assertTrue(e.getMessage().contains("eth0") && e.getMessage().contains("02:00:00:00:00:01 (192.168.32.9)") && e.getMessage().contains("-iface"),
                e.getMessage());
    }

    @Test
    void aNetworkWithinTheVpcIsExplained() {
        SimulatedHost host = host("");
        host.metadata.with("network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks", "192.168.32.0/24\n10.0.0.0/8");
        CloudException e = assertThrows(CloudException.class, () -> host.tables.list());
        assertEquals(Kind.UNUSABLE, e.kind());
        assertTrue(e.getMessage().contains("10.20.0.0/14 lies within the VPC's own range 10.0.0.0/8"), e.getMessage());
        aws.fault("CreateRoute", 400, "InvalidParameterValue", "Route destination doesn't match any subnet CIDR blocks.");
        host.metadata.with("network/interfaces/macs/02:00:00:00:00:01/vpc-ipv4-cidr-blocks", FakeVpc.CIDR);
        CloudException told = assertThrows(CloudException.class, () -> host.tables.put(host.tables.list().getFirst(), OWN, null));
        assertTrue(told.getMessage().contains("choose a Network apart from the VPC's own ranges"), told.getMessage());
    }

    @Test
    void theRegionIsTheZonesWhereTheMetadataServiceIsOld() throws Exception {
        SimulatedHost host = host("");
        host.metadata.with("placement/region", null).with("placement/availability-zone", "us-east-1-bos-1a");
        assertEquals(List.of(main), ids(host));
    }

    @ParameterizedTest
    @CsvSource({
        "503, RequestLimitExceeded, THROTTLED", "503, EC2ThrottledException, THROTTLED", "400, Throttling, THROTTLED", "429, '', THROTTLED",
        "500, InternalError, TRANSIENT", "503, Unavailable, TRANSIENT", "502, '', TRANSIENT",
        "400, RouteLimitExceeded, LIMIT", "403, UnauthorizedOperation, DENIED", "403, AccessDenied, DENIED", "403, '', DENIED",
        "400, RouteAlreadyExists, CONFLICT", "400, InvalidNetworkInterfaceID.NotFound, GONE", "400, InvalidParameterValue, UNUSABLE"
    })
    void refusalsAreSorted(int status, String code, Kind kind) {
        CloudException e = new AwsError(status, code, "Some words.").toException("CreateRoute", "10.20.5.0/24 in rtb-1");
        assertEquals(kind, e.kind());
        assertTrue(e.getMessage().startsWith("CreateRoute on 10.20.5.0/24 in rtb-1 failed: " + (code.isEmpty() ? "HTTP " + status : code)), e.getMessage());
    }

    /** As recorded from moto 5.2.4; and a route without a destination for IPv4, one without a state, and one whose target is gone. */
    @Test
    void aRecordedAnswerIsRead() throws Exception {
        SimulatedHost host = host("");
        aws.next("DescribeRouteTables", new Http.Answer(200, Map.of(), "<DescribeRouteTablesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15\">"
                + "<routeTableSet><item><associationSet><item><main>false</main><routeTableId>rtb-24</routeTableId><subnetId>subnet-1</subnetId></item>"
                + "</associationSet><routeTableId>rtb-24</routeTableId><routeSet><item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock>"
                + "<gatewayId>local</gatewayId><origin>CreateRouteTable</origin><state>active</state></item><item><destinationCidrBlock>10.20.5.0/24"
                + "</destinationCidrBlock><networkInterfaceId>eni-ab</networkInterfaceId><origin>CreateRoute</origin><state>active</state></item>"
                + "<item><destinationPrefixListId>pl-1</destinationPrefixListId><gatewayId>vpce-1</gatewayId><origin>CreateRoute</origin></item>"
                + "<item><destinationCidrBlock>10.20.6.1/24</destinationCidrBlock><origin>CreateRoute</origin></item>"
                + "</routeSet><tagSet/><vpcId>vpc-79</vpcId></item></routeTableSet><requestId>1</requestId></DescribeRouteTablesResponse>"));
        RouteTable table = host.tables.list().getFirst();
        assertEquals("rtb-24", table.id());
        assertEquals(List.of(new CloudRoute(Ipv4Subnet.parse("10.0.0.0/16"), "10.0.0.0/16", "local", CloudRoute.Kind.FOREIGN),
                new CloudRoute(OWN, OWN.toString(), "eni-ab", CloudRoute.Kind.ELSEWHERE),
                new CloudRoute(Ipv4Subnet.parse("10.20.6.0/24"), "10.20.6.0/24", "a target that is gone", CloudRoute.Kind.ELSEWHERE)), table.routes());
        aws.next("DescribeRouteTables", new Http.Answer(200, Map.of(), "<DescribeRouteTablesResponse/>"));
        assertEquals(Kind.GONE, assertThrows(CloudException.class, () -> host.tables.list()).kind());
        aws.next("DescribeRouteTables", new Http.Answer(200, Map.of(), "<html>a proxy's page"));
        assertEquals(Kind.TRANSIENT, assertThrows(CloudException.class, () -> host.tables.list()).kind());
    }

    private static Http.Answer page(String routes, String token) {
        return new Http.Answer(200, Map.of(), "<R><routeTableSet><item><routeTableId>rtb-1</routeTableId><associationSet><item><main>true</main></item>"
                + "</associationSet><routeSet>" + routes + "</routeSet></item></routeTableSet><nextToken>" + token + "</nextToken></R>");
    }

    @Test
    void aTableOverSeveralPagesIsOneAndEndlessPagesEnd() throws Exception {
        SimulatedHost host = host("");
        String one = "<item><destinationCidrBlock>10.20.5.0/24</destinationCidrBlock><networkInterfaceId>" + host.eni.id()
                + "</networkInterfaceId><origin>CreateRoute</origin></item>";
        aws.next("DescribeRouteTables", page(one, "2"));
        aws.next("DescribeRouteTables", page(one + one.replace("10.20.5", "10.20.6"), ""));
        RouteTable table = host.tables.list().getFirst();
        assertEquals(2, table.routes().size(), "each once: " + table);
        assertEquals(2, table.used());
        for (int i = 0; i < 200; i++) {
            aws.next("DescribeRouteTables", page(one, "again"));
        }
        assertTrue(assertThrows(CloudException.class, () -> host.tables.list()).getMessage().contains("pages"));
    }

    /** As recorded from moto 5.2.4, and as AWS writes it. */
    @Test
    void refusalsAreReadInBothShapes() {
        for (String body : new String[] {
            "<Response><Errors><Error><Code>RouteAlreadyExists</Code><Message>The route identified by 10.20.6.0/24 already exists.</Message></Error>"
                    + "</Errors><RequestID>7a62c49f</RequestID></Response>",
            "<ErrorResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15\"><Error><Code>RouteAlreadyExists</Code>"
                    + "<Message>The route identified by 10.20.6.0/24 already exists.</Message></Error></ErrorResponse>"}) {
            AwsError error = AwsError.of(new Http.Answer(400, Map.of(), body));
            assertEquals(new AwsError(400, "RouteAlreadyExists", "The route identified by 10.20.6.0/24 already exists."), error);
        }
        assertEquals(new AwsError(502, "", ""), AwsError.of(new Http.Answer(502, Map.of(), "<html>Bad Gateway<br></html>")));
    }
}
