package flannel.backend.aws;

import flannel.backend.cloud.Http;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Formatter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** The server's side of Signature Version 4, written from the description and not from the client. */
final class SignatureCheck {

    private static final Pattern AUTHORIZATION = Pattern.compile(
            "AWS4-HMAC-SHA256 Credential=([^/]+)/(\\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})");

    private SignatureCheck() {
    }

    /** Whose key has signed a request. */
    static FakeAws.Identity check(Http.Request request, String service, Instant now, Map<String, FakeAws.Identity> known)
            throws FakeVpc.Refusal {
        Map<String, String> headers = new HashMap<>();
        request.headers().forEach((name, value) -> headers.put(name.toLowerCase(Locale.ROOT), value.strip()));
        headers.putIfAbsent("host", request.uri().getRawAuthority().replaceFirst(":(80|443)$", ""));     // as java.net.http does
        Matcher told = AUTHORIZATION.matcher(headers.getOrDefault("authorization", ""));
        if (!told.matches()) {
            throw new FakeVpc.Refusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials");
        }
        FakeAws.Identity identity = known.get(told.group(1));
        if (identity == null) {
            throw new FakeVpc.Refusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials");
        }
        Credentials key = identity.key();
        if (!key.sessionToken().equals(headers.getOrDefault("x-amz-security-token", ""))) {
            throw new FakeVpc.Refusal(401, "AuthFailure", "the security token is not the key's");
        }
        if (!key.expires().isAfter(now)) {
            throw new FakeVpc.Refusal(400, "ExpiredToken", "The security token included in the request is expired");
        }
        String stamp = headers.getOrDefault("x-amz-date", "");
        Instant signed = LocalDateTime.parse(stamp, DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'")).toInstant(ZoneOffset.UTC);
        if (Duration.between(signed, now).abs().compareTo(Duration.ofMinutes(5)) > 0) {
            throw new FakeVpc.Refusal(400, "RequestExpired", "Request has expired. Timestamp date is " + stamp);
        }
        List<String> names = List.of(told.group(5).split(";"));
        List<String> needed = new ArrayList<>(List.of("content-type", "host", "x-amz-date"));
        if (!key.sessionToken().isEmpty()) {
            needed.add("x-amz-security-token");
        }
        if (!names.containsAll(needed) || !told.group(2).equals(stamp.substring(0, 8)) || !told.group(3).equals(FakeAws.REGION)
                || !told.group(4).equals(service) || !told.group(6).equals(signature(request, headers, names, told, key.secretAccessKey()))) {
            throw new FakeVpc.Refusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.");
        }
        return identity;
    }

    private static String signature(Http.Request request, Map<String, String> headers, List<String> names, Matcher told, String secret) {
        StringBuilder canonical = new StringBuilder(request.method() + "\n" + request.uri().getRawPath() + "\n\n");
        names.forEach(name -> canonical.append(name).append(':').append(headers.get(name)).append('\n'));
        canonical.append('\n').append(told.group(5)).append('\n').append(hex(hash(request.body())));
        String toSign = "AWS4-HMAC-SHA256\n" + headers.get("x-amz-date") + "\n" + told.group(2) + "/" + told.group(3) + "/" + told.group(4)
                + "/aws4_request\n" + hex(hash(canonical.toString()));
        byte[] key = ("AWS4" + secret).getBytes(StandardCharsets.UTF_8);
        for (String part : new String[] {told.group(2), told.group(3), told.group(4), "aws4_request", toSign}) {
            key = mac(key, part);
        }
        return hex(key);
    }

    private static byte[] hash(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (java.security.GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static byte[] mac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (java.security.GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    private static String hex(byte[] bytes) {
        Formatter text = new Formatter();
        for (byte each : bytes) {
            text.format("%02x", each);
        }
        return text.toString();
    }
}
