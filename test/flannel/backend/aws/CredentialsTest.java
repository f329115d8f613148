package flannel.backend.aws;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.Http;
import flannel.lease.NetworkConfig;
import flannel.log.Log;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where the key comes from, and what happens when it ends. Each test ends with a request that the fake accepts as signed. */
class CredentialsTest {

    @TempDir
    private Path home;

    private final VirtualClock clock = new VirtualClock();
    private final FakeAws aws = new FakeAws(clock);
    private final Map<String, String> environment = new HashMap<>();
    private final List<Http.Request> requests = new ArrayList<>();
    private FakeVpc.Eni eni;
    private FakeMetadata metadata;
    private Policy everything;
    /** Stands before the fake, for what it does not have. */
    private Http detour;

    @BeforeEach
    void region() throws Exception {
        everything = Policy.everything();
        aws.allow(FakeAws.KEY, everything);
        aws.vpc().table(true, "");
        eni = aws.vpc().instance("02:00:00:00:00:01", "192.168.32.9", "subnet-1");
        metadata = new FakeMetadata(aws, eni, clock, null);
    }

    private VpcRouteTables tables() {
        Http http = request -> {
            requests.add(request);
            Http.Answer answer = detour == null ? null : detour.send(request);
            return answer != null ? answer : aws.seenBy(metadata).send(request);
        };
        NetworkConfig network = NetworkConfig.parse(SimulatedHost.CONFIG);
        return new VpcRouteTables(new AwsSession(environment, home, http, clock, SimulatedHost.underlay(eni), network), VpcConfig.of(network),
                new Log(System.err, 0));
    }

    private String keyUsed() {
        String authorization = requests.getLast().headers().get("authorization");
        return authorization.substring(authorization.indexOf("Credential=") + 11, authorization.indexOf('/'));
    }

    private void keyInTheEnvironment() {
        environment.put("AWS_ACCESS_KEY_ID", FakeAws.KEY.accessKeyId());
        environment.put("AWS_SECRET_ACCESS_KEY", FakeAws.KEY.secretAccessKey());
    }

    private void file(String name, String text) throws IOException {
        Files.createDirectories(home.resolve(".aws"));
        Files.writeString(home.resolve(".aws").resolve(name), text);
    }

    private static String key(String indent) {
        return indent + "aws_access_key_id = " + FakeAws.KEY.accessKeyId() + "\n" + indent + "aws_secret_access_key=" + FakeAws.KEY.secretAccessKey() + "\n";
    }

    @Test
    void aKeyInTheEnvironmentInItsNewAndOldNames() throws Exception {
        keyInTheEnvironment();
        tables().list();
        assertEquals("AKIDEXAMPLE", keyUsed());
        environment.clear();
        environment.put("AWS_ACCESS_KEY", FakeAws.KEY.accessKeyId());
        environment.put("AWS_SECRET_KEY", FakeAws.KEY.secretAccessKey());
        tables().list();
        environment.clear();
        Credentials session = aws.session(everything, Duration.ofHours(1));
        environment.put("AWS_ACCESS_KEY_ID", session.accessKeyId());
        environment.put("AWS_SECRET_ACCESS_KEY", session.secretAccessKey());
        environment.put("AWS_SESSION_TOKEN", session.sessionToken());
        tables().list();
        assertEquals(session.accessKeyId(), keyUsed());
    }

    @Test
    void aProfilesKeyInEitherFile() throws Exception {
        file("credentials", "# people's\n[default]\naws_access_key_id=WRONG\naws_secret_access_key=WRONG\n[net]\n" + key(""));
        environment.put("AWS_PROFILE", "net");
        tables().list();
        file("credentials", "[default]\naws_access_key_id=WRONG\naws_secret_access_key=WRONG\n");
        file("config", "[default]\nregion = xx\n[profile net]\nregion=us-east-1\ns3 =\n  aws_access_key_id = NESTED\n" + key("") + "; the end\n");
        tables().list();
        assertEquals("AKIDEXAMPLE", keyUsed());
        assertTrue(requests.getLast().uri().toString().contains("us-east-1"), "the profile's region");
    }

    @Test
    void filesElsewhere() throws Exception {
        Path file = Files.writeString(home.resolve("keys"), "[default]\n" + key(""));
        environment.put("AWS_SHARED_CREDENTIALS_FILE", file.toString());
        tables().list();
        assertEquals("AKIDEXAMPLE", keyUsed());
    }

    @Test
    void aProfilesRole() throws Exception {
        file("credentials", "[base]\n" + key(""));
        file("config", "[profile net]\nrole_arn=" + FakeSts.ROLE + "\nsource_profile=base\n");
        environment.put("AWS_PROFILE", "net");
        VpcRouteTables tables = tables();
        tables.list();
        assertTrue(keyUsed().startsWith("ASIASESSION"), keyUsed());
        String first = keyUsed();
        clock.advance(Duration.ofMinutes(54));
        tables.list();
        assertEquals(first, keyUsed());
        clock.advance(Duration.ofMinutes(2));      // five minutes before its end
        tables.list();
        assertNotEquals(first, keyUsed());
    }

    @Test
    void aRoleByAKeyFromElsewhere() throws Exception {
        file("config", "[default]\nrole_arn=" + FakeSts.ROLE + "\ncredential_source=Ec2InstanceMetadata\n");
        metadata = new FakeMetadata(aws, eni, clock, everything);
        tables().list();
        assertEquals(1, aws.calls("AssumeRole"));
    }

    @Test
    void profilesThatLeadNowhereAreNamed() throws Exception {
        environment.put("AWS_PROFILE", "nosuch");
        assertDenied("nosuch");
        environment.put("AWS_PROFILE", "a");
        file("config", "[profile a]\nrole_arn=x\nsource_profile=b\n[profile b]\nrole_arn=y\nsource_profile=a\n");
        assertDenied("source_profile");
        file("config", "[profile a]\nsso_session=x\n");
        assertDenied("single sign-on");
        file("config", "[profile a]\nrole_arn=x\ncredential_source=Moon\n");
        assertDenied("Moon");
    }

    /** A pipe would wait for its writer, for ever. */
    @Test
    void whatIsNoFileIsNamed() throws Exception {
        environment.put("AWS_SHARED_CREDENTIALS_FILE", home.toString());
        CloudException e = assertThrows(CloudException.class, () -> tables().list());
        assertTrue(e.getMessage().contains(home + " is a folder"), e.getMessage());
        environment.put("AWS_WEB_IDENTITY_TOKEN_FILE", "/dev/zero");
        environment.put("AWS_ROLE_ARN", FakeSts.ROLE);
        environment.remove("AWS_SHARED_CREDENTIALS_FILE");
        assertDenied("/dev/zero is a pipe, socket or device");
    }

    private void assertDenied(String named) {
        CloudException e = assertThrows(CloudException.class, () -> tables().list());
        assertEquals(CloudException.Kind.DENIED, e.kind());
        assertTrue(e.getMessage().contains(named), e.getMessage());
    }

    @Test
    void webIdentityReadsItsFileEachTime() throws Exception {
        Path file = Files.writeString(home.resolve("token"), FakeSts.WEB_TOKEN + "\n");
        environment.put("AWS_WEB_IDENTITY_TOKEN_FILE", file.toString());
        environment.put("AWS_ROLE_ARN", FakeSts.ROLE);
        VpcRouteTables tables = tables();
        tables.list();
        assertTrue(keyUsed().startsWith("ASIASESSION"));
        Files.writeString(file, "an old one");
        clock.advance(Duration.ofMinutes(57));
        tables.list();      // can't be renewed, and is still good
        clock.advance(Duration.ofMinutes(5));
        CloudException e = assertThrows(CloudException.class, tables::list);
        assertTrue(e.getMessage().contains("InvalidIdentityToken") && !e.getMessage().contains("an old one"), e.getMessage());
    }

    @Test
    void aContainersAgentIsAskedWithItsTokenAndNobodyElse() throws Exception {
        detour = request -> {
            if (!request.uri().toString().equals("http://169.254.170.23/v1/credentials")) {
                return null;
            }
            assertEquals("agent token", request.headers().get("Authorization"));
            Credentials key = aws.session(everything, Duration.ofHours(1));
            return new Http.Answer(200, Map.of(), "{\"AccessKeyId\":\"" + key.accessKeyId() + "\",\"SecretAccessKey\":\"" + key.secretAccessKey()
                    + "\",\"Token\":\"" + key.sessionToken() + "\",\"Expiration\":\"" + key.expires() + "\"}");
        };
        Path token = Files.writeString(home.resolve("token"), "agent token\n");
        environment.put("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
        environment.put("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.toString());
        tables().list();
        assertTrue(keyUsed().startsWith("ASIASESSION"));
        environment.put("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://198.51.100.7/v1/credentials");
        int before = requests.size();
        CloudException e = assertThrows(CloudException.class, () -> tables().list());
        assertTrue(e.getMessage().contains("198.51.100.7"), e.getMessage());
        assertTrue(requests.subList(before, requests.size()).stream().noneMatch(request -> request.uri().getHost().equals("198.51.100.7")));
    }

    @Test
    void theInstancesRole() throws Exception {
        metadata = new FakeMetadata(aws, eni, clock, everything);
        VpcRouteTables tables = tables();
        tables.list();
        String first = keyUsed();
        metadata.expireTokens();
        clock.advance(Duration.ofHours(5).plusMinutes(56));
        tables.list();
        assertNotEquals(first, keyUsed(), "renewed early, with a new token of the metadata service");
    }

    @Test
    void theOlderMetadataServiceOnlyWhereThereIsNoNewer() throws Exception {
        metadata = new FakeMetadata(aws, eni, clock, everything).version1();
        tables().list();
        environment.put("AWS_EC2_METADATA_V1_DISABLED", "true");
        CloudException e = assertThrows(CloudException.class, () -> tables().list());
        assertTrue(e.getMessage().contains("/latest/api/token") || e.getMessage().contains("a token"), e.getMessage());
    }

    @Test
    void aKeyThatIsRefusedIsAskedForAnewOnce() throws Exception {
        metadata = new FakeMetadata(aws, eni, clock, everything);
        VpcRouteTables tables = tables();
        tables.list();
        String first = keyUsed();
        aws.fault("DescribeRouteTables", 400, "ExpiredToken", "The security token included in the request is expired");
        tables.list();
        assertNotEquals(first, keyUsed());
        aws.fault("DescribeRouteTables", 401, "AuthFailure", "AWS was not able to validate the provided access credentials");
        aws.fault("DescribeRouteTables", 401, "AuthFailure", "AWS was not able to validate the provided access credentials");
        CloudException e = assertThrows(CloudException.class, tables::list);
        assertEquals(CloudException.Kind.DENIED, e.kind());
        assertTrue(e.getMessage().contains("AuthFailure") && e.getMessage().contains("check the credentials of the instance's role flannel-host, and this host's clock"), e.getMessage());
    }

    @Test
    void aClockThatIsOffIsReckonedWith() throws Exception {
        keyInTheEnvironment();
        VirtualClock ours = new VirtualClock();
        ours.set(clock.instant().minus(Duration.ofHours(1)));
        NetworkConfig network = NetworkConfig.parse(SimulatedHost.CONFIG);
        Http http = request -> {
            requests.add(request);
            return aws.seenBy(metadata).send(request);
        };
        VpcRouteTables tables = new VpcRouteTables(new AwsSession(environment, home, http, ours, SimulatedHost.underlay(eni), network),
                VpcConfig.of(network),
                new Log(System.err, 0));
        tables.list();
        int before = requests.size();
        tables.list();
        assertEquals(before + 1, requests.size(), "the difference is remembered");
    }

    @Test
    void withoutAnyOneIsToldWhereToPutThem() {
        CloudException e = assertThrows(CloudException.class, () -> tables().list());
        assertEquals(CloudException.Kind.DENIED, e.kind());
        assertTrue(e.getMessage().contains("give the instance a role"), e.getMessage());
        environment.put("AWS_EC2_METADATA_DISABLED", "true");
        assertDenied("give the instance a role");
    }

    @Test
    void outsideOfEc2TheMetadataServiceIsNamed() {
        keyInTheEnvironment();
        detour = request -> {
            throw new ConnectException("connection refused");
        };
        CloudException e = assertThrows(CloudException.class, () -> tables().list());
        assertEquals(CloudException.Kind.TRANSIENT, e.kind());
        assertTrue(e.getMessage().contains("http://169.254.169.254") && e.getMessage().contains("is this host an EC2 instance?"), e.getMessage());
    }

    @Test
    void badDocumentsTellNoSecret() {
        for (String document : new String[] {"SECRET", "{\"Code\":\"Failed\",\"Message\":\"no role\",\"SecretAccessKey\":\"SECRET\"}",
            "{\"Code\":\"Success\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"SECRET\",\"Token\":\"\",\"Expiration\":\"soon\"}"}) {
            IOException e = assertThrows(IOException.class, () -> RoleDocument.parse(document, "x"));
            assertFalse(e.getMessage().contains("SECRET"), e.getMessage());
        }
        assertSame(IOException.class, assertThrows(IOException.class, () -> RoleDocument.parse("{}", "x")).getClass());
    }
}
