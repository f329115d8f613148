package flannel.backend.aws;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.Http;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.util.Map;

/** AWS' Security Token Service: turns a proof of identity into a role's credentials. */
record TokenService(Http http, URI endpoint, String region, InstantSource clock) {

    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private static final String VERSION = "2011-06-15";

    /** A role by the key of somebody who may assume it. */
    Credentials assumeRole(Credentials by, String role, String session, String externalId) throws CloudException, InterruptedException {
        Form form = new Form("AssumeRole", VERSION).with("RoleArn", role).with("RoleSessionName", session);
        if (!externalId.isEmpty()) {
            form.with("ExternalId", externalId);
        }
        return ask("AssumeRole", role, new SignatureV4(region, "sts")
                .post(endpoint, form.toString(), by, clock.instant(), TIMEOUT));
    }

    /** A role by an identity provider's token; the request is not signed. */
    Credentials assumeRoleWithWebIdentity(String token, String role, String session) throws CloudException, InterruptedException {
        Form form = new Form("AssumeRoleWithWebIdentity", VERSION).with("RoleArn", role).with("RoleSessionName", session)
                .with("WebIdentityToken", token);
        return ask("AssumeRoleWithWebIdentity", role,
                new Http.Request("POST", endpoint, Map.of("content-type", SignatureV4.FORM), form.toString(), TIMEOUT));
    }

    private Credentials ask(String action, String role, Http.Request request) throws CloudException, InterruptedException {
        Http.Answer answer;
        try {
            answer = http.send(request);
            if (answer.status() == 200) {
                Xml found = Xml.parse(answer.body()).find("Credentials");
                if (found != null) {
                    return new Credentials(found.text("AccessKeyId"), found.text("SecretAccessKey"), found.text("SessionToken"),
                            Instant.parse(found.text("Expiration")), "the role " + role);
                }
                throw new IOException("the answer has no credentials");
            }
        } catch (IOException | DateTimeParseException e) {
            throw new CloudException(CloudException.Kind.TRANSIENT, action, role, "", e.getMessage(), "");
        }
        throw AwsError.of(answer).toException(action, role);
    }
}
