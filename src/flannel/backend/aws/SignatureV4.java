package flannel.backend.aws;

import flannel.backend.cloud.Http;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs form posts with AWS Signature Version 4. Pure.
 *
 * <p>Source: AWS General Reference, "Signature Version 4 signing process".
 *
 * @param region  "us-east-1"
 * @param service "ec2"
 */
record SignatureV4(String region, String service) {

    static final String FORM = "application/x-www-form-urlencoded; charset=utf-8";

    private static final String ALGORITHM = "AWS4-HMAC-SHA256";
    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    /** A signed POST of a form. */
    Http.Request post(URI endpoint, String form, Credentials key, Instant now, Duration timeout) {
        String stamp = STAMP.format(now);
        Map<String, String> headers = new TreeMap<>(Map.of("content-type", FORM, "host", host(endpoint), "x-amz-date", stamp));
        if (!key.sessionToken().isEmpty()) {
            headers.put("x-amz-security-token", key.sessionToken());
        }
        String signed = String.join(";", headers.keySet());
        String scope = stamp.substring(0, 8) + "/" + region + "/" + service + "/aws4_request";
        String toSign = String.join("\n", ALGORITHM, stamp, scope, hex(sha256(canonical(endpoint, form, headers, signed))));
        String signature = hex(hmac(signingKey(key.secretAccessKey(), stamp.substring(0, 8)), toSign));
        Map<String, String> sent = new LinkedHashMap<>(headers);
        sent.remove("host");        // java.net.http writes it, the same
        sent.put("authorization", ALGORITHM + " Credential=" + key.accessKeyId() + "/" + scope + ", SignedHeaders=" + signed
                + ", Signature=" + signature);
        return new Http.Request("POST", endpoint, sent, form, timeout);
    }

    private static String canonical(URI endpoint, String form, Map<String, String> headers, String signed) {
        String lines = headers.entrySet().stream().map(header -> header.getKey() + ":" + header.getValue().strip() + "\n")
                .collect(Collectors.joining());
        return String.join("\n", "POST", endpoint.getRawPath(), "", lines, signed, hex(sha256(form)));
    }

    private static String host(URI endpoint) {
        int usual = endpoint.getScheme().equals("https") ? 443 : 80;
        return endpoint.getPort() < 0 || endpoint.getPort() == usual ? endpoint.getHost() : endpoint.getHost() + ":" + endpoint.getPort();
    }

    private byte[] signingKey(String secret, String day) {
        byte[] key = hmac(("AWS4" + secret).getBytes(StandardCharsets.UTF_8), day);
        return hmac(hmac(hmac(key, region), service), "aws4_request");
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e); // every JDK has it
        }
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e); // every JDK has it
        }
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
