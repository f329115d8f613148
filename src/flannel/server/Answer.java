package flannel.server;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What a request is answered with.
 *
 * @param headers further ones, each {@code name: value}
 */
record Answer(int status, String contentType, byte[] body, List<String> headers) {

    Answer(int status, String contentType, byte[] body) {
        this(status, contentType, body, List.of());
    }

    /** Go's encoder ends with a new line, and so do these. */
    static Answer json(Object json) {
        return new Answer(200, "application/json; charset=utf-8", (json + "\n").getBytes(StandardCharsets.UTF_8));
    }

    static Answer text(int status, String text) {
        return new Answer(status, "text/plain; charset=utf-8", text.getBytes(StandardCharsets.UTF_8));
    }

    /** @param allow as in "GET, HEAD" */
    static Answer notAllowed(String allow, String text) {
        return new Answer(405, "text/plain; charset=utf-8", text.getBytes(StandardCharsets.UTF_8), List.of("Allow: " + allow));
    }

    /** Done, and nothing to say. */
    static Answer empty() {
        return text(200, "");
    }

    /** The same with another header. */
    Answer with(String header) {
        List<String> all = new ArrayList<>(headers);
        all.add(header);
        return new Answer(status, contentType, body, all);
    }

    /** RFC 9110, 15. */
    String reason() {
        return switch (status) {
            case 200 -> "OK";
            case 400 -> "Bad Request";
            case 404 -> "Not Found";
            case 405 -> "Method Not Allowed";
            case 409 -> "Conflict";
            case 411 -> "Length Required";
            case 412 -> "Precondition Failed";
            case 413 -> "Content Too Large";
            case 421 -> "Misdirected Request";
            case 431 -> "Request Header Fields Too Large";
            case 500 -> "Internal Server Error";
            case 501 -> "Not Implemented";
            case 503 -> "Service Unavailable";
            case 505 -> "HTTP Version Not Supported";
            default -> "Answer";
        };
    }
}
