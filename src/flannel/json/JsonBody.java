package flannel.json;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/**
 * JSON that is still arriving, and is cut when its time is up: java.net.http has no deadline of its own for a body that is read as a stream.
 * For one reader; to be closed by any thread.
 */
public final class JsonBody implements AutoCloseable {

    private final InputStream in;
    private final JsonParser parser;
    private final Thread cutter;
    private volatile boolean expired;

    /**
     * @param parser   of what is in the body
     * @param lifetime from now on
     */
    public JsonBody(InputStream in, JsonParser parser, Duration lifetime) {
        this.in = in;
        this.parser = parser;
        cutter = Thread.ofVirtual().start(() -> cutAfter(lifetime));
    }

    private void cutAfter(Duration lifetime) {
        try {
            Thread.sleep(lifetime);
        } catch (InterruptedException e) {
            return;
        }
        expired = true;
        closeIn();
    }

    /** True when it was cut because its time was up. */
    public boolean expired() {
        return expired;
    }

    /** The next value, without strings that are too large; null at the end. */
    public JsonValue next() throws IOException, InterruptedException {
        return next(null, null);
    }

    /**
     * The same, without the elements of a long list, which go to their consumer as soon as each has arrived.
     *
     * @param member see {@link JsonParser#next(String, JsonParser.Elements)}; null for no such list
     */
    public JsonValue next(String member, JsonParser.Elements elements) throws IOException, InterruptedException {
        try {
            JsonValue value = member == null ? parser.next() : parser.next(member, elements);
            if (value == null && expired) {
                throw new IOException("cut"); // what looks like the end was our own doing
            }
            return value;
        } catch (IOException e) {
            throw unlessInterrupted(e);
        }
    }

    /** The first bytes, of a body that is no JSON. */
    public byte[] start(int atMost) throws IOException, InterruptedException {
        try {
            return in.readNBytes(atMost);
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

    /** Reads what is left, which lets the connection be used again. */
    public void drain() throws IOException, InterruptedException {
        while (next() != null) {
            // there should be nothing
        }
    }

    @Override
    public void close() {
        cutter.interrupt();
        closeIn();
    }

    private void closeIn() {
        try {
            in.close();
        } catch (IOException e) {
            // nothing is lost: the body is not wanted any more
        }
    }
}
