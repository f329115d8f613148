package flannel.backend.gce;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.json.JsonException;
import flannel.json.JsonValue;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ComputeErrorTest {

    private static final String ROUTE = "projects/p/global/routes/flannel-10-40-5-0-24";

    private static CloudException told(int status, String reason, String message) {
        JsonValue answer = JsonValue.object("error", JsonValue.object("code", status, "message", message,
                "errors", List.of(JsonValue.object("message", message, "domain", "global", "reason", reason))));
        return ComputeError.of(status, answer).exception("routes.insert", ROUTE, "robot@p");
    }

    private static CloudException failed(int status, String code, String message) throws JsonException {
        JsonValue operation = JsonValue.parse("{\"name\":\"operation-1\",\"status\":\"DONE\",\"error\":{\"errors\":[{\"code\":\"" + code
                + "\",\"message\":\"" + message + "\"}]},\"httpErrorStatusCode\":" + status + "}");
        return ComputeError.of(operation).orElseThrow().exception("routes.insert", ROUTE, "robot@p");
    }

    @ParameterizedTest
    @CsvSource({"403, rateLimitExceeded, THROTTLED", "429, tooManyRequests, THROTTLED", "403, quotaExceeded, LIMIT",
            "403, forbidden, DENIED",
            "401, authError, DENIED", "403, insufficientPermissions, DENIED", "409, alreadyExists, CONFLICT", "404, notFound, GONE",
            "400, resourceNotReady, TRANSIENT", "400, invalid, UNUSABLE", "403, accessNotConfigured, UNUSABLE",
            "500, internalError, TRANSIENT", "503, backendError, TRANSIENT", "502, '', TRANSIENT"})
    void answers(int status, String reason, Kind kind) {
        assertEquals(kind, told(status, reason, "...").kind());
    }

    @ParameterizedTest
    @CsvSource({"403, QUOTA_EXCEEDED, LIMIT", "400, RESOURCE_NOT_READY, TRANSIENT", "409, RESOURCE_ALREADY_EXISTS, CONFLICT",
            "404, RESOURCE_NOT_FOUND, GONE", "403, RATE_LIMIT_EXCEEDED, THROTTLED", "500, INTERNAL_ERROR, TRANSIENT",
            "0, ANYTHING, TRANSIENT"})
    void operations(int status, String code, Kind kind) throws JsonException {
        assertEquals(kind, failed(status, code, "...").kind());
    }

    @Test
    void whatIsUnderWayIsWaitedFor() {
        assertEquals(Kind.TRANSIENT, told(400, "badRequest",
                "There is a route operation in progress on the local or peer network. Try again later.").kind());
    }

    @Test
    void namesThePermissionAndTheAccount() {
        String message = "Required 'compute.networks.updatePolicy' permission for 'projects/host/global/networks/shared'";
        assertEquals("routes.insert on " + ROUTE + " failed: 403 forbidden (Required 'compute.networks.updatePolicy' permission for"
                + " 'projects/host/global/networks/shared'): grant compute.networks.updatePolicy in project host to robot@p",
                told(403, "forbidden", message).getMessage());
    }

    @Test
    void namesTheQuotaOfBothForms() throws JsonException {
        String remedy = ": ask for more of the quota ROUTES of project p, or give the network fewer hosts";
        assertTrue(told(403, "quotaExceeded", "Quota 'ROUTES' exceeded.  Limit: 100.0 globally.").getMessage().endsWith(remedy));
        assertTrue(failed(403, "QUOTA_EXCEEDED", "Quota 'ROUTES' exceeded.  Limit: 100.0 globally.").getMessage().endsWith(remedy));
    }

    @Test
    void aPageOfSomebodyElsesIsNoHarm() {
        assertEquals("routes.insert on " + ROUTE + " failed: 502",
                ComputeError.of(502, null).exception("routes.insert", ROUTE, "robot@p").getMessage());
    }

    @Test
    void aLongMessageIsCut() {
        assertTrue(told(400, "invalid", "x".repeat(5000)).getMessage().length() < 500);
    }

    @Test
    void anOperationWithoutAnErrorHasNone() throws JsonException {
        assertTrue(ComputeError.of(JsonValue.parse("{\"name\":\"operation-1\",\"status\":\"DONE\"}")).isEmpty());
    }
}
