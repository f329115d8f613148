package flannel.backend.aws;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.backend.cloud.Http;
import java.io.IOException;
import java.util.Set;

/**
 * A refusal in AWS' own words. EC2 answers {@code <Response><Errors><Error>}, STS {@code <ErrorResponse><Error>}; with or without a
 * namespace.
 *
 * @param status  HTTP's
 * @param code    "RouteLimitExceeded"; empty when the answer has none
 * @param message cut to a readable length
 */
record AwsError(int status, String code, String message) {

    /** The quota's name for those who ask for more of it. */
    static final String QUOTA = "quota L-93826ACB (routes per route table)";

    private static final int LONGEST = 300;

    private static final Set<String> THROTTLED = Set.of("RequestLimitExceeded", "EC2ThrottledException", "Throttling", "ThrottlingException",
            "ThrottledException", "RequestThrottled", "RequestThrottledException", "TooManyRequestsException", "SlowDown");

    /** The key is not, or no longer, one that AWS knows, or the signature is of another time. */
    private static final Set<String> KEY = Set.of("AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch",
            "IncompleteSignature", "MissingAuthenticationToken", "ExpiredToken", "ExpiredTokenException", "RequestExpired",
            "RequestTimeTooSkewed", "InvalidIdentityToken");

    private static final Set<String> RIGHTS = Set.of("UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "OptInRequired", "Blocked");

    static AwsError of(Http.Answer answer) {
        String code = "";
        String message = "";
        try {
            Xml error = Xml.parse(answer.body()).find("Error");
            if (error != null) {
                code = error.text("Code");
                message = error.text("Message");
            }
        } catch (IOException e) {
            // a proxy's page, or nothing: the status has to do
        }
        return new AwsError(answer.status(), code, message.length() > LONGEST ? message.substring(0, LONGEST) + "..." : message);
    }

    boolean isOfTheKey() {
        return KEY.contains(code) || code.isEmpty() && status == 401;
    }

    private boolean isThrottling() {
        return THROTTLED.contains(code) || status == 429 || status == 503 && code.isEmpty();
    }

    Kind kind() {
        if (isThrottling()) {
            return Kind.THROTTLED;
        }
        if (status >= 500 || code.equals("IDPCommunicationError")) {
            return Kind.TRANSIENT;
        }
        if (code.equals("RouteLimitExceeded")) {
            return Kind.LIMIT;
        }
        if (isOfTheKey() || RIGHTS.contains(code) || code.isEmpty() && status == 403) {
            return Kind.DENIED;
        }
        if (code.equals("RouteAlreadyExists") || code.equals("InvalidRoute.NotFound") || isNoRouteToReplace()) {
            return Kind.CONFLICT;
        }
        return code.endsWith(".NotFound") ? Kind.GONE : Kind.UNUSABLE;
    }

    /** What ReplaceRoute says when there is nothing to replace. */
    boolean isNoRouteToReplace() {
        return code.equals("InvalidParameterValue") && message.contains("no route defined");
    }

    private boolean isWithinTheVpc() {
        return code.equals("InvalidParameterValue") && (message.contains("doesn't match any subnet") || message.contains("more specific than"));
    }

    private String remedy(String action) {
        if (RIGHTS.contains(code) || code.isEmpty() && status == 403) {
            return "allow " + (action.startsWith("Assume") ? "sts:" : "ec2:") + action + " in the policy of the role or user (see flanneld(8), THE BACKEND AWS-VPC)";
        }
        if (isOfTheKey()) {
            return "check the credentials, and this host's clock";
        }
        if (isWithinTheVpc()) {
            return "choose a Network apart from the VPC's own ranges";
        }
        return switch (code) {
            case "RouteLimitExceeded" -> "ask AWS for more of " + QUOTA + ", or use fewer hosts per table";
            case "InvalidRouteTableID.NotFound", "InvalidRouteTableId.Malformed" ->
                    "check RouteTableID in the network's configuration, and the region";
            default -> "";
        };
    }

    CloudException toException(String action, String resource) {
        return new CloudException(kind(), action, resource, codeOrStatus(), message, remedy(action));
    }

    String codeOrStatus() {
        return code.isEmpty() ? "HTTP " + status : code;
    }
}
