package flannel.backend.aws;

import flannel.backend.cloud.Http.Answer;
import flannel.backend.cloud.Http.Request;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The metadata service of one instance, version 2 or 1. */
public final class FakeMetadata {

    private final FakeAws aws;
    private final FakeVpc.Eni eni;
    private final InstantSource clock;
    private final Policy role;
    private final Map<String, String> keys = new HashMap<>();
    private final Map<String, Instant> tokens = new HashMap<>();
    private boolean version2 = true;
    private int reads;

    /** @param role policy of the instance's role; null for an instance without */
    public FakeMetadata(FakeAws aws, FakeVpc.Eni eni, InstantSource clock, Policy role) {
        this.aws = aws;
        this.eni = eni;
        this.clock = clock;
        this.role = role;
        String mac = "network/interfaces/macs/" + eni.mac + "/";
        keys.put("instance-id", eni.instance);
        keys.put("placement/region", FakeAws.REGION);
        keys.put("placement/availability-zone", FakeAws.REGION + "a");
        keys.put("services/domain", "amazonaws.com");
        keys.put("network/interfaces/macs/", eni.mac + "/");
        keys.put(mac + "interface-id", eni.id);
        keys.put(mac + "subnet-id", eni.subnet);
        keys.put(mac + "vpc-id", FakeVpc.ID);
        keys.put(mac + "local-ipv4s", eni.address);
        keys.put(mac + "vpc-ipv4-cidr-blocks", FakeVpc.CIDR);
        if (role != null) {
            keys.put("iam/security-credentials/", "flannel-host");
        }
    }

    /** The older version, which knows no tokens. */
    FakeMetadata version1() {
        version2 = false;
        return this;
    }

    /** A key is another, or not there (null). */
    FakeMetadata with(String key, String value) {
        if (value == null) {
            keys.remove(key);
        } else {
            keys.put(key, value);
        }
        return this;
    }

    /** All tokens given so far are no longer good. */
    synchronized void expireTokens() {
        tokens.clear();
    }

    synchronized int reads() {
        return reads;
    }

    public synchronized Answer answer(Request request) {
        String path = request.uri().getPath();
        Map<String, String> headers = new HashMap<>();
        request.headers().forEach((name, value) -> headers.put(name.toLowerCase(Locale.ROOT), value));
        if (headers.containsKey("x-forwarded-for")) {
            return text(403, "");
        }
        if (request.method().equals("PUT")) {
            if (!version2 || !path.equals("/latest/api/token")) {
                return text(version2 ? 404 : 405, "");
            }
            String token = "TOKEN" + tokens.size() + "==";
            tokens.put(token, clock.instant().plus(Duration.ofSeconds(Long.parseLong(headers.get("x-aws-ec2-metadata-token-ttl-seconds")))));
            return text(200, token);
        }
        Instant end = tokens.get(headers.getOrDefault("x-aws-ec2-metadata-token", ""));
        if (version2 && (end == null || !end.isAfter(clock.instant()))) {
            return text(401, "");
        }
        reads++;
        String key = path.replaceFirst("^/latest/meta-data/", "");
        if (role != null && key.equals("iam/security-credentials/flannel-host")) {
            Credentials session = aws.session(role, Duration.ofHours(6));
            return text(200, "{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"" + session.accessKeyId() + "\",\"SecretAccessKey\":\""
                    + session.secretAccessKey() + "\",\"Token\":\"" + session.sessionToken() + "\",\"Expiration\":\"" + session.expires() + "\"}");
        }
        return keys.containsKey(key) ? text(200, keys.get(key)) : text(404, "<html>404 - Not Found</html>");
    }

    private static Answer text(int status, String body) {
        return new Answer(status, Map.of("content-type", List.of("text/plain")), body);
    }
}
