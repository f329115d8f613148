package flannel.etcd;

import flannel.json.JsonLimits;
import flannel.json.JsonParser;
import flannel.json.JsonValue;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * An answer whose body is still arriving. It is cut when its time is up: java.net.http has no deadline of its own for a body that is read
 * as a stream.
 */
final class EtcdStream implements AutoCloseable {

    private static final int MAX_TEXT_BYTES = 400;

    private final String endpoint;
    private final HttpResponse<InputStream> response;
    private final JsonParser parser;
    private final Thread cutter;
    private final long startNanos;
    private volatile boolean expired;

    /**
     * @param startNanos when the request was sent, by the system's nanoTime
     * @param lifetime   of the body. It begins with the headers, however late: what comes with them must not be cut unread
     */
    EtcdStream(String endpoint, HttpResponse<InputStream> response, long startNanos, Duration lifetime) {
        this.endpoint = endpoint;
        this.startNanos = startNanos;
        this.response = response;
        this.parser = new JsonParser(response.body(), JsonLimits.ANSWER);
        this.cutter = Thread.ofVirtual().start(() -> cutAfter(lifetime));
    }

    private void cutAfter(Duration lifetime) {
        try {
            Thread.sleep(lifetime);
        } catch (InterruptedException e) {
            return;
        }
        expired = true;
        closeBody();
    }

    /** True when the body was cut because its time was up. */
    boolean expired() {
        return expired;
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
        return next(parser::next);
    }

    /** The same, without the elements of a long list, which go to their consumer as soon as each has arrived. */
    JsonValue next(EtcdHttp.LongList list) throws IOException, InterruptedException {
        list.restart();
        return next(() -> parser.next(list.member(), list));
    }

    private interface Reading {
        JsonValue run() throws IOException;
    }

    private JsonValue next(Reading reading) throws IOException, InterruptedException {
        try {
            JsonValue value = reading.run();
            if (value == null && expired) {
                throw new IOException("cut"); // what looks like the end was our own doing
            }
            return value;
        } catch (IOException e) {
            throw unlessInterrupted(e);
        }
    }

    /** The body's stream turns an interrupt into an IOException: turns it back. */
    private static IOException unlessInterrupted(IOException e) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        return e;
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
            while (next() != null) {
                // an answer is one value; reading to the end lets the connection be used again
            }
        } else {
            try {
                text = new String(response.body().readNBytes(MAX_TEXT_BYTES), StandardCharsets.UTF_8);
            } catch (IOException e) {
                throw unlessInterrupted(e);
            }
        }
        return new EtcdAnswer(endpoint, status(), json, text, index(), cluster());
    }

    @Override
    public void close() {
        cutter.interrupt();
        closeBody();
    }

    private void closeBody() {
        try {
            response.body().close();
        } catch (IOException e) {
            // nothing is lost: the body is not wanted any more
        }
    }
}
