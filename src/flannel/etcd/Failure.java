package flannel.etcd;

import flannel.json.JsonException;
import flannel.lease.RequestMeter;
import flannel.tls.Tls;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;

/** Why there was no answer, in the words of an operator: java.net.http's own are about its parsers. */
final class Failure {

    private Failure() {
    }

    static HttpTimeoutException late(String what, Duration limit) {
        return new HttpTimeoutException(what + " within " + text(limit));
    }

    /** True when the request can't have reached a server. */
    static boolean neverSent(IOException e) {
        return e instanceof ConnectException || e instanceof HttpConnectTimeoutException || e instanceof NoRouteToHostException
                || e instanceof UnknownHostException || e instanceof SSLHandshakeException;
    }

    static RequestMeter.Kind kind(IOException e) {
        return switch (e) {
            case HttpTimeoutException timeout -> RequestMeter.Kind.TIMEOUT;
            case SSLException tls -> RequestMeter.Kind.TLS;
            case JsonException json -> RequestMeter.Kind.ANSWER;
            default -> RequestMeter.Kind.CONNECTION;
        };
    }

    /** One clause to follow an endpoint and a colon. */
    static String reason(IOException e, Endpoint endpoint, EtcdTimeouts timeouts) {
        String message = EtcdAnswer.oneLine(e.getMessage() == null ? "" : e.getMessage());
        return switch (e) {
            case HttpConnectTimeoutException timeout -> "no connection within " + text(timeouts.connect());
            case HttpTimeoutException timeout -> message;
            case UnknownHostException unknown -> unresolved(endpoint);
            case ConnectException refused when cause(e, UnresolvedAddressException.class) != null -> unresolved(endpoint);
            case ConnectException refused when message.isEmpty() -> "connection refused";
            case SSLException ssl -> Tls.reason(ssl, "etcd", "etcd");
            case JsonException json -> "the answer can't be read: " + message;
            default -> brokenConnection(message, endpoint);
        };
    }

    private static String unresolved(Endpoint endpoint) {
        return "the name " + endpoint.host() + " does not resolve (FLANNEL_ETCD_ENDPOINTS in /etc/sysconfig/flanneld, DNS, /etc/hosts)";
    }

    private static String brokenConnection(String message, Endpoint endpoint) {
        if (message.isEmpty() || message.contains("received no bytes") || message.contains("EOF")) {
            // what an etcd with TLS does
            return "the connection was closed without an answer" + (endpoint.isTls() ? "" : " (if this etcd wants TLS, name it https://)");
        }
        if (message.startsWith("chunked transfer encoding") || message.startsWith("fixed content-length")) {
            return "the connection was closed in the middle of an answer";
        }
        return message.startsWith("HTTP") ? message : Character.toLowerCase(message.charAt(0)) + message.substring(1);
    }

    /** The first of that type among an exception and its causes; null when there is none. */
    private static <T extends Throwable> T cause(Throwable e, Class<T> type) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (type.isInstance(cause)) {
                return type.cast(cause);
            }
        }
        return null;
    }

    private static String text(Duration duration) {
        return duration.toMillis() % 1000 == 0 ? duration.toSeconds() + " s" : duration.toMillis() + " ms";
    }
}
