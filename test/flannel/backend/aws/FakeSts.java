package flannel.backend.aws;

import flannel.backend.cloud.Http;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/** AWS' token service: gives a role's key to whom the role trusts. */
record FakeSts(FakeAws aws) {

    static final String ROLE = "arn:aws:iam::" + FakeAws.ACCOUNT + ":role/flannel";
    static final String WEB_TOKEN = "header.body.signature=";

    String answer(String action, Map<String, String> form, Http.Request request, Instant now, Map<String, FakeAws.Identity> identities)
            throws FakeVpc.Refusal {
        Policy policy;
        switch (action) {
            case "AssumeRole" -> policy = SignatureCheck.check(request, "sts", now, identities).policy();
            case "AssumeRoleWithWebIdentity" -> {
                if (request.headers().keySet().stream().anyMatch("authorization"::equalsIgnoreCase)) {
                    throw new FakeVpc.Refusal(400, "InvalidAction", "this request must not be signed");
                }
                if (!WEB_TOKEN.equals(form.get("WebIdentityToken"))) {
                    throw new FakeVpc.Refusal(400, "InvalidIdentityToken", "No OpenIDConnect provider found");
                }
                policy = identities.get(FakeAws.KEY.accessKeyId()).policy();
            }
            default -> throw new FakeVpc.Refusal(400, "InvalidAction", action);
        }
        if (!ROLE.equals(form.get("RoleArn")) || form.getOrDefault("RoleSessionName", "").isEmpty()) {
            throw new FakeVpc.Refusal(403, "AccessDenied", "Not authorized to perform sts:" + action);
        }
        Credentials key = aws.session(policy, Duration.ofHours(1));
        return "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action + "Result><Credentials><AccessKeyId>"
                + key.accessKeyId() + "</AccessKeyId><SecretAccessKey>" + key.secretAccessKey() + "</SecretAccessKey><SessionToken>"
                + key.sessionToken() + "</SessionToken><Expiration>" + key.expires() + "</Expiration></Credentials></" + action + "Result></"
                + action + "Response>";
    }
}
