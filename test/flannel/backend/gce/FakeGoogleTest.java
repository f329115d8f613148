package flannel.backend.gce;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.cloud.Http;
import flannel.backend.gce.FakeCompute.Instance;
import flannel.json.JsonValue;
import flannel.net.Ipv4;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The fake answers as the real cloud is documented to: what our own client believes rests on it. */
class FakeGoogleTest {

    private static final String NETWORK = "projects/p/global/networks/fnet";
    private static final String ROUTES = "projects/p/global/routes";
    private static final String NAME = "flannel-10-40-5-0-24";
    private static final String ROUTE = JsonValue.object("name", NAME, "network", FakeCompute.LINK + NETWORK, "destRange", "10.40.5.0/24",
            "nextHopInstance", FakeCompute.LINK + "projects/p/zones/us-central1-a/instances/node-1", "priority", 1000).toString();

    private final FakeGoogle.VirtualTime time = new FakeGoogle.VirtualTime();
    private final FakeGoogle google = new FakeGoogle(time);
    private final Instance node = google.instance("p", "node-1", "42:01:0a:80:00:02", "10.128.0.2", NETWORK);

    private Http.Answer metadata(String key, Map<String, String> headers) throws Exception {
        URI uri = URI.create("http://169.254.169.254/computeMetadata/v1/" + key);
        return google.answer(node, Http.Request.get(uri, headers, Duration.ofSeconds(3)));
    }

    private String token() throws Exception {
        String answer = metadata("instance/service-accounts/default/token", Map.of("Metadata-Flavor", "Google")).body();
        return JsonValue.parse(answer).text("access_token");
    }

    private Http.Answer call(String token, String method, String path, String body) throws Exception {
        Map<String, String> headers = new HashMap<>(token == null ? Map.of() : Map.of("Authorization", "Bearer " + token));
        return google.answer(node, new Http.Request(method, URI.create("https://compute.googleapis.com/compute/v1/" + path), headers, body,
                Duration.ofSeconds(30)));
    }

    private JsonValue call(String method, String path, String body) throws Exception {
        return JsonValue.parse(call(token(), method, path, body).body());
    }

    private static void assertRefused(int status, String reason, Http.Answer answer) throws Exception {
        JsonValue error = JsonValue.parse(answer.body()).get("error");
        assertEquals(status, answer.status(), answer.body());
        assertEquals(status, error.integer("code"));
        assertEquals(reason, error.list("errors").getFirst().text("reason"));
        assertEquals("global", error.list("errors").getFirst().text("domain"));
        assertEquals(error.text("message"), error.list("errors").getFirst().text("message"));
    }

    @Test
    void metadataDemandsItsHeaderAndNoProxy() throws Exception {
        assertEquals(403, metadata("instance/name", Map.of()).status());
        assertEquals(403, metadata("instance/name", Map.of("Metadata-Flavor", "Google", "X-Forwarded-For", "10.0.0.1")).status());
        Http.Answer answer = metadata("instance/name", Map.of("Metadata-Flavor", "Google"));
        assertEquals("node-1", answer.body());
        assertEquals("Google", answer.header("Metadata-Flavor"));
        assertEquals(404, metadata("instance/network-interfaces/1/mac", Map.of("Metadata-Flavor", "Google")).status());
    }

    @ParameterizedTest
    @CsvSource({"project/project-id, p", "instance/zone, projects/\\d+/zones/us-central1-a",
            "instance/network-interfaces/0/network, projects/\\d+/networks/fnet", "instance/network-interfaces/0/ip, 10.128.0.2",
            "instance/service-accounts/default/token, '\\{\"access_token\":\"ya29[^\"]*\",\"expires_in\":3599,\"token_type\":\"Bearer\"}'"})
    void metadataHasTheRealOnesForms(String key, String form) throws Exception {
        String value = metadata(key, Map.of("Metadata-Flavor", "Google")).body();
        assertTrue(value.matches(form), value);
    }

    @Test
    void anOperationIsDoneAfterItsTime() throws Exception {
        JsonValue operation = call("POST", ROUTES, ROUTE);
        assertTrue(operation.text("name").startsWith("operation-"));
        assertEquals("insert", operation.text("operationType"));
        assertEquals(FakeCompute.LINK + ROUTES + "/" + NAME, operation.text("targetLink"));
        assertEquals("RUNNING", operation.text("status"));
        assertEquals(List.of(), google.compute.hops(NETWORK, Ipv4.parse("10.40.5.9")));
        JsonValue done = call("POST", "projects/p/global/operations/" + operation.text("name") + "/wait", null);
        assertEquals("DONE", done.text("status"));
        assertNull(done.get("error"));
        assertEquals(List.of(node), google.compute.hops(NETWORK, Ipv4.parse("10.40.5.9")));
    }

    @Test
    void aWaitTakesTwoMinutesAtMost() throws Exception {
        google.compute.operationTime = Duration.ofMinutes(3);
        String wait = "projects/p/global/operations/" + call("POST", ROUTES, ROUTE).text("name") + "/wait";
        assertEquals("RUNNING", call("POST", wait, null).text("status"));
        assertEquals("DONE", call("POST", wait, null).text("status"));
    }

    @Test
    void anEmptyListHasNoItems() throws Exception {
        assertNull(call("GET", ROUTES, null).get("items"));
    }

    @Test
    void refusals() throws Exception {
        assertRefused(401, "authError", call(null, "GET", ROUTES, null));
        String token = token();
        time.pass(Duration.ofHours(1));
        assertRefused(401, "authError", call(token, "GET", ROUTES, null));
        assertRefused(404, "notFound", call(token(), "GET", ROUTES + "/" + NAME, null));
        assertRefused(404, "notFound", call(token(), "DELETE", ROUTES + "/" + NAME, null));
        call("POST", ROUTES, ROUTE);
        assertRefused(409, "alreadyExists", call(token(), "POST", ROUTES, ROUTE));
        assertRefused(400, "invalid", call(token(), "POST", ROUTES, ROUTE.replace(NAME, "Flannel_1")));
        String elsewhere = ROUTE.replace(NAME, "two").replace("projects/p/zones", "projects/q/zones");
        assertRefused(400, "invalid", call(token(), "POST", ROUTES, elsewhere));
        google.permissions.put(node.account + " p", Set.of("compute.routes.list"));
        assertEquals(200, call(token(), "GET", ROUTES, null).status());
        assertRefused(403, "forbidden", call(token(), "DELETE", ROUTES + "/" + NAME, null));
        node.scopes = List.of("https://www.googleapis.com/auth/compute.readonly");
        assertRefused(403, "insufficientPermissions", call(token(), "GET", ROUTES, null));
    }

    @Test
    void theRequestsOfAMinuteAreCounted() throws Exception {
        time.pass(Duration.ofSeconds(30));
        String token = token();
        for (int i = 0; i < FakeGoogle.REQUESTS_PER_MINUTE; i++) {
            assertEquals(200, call(token, "GET", ROUTES, null).status());
        }
        assertRefused(403, "rateLimitExceeded", call(token, "GET", ROUTES, null));
        assertEquals(404, call(token, "DELETE", ROUTES + "/x", null).status());
        time.pass(Duration.ofSeconds(29));
        assertRefused(403, "rateLimitExceeded", call(token, "GET", ROUTES, null));
        time.pass(Duration.ofSeconds(1));
        assertEquals(200, call(token, "GET", ROUTES, null).status());
    }

    @Test
    void aListLagsAndARouteDoesNot() throws Exception {
        google.compute.operationTime = Duration.ZERO;
        google.compute.lag = Duration.ofSeconds(20);
        call("POST", ROUTES, ROUTE);
        assertNull(call("GET", ROUTES, null).get("items"));
        assertEquals(NAME, call("GET", ROUTES + "/" + NAME, null).text("name"));
        time.pass(Duration.ofSeconds(20));
        assertEquals(1, call("GET", ROUTES, null).list("items").size());
        call("DELETE", ROUTES + "/" + NAME, null);
        assertEquals(1, call("GET", ROUTES, null).list("items").size());
        assertEquals("The resource '" + ROUTES + "/" + NAME + "' was not found",
                call("GET", ROUTES + "/" + NAME, null).get("error").text("message"));
    }

    @Test
    void aRouteIsFoundByItsNumberToo() throws Exception {
        call("POST", ROUTES, ROUTE);
        String id = call("GET", ROUTES + "/" + NAME, null).text("id");
        assertTrue(id.matches("[1-9]\\d{0,19}"), id);
        call("DELETE", ROUTES + "/" + id, null);
        assertEquals(List.of(), google.compute.routes(NETWORK));
    }
}
