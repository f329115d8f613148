package flannel.etcd;

import java.time.Duration;

/** What to do about a watch that the server or the network has ended. */
final class WatchEnds {

    private static final Duration AT_ONCE = Duration.ofSeconds(1);

    private WatchEnds() {
    }

    /**
     * A member whose store is another one, or has seen less than the list told. Returns when the watch had been good before: then the store
     * was wiped, and listing again tells.
     *
     * @throws UnavailableException when the watch has just begun: this member lags behind the one that listed, and listing at once would be
     *                              a busy loop
     */
    static void behind(EtcdHttp http, EtcdStream poll, boolean first) throws UnavailableException {
        if (first) {
            http.avoid(poll.endpoint());
            throw new UnavailableException("etcd can't be watched: " + poll.endpoint() + " has not seen what was listed", true);
        }
    }

    /**
     * A watch that has broken off. Returns when listing again is the right thing to do: the store may be another one by now, so that the
     * cursor can't be trusted.
     *
     * @throws UnavailableException when the watch had hardly begun, so that the caller waits a little instead of listing in a busy loop
     */
    static void cut(EtcdHttp http, EtcdStream poll) throws UnavailableException {
        http.avoid(poll.endpoint());
        if (poll.age().compareTo(AT_ONCE) < 0) {
            throw new UnavailableException("etcd can't be watched: " + poll.endpoint() + " ended the watch at once", true);
        }
    }
}
