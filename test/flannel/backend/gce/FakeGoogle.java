package flannel.backend.gce;

import flannel.backend.cloud.Http;
import flannel.backend.gce.FakeCompute.Instance;
import flannel.backend.gce.FakeCompute.Refusal;
import flannel.json.JsonException;
import flannel.json.JsonValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.Signature;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Google's cloud in this process: metadata servers, the token endpoint, and the Compute Engine API behind tokens, access scopes,
 * permissions and the limits of requests a minute. {@link FakeCompute} holds its resources.
 */
public final class FakeGoogle {

    /** The role that the manual page tells operators to make: its permissions, and nothing else. */
    static final Set<String> ROLE = role();

    /** Per project, and filled again at the next full minute. */
    static final int REQUESTS_PER_MINUTE = 1500;

    /** The wall clock of the cloud, which tests may own. */
    public interface Time extends InstantSource {
        void await(Instant until) throws InterruptedException;
    }

    /** Time that passes only when somebody waits. */
    static final class VirtualTime implements Time {

        private Instant now = Instant.parse("2015-08-30T12:36:00Z");

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public void await(Instant until) {
            now = until.isAfter(now) ? until : now;
        }

        void pass(Duration duration) {
            now = now.plus(duration);
        }
    }

    /** Everybody's time. */
    public record RealTime() implements Time {

        @Override
        public Instant instant() {
            return Instant.now();
        }

        @Override
        public void await(Instant until) throws InterruptedException {
            Thread.sleep(Math.max(0, Duration.between(Instant.now(), until).toMillis()));
        }
    }

    private record Grant(String account, List<String> scopes, Instant expiry) {
    }

    private record Window(long minute, Map<String, Integer> counts) {
    }

    private final Time time;
    public final FakeCompute compute;
    /** Permissions of each account in each project: by {@code account project}. */
    public final Map<String, Set<String>> permissions = new HashMap<>();
    /** Public keys of service accounts, and refresh tokens of users. */
    final Map<String, PublicKey> keys = new HashMap<>();
    final Map<String, String> refreshTokens = new HashMap<>();
    public final List<String> calls = Collections.synchronizedList(new ArrayList<>());
    /** Answers instead of the cloud where it does not return null. */
    Function<Http.Request, Http.Answer> fault = request -> null;
    /** How many requests were refused for their number. */
    int throttled;

    private final Map<String, Grant> grants = new HashMap<>();
    private Window window = new Window(0, new HashMap<>());

    public FakeGoogle(Time time) {
        this.time = time;
        this.compute = new FakeCompute(time);
    }

    private static Set<String> role() {
        try {
            String manual = Files.readString(Path.of("etc/flanneld.8")).replace("\\-", "-");
            String list = manual.substring(manual.indexOf("\nincludedPermissions:\n"));
            return list.lines().skip(2).takeWhile(line -> line.startsWith("- ")).map(line -> line.substring(2)).collect(Collectors.toSet());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Makes an instance with one interface, whose account has the manual's role in its project and in the network's. */
    public synchronized Instance instance(String project, String name, String mac, String ip, String network) {
        String account = "flannel@" + project + ".iam.gserviceaccount.com";
        Instance instance = new Instance(project, "us-central1-a", name, account, List.of(new FakeCompute.Nic(mac, ip, network)));
        compute.instances.put(instance.path(), instance);
        compute.networks.putIfAbsent(network, new ArrayList<>());
        permissions.putIfAbsent(account + " " + project, ROLE);
        permissions.putIfAbsent(account + " " + network.split("/")[1], ROLE);
        return instance;
    }

    /** The cloud as an instance sees it. */
    Http seenFrom(Instance instance) {
        return request -> answer(instance, request);
    }

    synchronized Http.Answer answer(Instance from, Http.Request request) throws InterruptedException {
        URI uri = request.uri();
        calls.add(request.method() + " " + uri.getPath());
        Http.Answer instead = fault.apply(request);
        if (instead != null) {
            return instead;
        }
        try {
            if (uri.getPath().startsWith("/computeMetadata/v1/")) {
                return metadata(from, request, uri.getPath().substring(20));
            }
            if (uri.getPath().equals("/token") && request.method().equals("POST")) {
                return json(200, token(form(request.body())));
            }
            if (uri.getPath().startsWith("/compute/v1/")) {
                return json(200, compute(request, uri.getPath().substring(12)));
            }
            throw new Refusal(404, "notFound", "Not Found");
        } catch (Refusal refusal) {
            return json(refusal.status, refusal.json());
        }
    }

    private Http.Answer json(int status, JsonValue body) {
        String date = DateTimeFormatter.RFC_1123_DATE_TIME.format(time.instant().atOffset(ZoneOffset.UTC));
        return new Http.Answer(status, Map.of("content-type", List.of("application/json; charset=UTF-8"), "date", List.of(date)),
                body.toString());
    }

    private static Map<String, String> form(String text) {
        Map<String, String> form = new HashMap<>();
        for (String pair : text == null ? new String[0] : text.split("&")) {
            int equals = pair.indexOf('=');
            form.put(pair.substring(0, equals), URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
        }
        return form;
    }

    /** The answer to whoever has an address. */
    public synchronized Http.Answer answerTo(String address, Http.Request request) throws InterruptedException {
        Instance from = compute.instances.values().stream()
                .filter(instance -> instance.nics.stream().anyMatch(nic -> nic.ip().equals(address))).findFirst().orElseThrow();
        return answer(from, request);
    }

    /** Its machine is no more. */
    public synchronized void delete(Instance instance) {
        compute.instances.remove(instance.path());
    }

    /** The routes of a network in their order, each as {@code name destination nextHop}. */
    public synchronized List<String> routes(String network) {
        return compute.routes(network);
    }

    /** What the network's router does now: the next hop's address by destination. */
    public synchronized Map<String, String> table(String network) {
        return compute.table(network);
    }

    // ---- metadata ----

    private Http.Answer metadata(Instance from, Http.Request request, String key) {
        Map<String, List<String>> flavor = Map.of("metadata-flavor", List.of("Google"));
        if (!"Google".equals(request.headers().get("Metadata-Flavor")) || request.headers().containsKey("X-Forwarded-For")) {
            return new Http.Answer(403, flavor, "Forbidden");
        }
        String value = value(from, key);
        return value == null ? new Http.Answer(404, flavor, "Not Found") : new Http.Answer(200, flavor, value);
    }

    /** Projects are told by their numbers where the real server does so. */
    private String value(Instance from, String key) {
        String[] parts = key.split("/");
        if (key.startsWith("instance/network-interfaces/") && parts.length == 4) {
            int number = Integer.parseInt(parts[2]);
            if (number >= from.nics.size()) {
                return null;
            }
            FakeCompute.Nic nic = from.nics.get(number);
            String[] network = nic.network().split("/");
            return switch (parts[3]) {
                case "mac" -> nic.mac();
                case "ip" -> nic.ip();
                case "network" -> "projects/" + number(network[1]) + "/networks/" + network[4];
                default -> null;
            };
        }
        String account = "instance/service-accounts/default/";
        return switch (key) {
            case "project/project-id" -> from.project;
            case "project/numeric-project-id" -> number(from.project);
            case "instance/name" -> from.name;
            case "instance/zone" -> "projects/" + number(from.project) + "/zones/" + from.zone;
            case "instance/service-accounts/default/scopes" -> from.account == null ? null : String.join("\n", from.scopes) + "\n";
            case "instance/service-accounts/default/email" -> from.account;
            default -> key.equals(account + "token") && from.account != null ? grant(from.account, from.scopes).toString() : null;
        };
    }

    private static String number(String project) {
        return Integer.toUnsignedString(project.hashCode());
    }

    // ---- tokens ----

    private JsonValue grant(String account, List<String> scopes) {
        String token = "ya29." + grants.size();
        grants.put(token, new Grant(account, scopes, time.instant().plusSeconds(3599)));
        return JsonValue.object("access_token", token, "expires_in", 3599, "token_type", "Bearer");
    }

    private JsonValue token(Map<String, String> form) throws Refusal {
        if (form.get("grant_type").equals("refresh_token")) {
            String user = refreshTokens.get(form.get("client_id") + " " + form.get("client_secret") + " " + form.get("refresh_token"));
            if (user == null) {
                throw oauth("Bad Request");
            }
            return grant(user, List.of(Credentials.CLOUD_PLATFORM));
        }
        String[] parts = form.get("assertion").split("\\.");
        try {
            JsonValue claims = JsonValue.parse(new String(Base64.getUrlDecoder().decode(parts[1]), StandardCharsets.UTF_8));
            Signature verifier = Signature.getInstance("SHA256withRSA");
            PublicKey key = keys.get(claims.text("iss"));
            if (key == null) {
                throw oauth("Invalid grant: account not found");
            }
            verifier.initVerify(key);
            verifier.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
            if (!verifier.verify(Base64.getUrlDecoder().decode(parts[2]))) {
                throw oauth("Invalid JWT Signature.");
            }
            long now = time.instant().getEpochSecond();
            if (claims.integer("iat") > now + 300 || claims.integer("exp") < now || claims.integer("exp") - claims.integer("iat") > 3600
                    || !claims.text("aud").equals("https://oauth2.googleapis.com/token")) {
                throw oauth("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.");
            }
            return grant(claims.text("iss"), List.of(claims.text("scope").split(" ")));
        } catch (GeneralSecurityException | JsonException e) {
            throw oauth("Invalid JWT");
        }
    }

    /** OAuth's errors have a form of their own. */
    private static Refusal oauth(String description) {
        return new Refusal(400, "invalid_grant", description) {

            private static final long serialVersionUID = 1L;

            @Override
            JsonValue json() {
                return JsonValue.object("error", reason, "error_description", getMessage());
            }
        };
    }

    /** Ends all tokens, as the revocation of an account's would. */
    void revoke() {
        grants.clear();
    }

    // ---- the API ----

    private JsonValue compute(Http.Request request, String path) throws Refusal, InterruptedException {
        Grant grant = grants.get(request.headers().getOrDefault("Authorization", "").replaceFirst("^Bearer ", ""));
        if (grant == null || grant.expiry().isBefore(time.instant())) {
            throw new Refusal(401, "authError", "Request had invalid authentication credentials.");
        }
        if (!grant.scopes().contains(Credentials.SCOPE) && !grant.scopes().contains(Credentials.CLOUD_PLATFORM)) {
            throw new Refusal(403, "insufficientPermissions", "Request had insufficient authentication scopes.");
        }
        count(path.split("/")[1] + (request.method().equals("GET") || path.endsWith("/wait") ? " reads" : " mutations"));
        return compute.call(request.method(), path, form(request.uri().getRawQuery()), request.body(), (permission, resource) -> {
            String project = resource.split("/")[1];
            if (!permissions.getOrDefault(grant.account() + " " + project, Set.of()).contains(permission)) {
                throw new Refusal(403, "forbidden", "Required '" + permission + "' permission for '" + resource + "'");
            }
        });
    }

    private void count(String bucket) throws Refusal {
        long minute = time.instant().getEpochSecond() / 60;
        if (window.minute() != minute) {
            window = new Window(minute, new HashMap<>());
        }
        if (window.counts().merge(bucket, 1, Integer::sum) > REQUESTS_PER_MINUTE) {
            throttled++;
            throw new Refusal(403, "rateLimitExceeded", "Rate Limit Exceeded");
        }
    }
}
