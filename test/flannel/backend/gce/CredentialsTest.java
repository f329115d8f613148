package flannel.backend.gce;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.backend.cloud.Http;
import flannel.backend.gce.FakeCompute.Instance;
import flannel.json.JsonValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.RSAPublicKeySpec;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CredentialsTest {

    private static final String NETWORK = "projects/p/global/networks/fnet";
    private static final String ROUTES = "projects/p/global/routes";
    private static final String ROBOT = "robot@p.iam.gserviceaccount.com";

    @TempDir
    Path directory;

    private final FakeGoogle.VirtualTime time = new FakeGoogle.VirtualTime();
    private final FakeGoogle google = new FakeGoogle(time);
    private final Instance node = google.instance("p", "node-1", "42:01:0a:80:00:02", "10.128.0.2", NETWORK);

    private Credentials find(Map<String, String> environment) {
        Map<String, String> all = new HashMap<>(Map.of("HOME", directory.toString()));
        all.putAll(environment);
        Http http = google.seenFrom(node);
        return Credentials.find(all, http, new Metadata(all, http), time);
    }

    private Credentials of(String file) throws IOException {
        Path path = directory.resolve("key.json");
        Files.writeString(path, file);
        return find(Map.of("GOOGLE_APPLICATION_CREDENTIALS", path.toString()));
    }

    /** Whether the cloud takes them. */
    private void use(Credentials credentials) throws Exception {
        new Compute(Map.of(), google.seenFrom(node), credentials).list("routes.list", ROUTES, route -> { });
    }

    private static String robot() {
        return JsonValue.object("type", "service_account", "project_id", "p", "private_key_id", "a1b2c3", "private_key", JwtTest.KEY,
                "client_email", ROBOT, "client_id", "1", "token_uri", "https://oauth2.googleapis.com/token").toString();
    }

    private void admitRobot() throws Exception {
        RSAPrivateCrtKey key = (RSAPrivateCrtKey) Jwt.privateKey(JwtTest.KEY);
        RSAPublicKeySpec publicKey = new RSAPublicKeySpec(key.getModulus(), key.getPublicExponent());
        google.keys.put(ROBOT, KeyFactory.getInstance("RSA").generatePublic(publicKey));
        google.permissions.put(ROBOT + " p", FakeGoogle.ROLE);
    }

    private static CloudException fails(org.junit.jupiter.api.function.Executable work, Kind kind) {
        CloudException e = assertThrows(CloudException.class, work);
        assertEquals(kind, e.kind(), e.getMessage());
        return e;
    }

    @Test
    void aServiceAccountsKeySignsForItself() throws Exception {
        admitRobot();
        Credentials credentials = of(robot());
        use(credentials);
        assertEquals(ROBOT, credentials.account());
    }

    @Test
    void aUsersRefreshToken() throws Exception {
        google.refreshTokens.put("id secret 1//refresh", "user@example.com");
        google.permissions.put("user@example.com p", FakeGoogle.ROLE);
        use(of("{\"type\":\"authorized_user\",\"client_id\":\"id\",\"client_secret\":\"secret\",\"refresh_token\":\"1//refresh\"}"));
    }

    @Test
    void theFileThatGcloudLeaves() throws Exception {
        admitRobot();
        Path file = directory.resolve(".config/gcloud/application_default_credentials.json");
        Files.createDirectories(file.getParent());
        Files.writeString(file, robot());
        Credentials credentials = find(Map.of());
        use(credentials);
        assertEquals(ROBOT, credentials.account());
    }

    @Test
    void elseTheInstancesOwnAccount() throws Exception {
        Credentials credentials = find(Map.of());
        use(credentials);
        assertEquals("flannel@p.iam.gserviceaccount.com", credentials.account());
        node.scopes = List.of(Credentials.CLOUD_PLATFORM);
        use(find(Map.of()));
    }

    @Test
    void scopesThatAllowNoRoutesAreTold() {
        node.scopes = List.of("https://www.googleapis.com/auth/compute.readonly");
        assertEquals("getting an access token on flannel@p.iam.gserviceaccount.com failed: its access scopes allow no changes of routes:"
                + " stop the instance, and give it the scope compute-rw or cloud-platform (gcloud compute instances set-service-account)",
                fails(() -> find(Map.of()).token(), Kind.DENIED).getMessage());
    }

    @Test
    void anInstanceWithoutAnAccountIsTold() {
        node.account = null;
        assertTrue(fails(() -> find(Map.of()).token(), Kind.DENIED).getMessage().contains("GOOGLE_APPLICATION_CREDENTIALS"));
    }

    @Test
    void aTokenServesUntilFiveMinutesBeforeItsEnd() throws Exception {
        Credentials credentials = find(Map.of());
        String first = credentials.token();
        time.pass(Duration.ofMinutes(54));
        assertEquals(first, credentials.token());
        time.pass(Duration.ofMinutes(1));
        assertNotEquals(first, credentials.token());
    }

    @Test
    void anOldTokenServesToItsEndWhileNoNewOneIsToBeHad() throws Exception {
        Credentials credentials = find(Map.of());
        String first = credentials.token();
        google.fault = request -> request.uri().getPath().contains("token") ? answer(503, "") : null;
        time.pass(Duration.ofMinutes(58));
        assertEquals(first, credentials.token());
        time.pass(Duration.ofMinutes(3));
        fails(credentials::token, Kind.TRANSIENT);
    }

    private static Http.Answer answer(int status, String body) {
        return new Http.Answer(status, Map.of("metadata-flavor", List.of("Google")), body);
    }

    @Test
    void aRevokedTokenIsReplacedOnce() throws Exception {
        Credentials credentials = find(Map.of());
        use(credentials);
        google.revoke();
        google.calls.clear();
        use(credentials);
        assertEquals(2, google.calls.stream().filter(call -> call.endsWith(ROUTES)).count());
        google.fault = request -> request.uri().getPath().endsWith(ROUTES) ? answer(401, "{\"error\":{\"code\":401}}") : null;
        google.calls.clear();
        fails(() -> use(credentials), Kind.DENIED);
        assertEquals(2, google.calls.stream().filter(call -> call.endsWith(ROUTES)).count());
    }

    @Test
    void aHostWhoseClockIsOffIsToldSo() throws Exception {
        admitRobot();
        FakeGoogle.VirtualTime wrong = new FakeGoogle.VirtualTime();
        wrong.pass(Duration.ofHours(8));
        Path file = Files.writeString(directory.resolve("key.json"), robot());
        CloudException e = fails(() -> new KeyFile(file, google.seenFrom(node), wrong).fetch(), Kind.DENIED);
        assertTrue(e.getMessage().endsWith(": set this host's clock, which is 28800 s off Google's"), e.getMessage());
    }

    /** Any secret of these files contains the word SECRET, which no message has. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            `` | it is not JSON
            SECRET | it is not JSON
            {"type":"external_account"} | flanneld takes service_account and authorized_user
            {"type":"service_account"} | it has no client_email
            {"type":"service_account","client_email":"a","private_key_id":"1","private_key":"SECRET"} | its private_key can't be used
            {"type":"authorized_user","client_id":"i","client_secret":"SECRET"} | it has no refresh_token
            {"type":"authorized_user","client_id":"i","client_secret":"SECRET","refresh_token":"SECRET"} | 400 invalid_grant (Bad Request)
            {"type":"authorized_user","client_id":"i","client_secret":"s","refresh_token":"r","token_uri":" "} | its token_uri is no URI
            """)
    void aBadFileIsToldWithoutItsSecrets(String file, String detail) throws Exception {
        Credentials credentials = of(file == null ? "" : file);
        CloudException e = fails(credentials::token, Kind.DENIED);
        assertTrue(e.getMessage().contains(detail), e.getMessage());
        assertTrue(e.getMessage().contains("key.json"), e.getMessage());
        assertFalse(e.getMessage().contains("SECRET"), e.getMessage());
    }

    @Test
    void aFileThatIsNotThereIsTold() {
        Credentials credentials = find(Map.of("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/key.json"));
        assertEquals("reading credentials failed: /nonexistent/key.json does not exist: check GOOGLE_APPLICATION_CREDENTIALS",
                fails(credentials::token, Kind.DENIED).getMessage());
    }

    @Test
    void aTokenIsInNoText() throws Exception {
        AttachedAccount account = new AttachedAccount(new Metadata(Map.of(), google.seenFrom(node)), time);
        Credentials.AccessToken token = account.fetch();
        assertFalse(token.toString().contains(token.secret()));
    }

    /** java.net.http names a header's value that it refuses. */
    @Test
    void aTokenThatIsNoHeaderIsNotUsed() {
        google.fault = request -> request.uri().getPath().endsWith("/token") ? answer(200, "{\"access_token\":\"SECRET\\n\"}") : null;
        assertFalse(fails(() -> find(Map.of()).token(), Kind.DENIED).getMessage().contains("SECRET"));
    }

    @Test
    void metadataIsAskedWithItsHeaderAndIsKnownByIt() throws Exception {
        Metadata metadata = new Metadata(Map.of("GCE_METADATA_HOST", "127.0.0.1:8080"), google.seenFrom(node));
        assertEquals("node-1", metadata.get("instance/name"));
        google.fault = request -> new Http.Answer(200, Map.of(), "node-1");
        assertTrue(fails(() -> metadata.get("instance/name"), Kind.UNUSABLE).getMessage().contains("not Google's metadata server"));
        google.fault = request -> answer(503, "");
        assertEquals("reading metadata on http://127.0.0.1:8080/computeMetadata/v1/instance/name failed: 503",
                fails(() -> metadata.get("instance/name"), Kind.TRANSIENT).getMessage());
        assertThrows(IllegalArgumentException.class, () -> new Metadata(Map.of("GCE_METADATA_HOST", "http://x/"), google.seenFrom(node)));
    }
}
