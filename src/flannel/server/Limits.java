package flannel.server;

import java.time.Duration;

/**
 * What one client may cost.
 *
 * @param connections at a time, of all clients together: more are closed at once. A Go daemon has two, one of ours has two at most
 * @param headBytes   of a request's first line and headers
 * @param bodyBytes   of a request's body
 * @param idle        without a request
 * @param request     from a request's first byte to its last, a TLS handshake included
 * @param handling    until there is an answer: more than the longest poll
 * @param answer      until the client has taken the answer
 */
record Limits(int connections, int headBytes, int bodyBytes, Duration idle, Duration request, Duration handling, Duration answer) {

    /** systemd of CentOS 7 lets a process have 4,096 files. */
    static final Limits DEFAULT = new Limits(4_000, 16 << 10, 1 << 20, Duration.ofSeconds(120), Duration.ofSeconds(10),
            Duration.ofSeconds(150), Duration.ofSeconds(60));
}
