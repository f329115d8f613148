package flannel.etcd;

import flannel.json.JsonBody;
import flannel.json.JsonLimits;
import flannel.json.JsonParser;
import flannel.json.JsonValue;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** An answer whose body is still arriving. */
final class EtcdStream implements AutoCloseable {

    private static final int MAX_TEXT_BYTES = 400;

    private final String endpoint;
    private final HttpResponse<InputStream> response;
    private final JsonBody body;
    private final long startNanos;

    /**
     * @param startNanos when the request was sent, by the system's nanoTime
     * @param lifetime   of the body. It begins with the headers, however late: what comes with them must not be cut unread
     */
    EtcdStream(String endpoint, HttpResponse<InputStream> response, long startNanos, Duration lifetime) {
        this.endpoint = endpoint;
        this.startNanos = startNanos;
        this.response = response;
        this.body = new JsonBody(response.body(), new JsonParser(response.body(), JsonLimits.ANSWER), lifetime);
    }

    /** True when the body was cut because its time was up. */
    boolean expired() {
        return body.expired();
    }

    /** Since the request was sent. */
    Duration age() {
        return Duration.ofNanos(System.nanoTime() - startNanos);
    }

    String endpoint() {
        return endpoint;
    }

    int status() {
        return response.statusCode();
    }

    /** v2's X-Etcd-Index; 0 when absent. */
    long index() {
        try {
            return Long.parseLong(header("X-Etcd-Index"));
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    String cluster() {
        return EtcdAnswer.oneLine(header("X-Etcd-Cluster-Id"));
    }

    private String header(String name) {
        return response.headers().firstValue(name).orElse("");
    }

    /** The next JSON value of the body, without strings that are too large; null at its end. */
    JsonValue next() throws IOException, InterruptedException {
        return body.next();
    }

    /** The same, without the elements of a long list, which go to their consumer as soon as each has arrived. */
    JsonValue next(EtcdHttp.LongList list) throws IOException, InterruptedException {
        list.restart();
        return body.next(list.member(), list);
    }

    /** Reads the body to its end. */
    EtcdAnswer complete() throws IOException, InterruptedException {
        return complete(null);
    }

    /** Reads the body to its end; the elements of a long list go to its consumer, unless that is null. */
    EtcdAnswer complete(EtcdHttp.LongList list) throws IOException, InterruptedException {
        JsonValue json = null;
        String text = "";
        if (header("Content-Type").contains("json")) {
            json = list == null ? next() : next(list);
            body.drain();
        } else {
            text = new String(body.start(MAX_TEXT_BYTES), StandardCharsets.UTF_8);
        }
        return new EtcdAnswer(endpoint, status(), json, text, index(), cluster());
    }

    @Override
    public void close() {
        body.close();
    }
}
