package flannel.backend.cloud;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Exchanges one HTTP request for its answer. {@link CloudHttp} does it; tests put a cloud of their own here. */
public interface Http extends AutoCloseable {

    /**
     * A request.
     *
     * @param headers by name; not Host and Content-Length, which follow from the rest
     * @param body    null for none
     * @param timeout for the whole exchange
     */
    record Request(String method, URI uri, Map<String, String> headers, String body, Duration timeout) {

        public static Request get(URI uri, Map<String, String> headers, Duration timeout) {
            return new Request("GET", uri, headers, null, timeout);
        }
    }

    /** An answer; names of headers in lower case. */
    record Answer(int status, Map<String, List<String>> headers, String body) {

        /** First value of a header; "" when there is none. */
        public String header(String name) {
            return headers.getOrDefault(name.toLowerCase(Locale.ROOT), List.of("")).getFirst();
        }
    }

    /** @throws IOException with a sentence about the server when there is no complete answer in time */
    Answer send(Request request) throws IOException, InterruptedException;

    /** Ends the exchanges under way. */
    @Override
    default void close() {
    }
}
