package flannel.status;

import flannel.status.NetworkStatus.Peer;
import java.util.Comparator;
import java.util.Locale;

/** How the way to a peer is, in one word: the best first. */
enum PeerHealth {

    GOOD("reached"),
    /** All that is asked of the kernel is there; whether packets get through, nobody has tried. */
    PLACED("in place, not probed"),
    IDLE("not followed"),
    WARN("with losses, or no longer in the store"),
    BAD("not reached, or ignored");

    /** What needs nobody's attention is all the same. */
    static final Comparator<PeerHealth> WORST_FIRST = Comparator.comparing((PeerHealth health) -> health.compareTo(WARN) < 0 ? WARN.ordinal() - 1 : health.ordinal())
            .reversed();

    private final String meaning;
    private final String word = name().toLowerCase(Locale.ROOT);

    PeerHealth(String meaning) {
        this.meaning = meaning;
    }

    static PeerHealth of(Peer peer) {
        boolean incomplete = peer.entries() != null && !peer.entries().missing().isEmpty();
        if (!peer.ignored().isEmpty() || peer.isLost() || incomplete) {
            return BAD;
        }
        if (peer.kept() || peer.echoes() != null && peer.echoes().loss() > 0) {
            return WARN;
        }
        if (peer.via().isEmpty() || peer.via().equals(Peer.SELF)) {
            return IDLE;
        }
        return peer.echoes() != null && peer.echoes().heard() != null ? GOOD : PLACED;
    }

    /** What is said of a peer. */
    static String describe(Peer peer) {
        if (!peer.ignored().isEmpty()) {
            return peer.ignored();
        }
        if (peer.isLost()) {
            return peer.echoes().trouble();
        }
        if (peer.entries() != null && !peer.entries().missing().isEmpty()) {
            return "the kernel lacks " + String.join(", ", peer.entries().missing());
        }
        if (peer.kept()) {
            return "kept: no longer in the store, or not readable";
        }
        PeerHealth health = of(peer);
        return health == WARN ? "losses" : health.meaning;
    }

    String word() {
        return word;
    }

    /** Of a number of peers. */
    String meaning() {
        return meaning;
    }
}
