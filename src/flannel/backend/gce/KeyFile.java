package flannel.backend.gce;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.backend.cloud.Http;
import flannel.backend.gce.Credentials.AccessToken;
import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.json.JsonException;
import flannel.json.JsonValue;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Tokens for a credentials' file in JSON: a service account's key, which signs for itself (RFC 7523), or a user's refresh token (RFC 6749,
 * section 6). The file is read anew for each token, so that a changed one counts. Nothing of its secrets gets into a message.
 *
 * <p>Source: https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 */
final class KeyFile implements Credentials.Source {

    private static final String TOKEN_URI = "https://oauth2.googleapis.com/token";
    private static final Duration TIMEOUT = Duration.ofSeconds(15);
    private static final Duration LIFETIME = Duration.ofHours(1);
    private static final int LONGEST_FILE_BYTES = 64 << 10;

    /** Google refuses signatures of a clock that is further off. */
    private static final Duration CLOCK_TOLERANCE = Duration.ofMinutes(5);

    private final Path file;
    private final Http http;
    private final InstantSource clock;
    private String account;

    KeyFile(Path file, Http http, InstantSource clock) {
        this.file = file;
        this.http = http;
        this.clock = clock;
        this.account = "the account of " + file;
    }

    @Override
    public AccessToken fetch() throws CloudException, InterruptedException {
        JsonValue key = read();
        Map<String, String> form = new LinkedHashMap<>();
        switch (key.text("type")) {
            case "service_account" -> {
                account = member(key, "client_email");
                form.put("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
                form.put("assertion", assertion(key));
            }
            case "authorized_user" -> {
                form.put("grant_type", "refresh_token");
                form.put("client_id", member(key, "client_id"));
                form.put("client_secret", member(key, "client_secret"));
                form.put("refresh_token", member(key, "refresh_token"));
            }
            default -> throw unusable("it is of the type \"" + key.text("type") + "\"",
                    "flanneld takes service_account and authorized_user: give it one of these");
        }
        return exchange(key, form);
    }

    private String assertion(JsonValue key) throws CloudException {
        long now = clock.instant().getEpochSecond();
        JsonValue header = JsonValue.object("alg", "RS256", "typ", "JWT", "kid", member(key, "private_key_id"));
        JsonValue claims = JsonValue.object("iss", account, "scope", Credentials.SCOPE, "aud", tokenUri(key), "iat", now,
                "exp", now + LIFETIME.toSeconds());
        try {
            return Jwt.signed(header, claims, Jwt.privateKey(member(key, "private_key")));
        } catch (GeneralSecurityException e) {
            throw unusable("its private_key can't be used: " + e.getMessage(), "");
        }
    }

    private static String tokenUri(JsonValue key) {
        return key.text("token_uri").isEmpty() ? TOKEN_URI : key.text("token_uri");
    }

    private AccessToken exchange(JsonValue key, Map<String, String> form) throws CloudException, InterruptedException {
        String body = form.entrySet().stream().map(each -> each.getKey() + "=" + URLEncoder.encode(each.getValue(), StandardCharsets.UTF_8))
                .collect(Collectors.joining("&"));
        Http.Answer answer;
        try {
            answer = http.send(new Http.Request("POST", URI.create(tokenUri(key)),
                    Map.of("Content-Type", "application/x-www-form-urlencoded"), body, TIMEOUT));
        } catch (IOException e) {
            throw failed(Kind.TRANSIENT, "", e.getMessage(), "");
        } catch (IllegalArgumentException e) {
            throw unusable("its token_uri is no URI", "");
        }
        Optional<AccessToken> token = answer.status() == 200 ? AccessToken.read(answer.body(), clock.instant()) : Optional.empty();
        if (token.isPresent()) {
            return token.get();
        }
        throw refused(answer);
    }

    private CloudException refused(Http.Answer answer) {
        JsonValue json = JsonValue.object();
        try {
            json = JsonValue.parse(answer.body());
        } catch (JsonException e) {
            // a proxy's page
        }
        String code = (answer.status() + " " + json.text("error")).strip();
        if (answer.status() == 429 || answer.status() >= 500) {
            return failed(answer.status() == 429 ? Kind.THROTTLED : Kind.TRANSIENT, code, json.text("error_description"), "");
        }
        Duration off = clockOff(answer);
        return failed(Kind.DENIED, code, json.text("error_description"), off.compareTo(CLOCK_TOLERANCE) > 0
                ? "set this host's clock, which is " + off.toSeconds() + " s off Google's"
                : "the key in " + file + " may have been deleted or disabled: put a new one there");
    }

    private Duration clockOff(Http.Answer answer) {
        try {
            Instant theirs = ZonedDateTime.parse(answer.header("Date"), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
            return Duration.between(theirs, clock.instant()).abs();
        } catch (DateTimeException e) {
            return Duration.ZERO;
        }
    }

    private JsonValue read() throws CloudException {
        try {
            return JsonValue.parse(SmallFiles.read(file, LONGEST_FILE_BYTES));
        } catch (FileException e) {
            throw new CloudException(Kind.DENIED, "reading credentials", "", "", e.getMessage(), "check GOOGLE_APPLICATION_CREDENTIALS");
        } catch (JsonException e) {
            throw unusable("it is not JSON", ""); // and not a word of it
        }
    }

    private String member(JsonValue key, String name) throws CloudException {
        if (key.text(name).isEmpty()) {
            throw unusable("it has no " + name, "");
        }
        return key.text(name);
    }

    private CloudException unusable(String detail, String remedy) {
        return new CloudException(Kind.DENIED, "reading credentials", file.toString(), "", detail, remedy);
    }

    private CloudException failed(Kind kind, String code, String detail, String remedy) {
        return new CloudException(kind, "getting an access token", account, code, detail, remedy);
    }

    @Override
    public String account() {
        return account;
    }
}
