package flannel.backend.aws;

import flannel.backend.cloud.CloudException;
import flannel.backend.cloud.CloudException.Kind;
import flannel.backend.cloud.Http;
import java.io.IOException;
import java.net.URI;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeFormatter;

/**
 * Signed requests to EC2. A key that is refused is asked for anew, and a clock that differs from AWS' is reckoned with, once each; the
 * caller sees what is refused even so. For one thread at a time.
 */
final class QueryApi {

    static final String VERSION = "2016-11-15";

    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    /** AWS refuses what is signed more than five minutes off. */
    private static final Duration SKEW = Duration.ofMinutes(1);

    private final Http http;
    private final URI endpoint;
    private final SignatureV4 signature;
    private final CredentialChain credentials;
    private final InstantSource clock;
    private Duration ahead = Duration.ZERO;

    QueryApi(Http http, Endpoints endpoints, CredentialChain credentials, InstantSource clock) {
        this.http = http;
        this.endpoint = endpoints.of("ec2");
        this.signature = new SignatureV4(endpoints.region(), "ec2");
        this.credentials = credentials;
        this.clock = clock;
    }

    /** What EC2 answered: its document, or its refusal, which is not one of the key. */
    sealed interface Result {

        record Done(Xml document) implements Result {
        }

        record Refused(AwsError error) implements Result {
        }
    }

    /**
     * Sends a request; every refusal is an exception.
     *
     * @param resource what it is about, for the message
     */
    Xml call(String action, String resource, Form form) throws CloudException, InterruptedException {
        return switch (ask(action, resource, form)) {
            case Result.Done(Xml document) -> document;
            case Result.Refused(AwsError error) -> throw error.toException(action, resource);
        };
    }

    /** The same for a caller that has a use for refusals. */
    Result ask(String action, String resource, Form form) throws CloudException, InterruptedException {
        try {
            Http.Answer answer = send(form);
            if (answer.status() != 200 && AwsError.of(answer).isOfTheKey()) {
                if (!adoptClock(answer)) {
                    credentials.refused();
                }
                answer = send(form);
            }
            if (answer.status() == 200) {
                return new Result.Done(Xml.parse(answer.body()));
            }
            AwsError error = AwsError.of(answer);
            if (error.isOfTheKey()) {
                throw new CloudException(Kind.DENIED, action, resource, error.codeOrStatus(), error.message(),
                        "check the " + credentials.get() + ", and this host's clock");
            }
            return new Result.Refused(error);
        } catch (CloudException e) {
            throw e;
        } catch (IOException e) {
            throw new CloudException(Kind.TRANSIENT, action, resource, "", e.getMessage(), "");
        }
    }

    private Http.Answer send(Form form) throws IOException, InterruptedException {
        return http.send(signature.post(endpoint, form.toString(), credentials.get(), clock.instant().plus(ahead), TIMEOUT));
    }

    /** Takes AWS' time for signing where this host's is another; false when it is about the same. */
    private boolean adoptClock(Http.Answer answer) {
        try {
            Instant theirs = DateTimeFormatter.RFC_1123_DATE_TIME.parse(answer.header("Date"), Instant::from);
            Duration difference = Duration.between(clock.instant(), theirs);
            boolean another = difference.minus(ahead).abs().compareTo(SKEW) > 0;
            ahead = another ? difference : ahead;
            return another;
        } catch (DateTimeException e) {
            return false;
        }
    }
}
