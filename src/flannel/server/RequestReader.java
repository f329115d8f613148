package flannel.server;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Reads the requests of one HTTP/1.1 connection (RFC 9112). What a client of this server has no use for is refused: chunked bodies, folded
 * headers. Between two requests it keeps what has been read too far, and no buffer.
 */
final class RequestReader {

    private static final int FIRST_BUFFER = 512;

    private final InputStream in;
    private final InetAddress from;
    private final Limits limits;
    private byte[] buffer = new byte[0];
    private int filled;
    private boolean keepAlive;

    /** Called back while a request is read. */
    interface Progress {

        /** The request's first bytes are there. */
        void begun();

        /** The client waits for a word before it sends the body. */
        void sendContinue() throws IOException;
    }

    RequestReader(InputStream in, InetAddress from, Limits limits) {
        this.in = in;
        this.from = from;
        this.limits = limits;
    }

    /** Whether the client will send another request. */
    boolean keepAlive() {
        return keepAlive;
    }

    /** The next request; null when the client has hung up instead. */
    Request next(Progress progress) throws IOException {
        int end;
        int searched = 0;
        if (filled > 0) {
            progress.begun();
        }
        while ((end = endOfHead(searched)) < 0) {
            if (filled >= limits.headBytes()) {
                throw new RefusedException(431, "more than " + limits.headBytes() + " bytes of headers");
            }
            searched = Math.max(0, filled - 3);
            boolean first = filled == 0;
            if (fill(limits.headBytes()) < 0) {
                if (first) {
                    return null;
                }
                throw new EOFException("the request broke off");
            }
            if (first) {
                progress.begun();
            }
        }
        // one byte is one character: what is beyond ASCII belongs into no name or value that is looked at; an empty line may come first
        String[] lines = new String(buffer, 0, end, StandardCharsets.ISO_8859_1).strip().split("\n");
        Arrays.setAll(lines, i -> lines[i].endsWith("\r") ? lines[i].substring(0, lines[i].length() - 1) : lines[i]);
        consume(end);
        String[] words = lines[0].split(" ", -1);
        if (words.length != 3 || !words[1].startsWith("/") || !words[2].startsWith("HTTP/")) {
            throw new RefusedException(400, "not an HTTP request");
        }
        if (!words[2].equals("HTTP/1.1") && !words[2].equals("HTTP/1.0")) {
            throw new RefusedException(505, "only HTTP/1.1 is spoken here");
        }
        List<String> headers = List.of(lines).subList(1, lines.length);
        String connection = header(headers, "connection").toLowerCase(Locale.ROOT);
        keepAlive = words[2].equals("HTTP/1.1") ? !connection.contains("close") : connection.contains("keep-alive");
        String body = body(headers, progress);
        int question = words[1].indexOf('?');
        return new Request(words[0], question < 0 ? words[1] : words[1].substring(0, question),
                question < 0 ? "" : words[1].substring(question + 1), header(headers, "if-match"), header(headers, "accept"),
                header(headers, "host"), body, from);
    }

    /** Index behind the empty line; -1 when it is not there yet. */
    private int endOfHead(int start) {
        for (int i = start; i < filled; i++) {
            int next = i + 1 < filled && buffer[i + 1] == '\r' ? i + 2 : i + 1;
            if (buffer[i] == '\n' && next < filled && buffer[next] == '\n') {
                return next + 1;
            }
        }
        return -1;
    }

    private static String header(List<String> headers, String name) throws RefusedException {
        String found = null;
        for (String line : headers) {
            int colon = line.indexOf(':');
            if (colon <= 0 || line.charAt(0) == ' ' || line.charAt(0) == '\t' || line.charAt(colon - 1) == ' ') {
                throw new RefusedException(400, "a header line is not of the form name: value");
            }
            if (line.substring(0, colon).equalsIgnoreCase(name)) {
                String value = line.substring(colon + 1).strip();
                if (found != null && !found.equals(value)) {
                    throw new RefusedException(400, "two headers " + name);
                }
                found = value;
            }
        }
        return found == null ? "" : found;
    }

    private String body(List<String> headers, Progress progress) throws IOException {
        if (!header(headers, "transfer-encoding").isEmpty()) {
            throw new RefusedException(411, "a body needs a Content-Length here");
        }
        String length = header(headers, "content-length");
        if (length.isEmpty() || length.equals("0")) {
            return "";
        }
        if (!length.matches("\\d{1,10}")) {
            throw new RefusedException(400, "Content-Length is not a number");
        }
        if (Long.parseLong(length) > limits.bodyBytes()) {
            throw new RefusedException(413, "more than " + limits.bodyBytes() + " bytes of body");
        }
        if (header(headers, "expect").equalsIgnoreCase("100-continue")) {
            progress.sendContinue();
        }
        int wanted = Integer.parseInt(length);
        while (filled < wanted) {
            if (fill(wanted) < 0) {
                throw new EOFException("the body broke off");
            }
        }
        String body = new String(buffer, 0, wanted, StandardCharsets.UTF_8);
        consume(wanted);
        return body;
    }

    /** Reads what is there, one byte at least, and lets the buffer grow with what arrives, not with what is announced; -1 at the end. */
    private int fill(int most) throws IOException {
        if (filled == buffer.length) {
            buffer = Arrays.copyOf(buffer, Math.max(FIRST_BUFFER, Math.min(2 * buffer.length, Math.max(most, buffer.length + 1))));
        }
        int count = in.read(buffer, filled, buffer.length - filled);
        filled += Math.max(0, count);
        return count;
    }

    private void consume(int count) {
        buffer = Arrays.copyOfRange(buffer, count, filled);
        filled = buffer.length;
    }
}
