package flannel.kube;

import flannel.json.JsonLimits;
import flannel.json.JsonParser;
import flannel.json.JsonValue;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;

/** An answer that is still arriving; it is cut when its time is up, for java.net.http has no deadline for a body that is read as a stream. */
final class ApiStream implements AutoCloseable {

    /**
     * Nothing is kept but what is wanted, a few hundred bytes of a node's thirty thousand: what the kubelet tells of images, and the server of
     * who wrote which field, is read over.
     */
    private static final JsonLimits LIMITS = new JsonLimits(8, 1_000, 4 << 10, 64 << 10, NodeTable.MOST, 32 << 20, 1 << 30);

    private final HttpResponse<InputStream> response;
    private final JsonParser parser;
    private final Thread cutter;
    private volatile boolean expired;

    /**
     * @param wanted   names of the members that are read
     * @param lifetime of the body, from now on
     */
    ApiStream(HttpResponse<InputStream> response, Set<String> wanted, Duration lifetime) {
        this.response = response;
        parser = new JsonParser(response.body(), LIMITS, wanted);
        cutter = Thread.ofVirtual().start(() -> {
            try {
                Thread.sleep(lifetime);
                expired = true;
                closeBody();
            } catch (InterruptedException e) {
                // closed before
            }
        });
    }

    int status() {
        return response.statusCode();
    }

    /** The next JSON value of the body; null at its end. */
    JsonValue next() throws IOException, InterruptedException {
        return next(parser::next);
    }

    /** The same, without the elements of a list, which go to their consumer as soon as each has arrived. */
    JsonValue next(Consumer<JsonValue> items) throws IOException, InterruptedException {
        return next(() -> parser.next("items", items::accept));
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
            if (Thread.interrupted()) { // the body's stream turns an interrupt into an IOException
                throw new InterruptedException();
            }
            throw expired ? new IOException("no complete answer in time", e) : e;
        }
    }

    /** Reads what is left, which lets the connection be used again. */
    void drain() throws IOException, InterruptedException {
        while (next() != null) {
            // there should be nothing
        }
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
