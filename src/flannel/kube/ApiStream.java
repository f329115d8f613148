package flannel.kube;

import flannel.json.JsonBody;
import flannel.json.JsonLimits;
import flannel.json.JsonParser;
import flannel.json.JsonValue;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;

/** An answer that is still arriving. */
final class ApiStream implements AutoCloseable {

    /**
     * Nothing is kept but what is wanted, a few hundred bytes of a node's thirty thousand: what the kubelet tells of images, and the server of
     * who wrote which field, is read over.
     */
    private static final JsonLimits LIMITS = new JsonLimits(8, 1_000, 4 << 10, 64 << 10, NodeTable.MOST, 32 << 20, 1 << 30);

    private final int status;
    private final JsonBody body;

    /**
     * @param wanted   names of the members that are read
     * @param lifetime of the body, from now on
     */
    ApiStream(HttpResponse<InputStream> response, Set<String> wanted, Duration lifetime) {
        status = response.statusCode();
        body = new JsonBody(response.body(), new JsonParser(response.body(), LIMITS, wanted), lifetime);
    }

    int status() {
        return status;
    }

    /** The next JSON value of the body; null at its end. */
    JsonValue next() throws IOException, InterruptedException {
        return next(null);
    }

    /** The same, without the elements of a list, which go to their consumer, unless that is null, as soon as each has arrived. */
    JsonValue next(Consumer<JsonValue> items) throws IOException, InterruptedException {
        try {
            return items == null ? body.next() : body.next("items", items::accept);
        } catch (IOException e) {
            throw body.expired() ? new IOException("no complete answer in time", e) : e;
        }
    }

    /** Reads what is left, which lets the connection be used again. */
    void drain() throws IOException, InterruptedException {
        body.drain();
    }

    @Override
    public void close() {
        body.close();
    }
}
