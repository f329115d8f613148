package flannel.kernel;

import static flannel.netlink.Rtm.NUD_FAILED;
import static flannel.netlink.Rtm.NUD_INCOMPLETE;
import static flannel.netlink.Rtm.NUD_NOARP;
import static flannel.netlink.Rtm.NUD_PERMANENT;

/** What the states of neighbours and FDB entries (linux/neighbour.h) mean to us. */
final class Neighbours {

    private Neighbours() {
    }

    static boolean isPermanent(Found.Neighbour neighbour) {
        return (neighbour.state() & NUD_PERMANENT) != 0;
    }

    /** An entry that packets follow, other than those that the kernel makes for multicast. */
    static boolean isUsable(Found.Neighbour neighbour) {
        return neighbour.state() != 0 && (neighbour.state() & (NUD_INCOMPLETE | NUD_FAILED | NUD_NOARP)) == 0;
    }

    /** An entry that somebody put there, rather than one that was learned. */
    static boolean isStatic(Found.Fdb entry) {
        return (entry.state() & (NUD_PERMANENT | NUD_NOARP)) != 0;
    }
}
