package flannel.daemon;

import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.SubnetStore.Holder;

/** What to do about something that somebody wrote over this host's lease. Pure. */
sealed interface Verdict {

    /** Write it again: it is ours. */
    record Rewrite(String why) implements Verdict {
    }

    /**
     * Let it go, and take another subnet.
     *
     * @param stranger a living host that claims to be this one; null when it does not
     */
    record Move(String why, Holder stranger) implements Verdict {
    }

    /**
     * Judges.
     *
     * @param entry     what is there now; other than what this host wrote
     * @param ours      the lease as this host knows it
     * @param mine      what it is to say
     * @param takenFrom what it said before this host took it over from one that may be alive; null when it did not
     * @param tooOften  whether this host has written it again so often that it had better give in
     */
    static Verdict of(Entry entry, Lease ours, LeaseAttributes mine, LeaseAttributes takenFrom, boolean tooOften) {
        return switch (entry) {
            case Entry.Occupied occupied -> new Rewrite("The value of our lease " + ours.subnet() + " was made unreadable (" + occupied.why()
                    + "); writing it again");
            case Lease seen -> of(seen.attributes(), ours, mine, takenFrom, tooOften);
        };
    }

    private static Verdict of(LeaseAttributes seen, Lease ours, LeaseAttributes mine, LeaseAttributes takenFrom, boolean tooOften) {
        boolean ourAddress = seen.publicIp().equals(mine.publicIp());
        if (!ourAddress && !seen.node().equals(mine.node())) {
            return new Move("Lease " + ours.subnet() + " is now held by " + seen.publicIp() + "; moving to another subnet", null);
        }
        if (ourAddress && !isAnotherHost(seen, mine)) {
            return new Rewrite("The value of our lease " + ours.subnet() + " was changed to " + seen.toJson() + "; writing it again");
        }
        boolean objection = takenFrom != null && Holder.of(seen).equals(Holder.of(takenFrom));
        // a Go flannel never gives in
        return objection || seen.node().isEmpty() || tooOften
                ? new Move(rivalry(seen, ours, mine) + "; moving to another subnet", Holder.of(seen))
                : new Rewrite(rivalry(seen, ours, mine) + "; taking the lease back, the other host has to move");
    }

    /** Whether the writer of a value with our PublicIP must be a host other than this one, not an operator who edited it. */
    private static boolean isAnotherHost(LeaseAttributes seen, LeaseAttributes mine) {
        return seen.node().isEmpty() ? seen.backendData() != null && !seen.backendData().equals(mine.backendData())
                : !seen.node().equals(mine.node());
    }

    private static String rivalry(LeaseAttributes seen, Lease ours, LeaseAttributes mine) {
        return seen.node().equals(mine.node())
                ? "two machines bear the mark " + seen.node() + ": this one, " + mine.publicIp() + ", and " + seen.publicIp() + ", which wrote lease "
                        + ours.subnet() + "; one is a copy of the other: remove the state directory (-state-dir) of the copy"
                : "two hosts claim the PublicIP " + seen.publicIp() + ": this one (mark " + mine.node() + ") and "
                        + (seen.node().isEmpty() ? "one with a Go flannel" : "one with mark " + seen.node()) + ", which wrote lease "
                        + ours.subnet() + "; check -iface and -public-ip on both";
    }
}
