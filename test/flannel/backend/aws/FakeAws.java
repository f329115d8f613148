package flannel.backend.aws;

import flannel.backend.cloud.Http;
import flannel.backend.cloud.Http.Answer;
import flannel.backend.cloud.Http.Request;
import java.net.ConnectException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;

/**
 * AWS in this process, as far as route tables need it: EC2's query interface over a {@link FakeVpc}, STS, and the instances' metadata. It
 * takes nothing on trust: signatures are recomputed, actions are refused that the key's policy does not allow, requests count against
 * EC2's token buckets. Time is the clock that it is given.
 *
 * <p>AWS' own clients take it for EC2 and read its answers: botocore 1.43.11 and @aws-sdk/client-ec2 3.1169.0 were tried by hand.
 */
public final class FakeAws {

    public static final String REGION = "us-east-1";
    static final String ACCOUNT = "123456789012";

    /** Somebody's key without an end; what it may do is for the test to say. */
    public static final Credentials KEY = new Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", Instant.MAX, "a test");

    private final InstantSource clock;
    private final FakeVpc vpc;
    private final Map<String, Identity> identities = new HashMap<>();
    private final Map<String, Bucket> buckets = new HashMap<>();
    private final Map<String, Integer> calls = new TreeMap<>();
    private final Map<String, Integer> throttled = new TreeMap<>();
    private final Map<String, Queue<Answer>> planned = new HashMap<>();
    private int tablesPerPage = 100;
    private int sessions;

    /** Who a key belongs to. */
    record Identity(Credentials key, Policy policy) {
    }

    public FakeAws(InstantSource clock) {
        this.clock = clock;
        this.vpc = new FakeVpc(clock);
    }

    public FakeVpc vpc() {
        return vpc;
    }

    // ---- what a test sets up ----

    public synchronized void allow(Credentials key, Policy policy) {
        identities.put(key.accessKeyId(), new Identity(key, policy));
    }

    /** A key of a role's session, good for a while. */
    synchronized Credentials session(Policy policy, Duration life) {
        Credentials key = new Credentials("ASIASESSION" + ++sessions, "secret of session " + sessions, "token/of+session==" + sessions,
                clock.instant().plus(life), "a test");
        allow(key, policy);
        return key;
    }

    /** The next call of this action gets this answer. */
    synchronized void fault(String action, int status, String code, String message) {
        next(action, error(status, code, message, true));
    }

    /** The same with a whole answer. */
    synchronized void next(String action, Answer answer) {
        planned.computeIfAbsent(action, key -> new ArrayDeque<>()).add(answer);
    }

    synchronized void tablesPerPage(int count) {
        tablesPerPage = count;
    }

    public synchronized int calls(String action) {
        return calls.getOrDefault(action, 0);
    }

    synchronized Map<String, Integer> calls() {
        return new TreeMap<>(calls);
    }

    /** Calls that were refused because a bucket was empty, by action. */
    synchronized Map<String, Integer> throttled() {
        return new TreeMap<>(throttled);
    }

    /** All of AWS as one instance sees it. */
    Http seenBy(FakeMetadata metadata) {
        return request -> switch (request.uri().getHost()) {
            case "169.254.169.254" -> metadata.answer(request);
            case String host when host.startsWith("ec2.") || host.startsWith("sts.") -> answer(request);
            case String host -> throw new ConnectException(host + ": connection refused");
        };
    }

    // ---- the wire ----

    /** Answers a request to EC2 or STS. */
    public synchronized Answer answer(Request request) {
        Map<String, String> form = parse(request.body());
        String action = form.getOrDefault("Action", "");
        calls.merge(action, 1, Integer::sum);
        Answer next = planned.getOrDefault(action, new ArrayDeque<>()).poll();
        if (next != null) {
            return next;
        }
        try {
            return dated(200, switch (form.getOrDefault("Version", "")) {
                case "2016-11-15" -> ec2(action, form, SignatureCheck.check(request, "ec2", clock.instant(), identities));
                case "2011-06-15" -> new FakeSts(this).answer(action, form, request, clock.instant(), identities);
                default -> throw new FakeVpc.Refusal(400, "InvalidAction", "no such version");
            });
        } catch (FakeVpc.Refusal e) {
            return error(e.status(), e.code(), e.getMessage(), !form.getOrDefault("Version", "").equals("2011-06-15"));
        }
    }

    static Map<String, String> parse(String body) {
        Map<String, String> form = new LinkedHashMap<>();
        for (String pair : body.split("&")) {
            int equals = pair.indexOf('=');
            form.put(URLDecoder.decode(pair.substring(0, equals), StandardCharsets.UTF_8),
                    URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
        }
        return form;
    }

    private String ec2(String action, Map<String, String> form, Identity caller) throws FakeVpc.Refusal {
        if (!caller.policy().allows("ec2:" + action, resource(form))) {
            throw new FakeVpc.Refusal(403, "UnauthorizedOperation", "You are not authorized to perform this operation.");
        }
        boolean describes = action.startsWith("Describe");
        if (!buckets.computeIfAbsent(action, key -> describes ? new Bucket(100, 20) : new Bucket(50, 5)).take(clock.instant())) {
            throttled.merge(action, 1, Integer::sum);
            throw new FakeVpc.Refusal(503, "RequestLimitExceeded", "Request limit exceeded.");
        }
        if ("true".equals(form.get("DryRun"))) {
            throw new FakeVpc.Refusal(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
        }
        String table = form.get("RouteTableId");
        String destination = form.get("DestinationCidrBlock");
        String eni = form.get("NetworkInterfaceId");
        String content = switch (action) {
            case "DescribeRouteTables" -> describeTables(form);
            case "DescribeNetworkInterfaces" -> vpc.describeInterface(form.get("NetworkInterfaceId.1"));
            case "CreateRoute" -> {
                vpc.createRoute(table, destination, eni);
                yield "<return>true</return>";
            }
            case "ReplaceRoute" -> {
                vpc.replaceRoute(table, destination, eni);
                yield "";
            }
            case "DeleteRoute" -> {
                vpc.deleteRoute(table, destination);
                yield "<return>true</return>";
            }
            case "ModifyNetworkInterfaceAttribute" -> {
                if (!"false".equals(form.get("SourceDestCheck.Value"))) {
                    throw new FakeVpc.Refusal(400, "InvalidParameterCombination", "No attributes specified.");
                }
                vpc.disableCheck(eni);
                yield "<return>true</return>";
            }
            default -> throw new FakeVpc.Refusal(400, "InvalidAction", "The action " + action + " is not valid for this web service.");
        };
        return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<" + action + "Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>1"
                + "</requestId>" + content + "</" + action + "Response>";
    }

    private static String resource(Map<String, String> form) {
        String arn = "arn:aws:ec2:" + REGION + ":" + ACCOUNT + ":";
        return form.get("Action").startsWith("Describe") ? "*" : form.containsKey("RouteTableId") ? arn + "route-table/" + form.get("RouteTableId")
                : arn + "network-interface/" + form.get("NetworkInterfaceId");
    }

    private String describeTables(Map<String, String> form) throws FakeVpc.Refusal {
        List<String> ids = new ArrayList<>();
        for (int i = 1; form.containsKey("RouteTableId." + i); i++) {
            ids.add(form.get("RouteTableId." + i));
        }
        Map<String, List<String>> filters = new LinkedHashMap<>();
        for (int i = 1; form.containsKey("Filter." + i + ".Name"); i++) {
            filters.put(form.get("Filter." + i + ".Name"), List.of(form.get("Filter." + i + ".Value.1")));
        }
        List<String> found = vpc.select(ids, filters);
        int from = Integer.parseInt(form.getOrDefault("NextToken", "0"));
        int to = Math.min(found.size(), from + tablesPerPage);
        StringBuilder xml = new StringBuilder("<routeTableSet>");
        found.subList(from, to).forEach(id -> xml.append(vpc.describeTable(id)));
        return xml.append("</routeTableSet>").append(to < found.size() ? "<nextToken>" + to + "</nextToken>" : "").toString();
    }

    private Answer dated(int status, String body) {
        return new Answer(status, Map.of("date", List.of(DateTimeFormatter.RFC_1123_DATE_TIME.format(clock.instant().atZone(ZoneOffset.UTC)))), body);
    }

    private Answer error(int status, String code, String message, boolean ec2) {
        String error = "<Error><Code>" + code + "</Code><Message>" + message + "</Message></Error>";
        return dated(status, ec2 ? "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors>" + error + "</Errors><RequestID>1</RequestID></Response>"
                : "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">" + error + "<RequestId>1</RequestId></ErrorResponse>");
    }

    /** EC2's token bucket. */
    private static final class Bucket {

        private final double size;
        private final double perSecond;
        private double tokens;
        private Instant last;

        Bucket(double size, double perSecond) {
            this.size = size;
            this.perSecond = perSecond;
            this.tokens = size;
        }

        boolean take(Instant now) {
            if (last != null) {
                tokens = Math.min(size, tokens + Duration.between(last, now).toNanos() / 1e9 * perSecond);
            }
            last = now;
            if (tokens < 1) {
                return false;
            }
            tokens--;
            return true;
        }
    }
}
