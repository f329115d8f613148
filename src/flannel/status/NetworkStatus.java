package flannel.status;

import flannel.lease.StoreHealth;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** One network of a daemon, as its session tells it; or that it does not tell. */
public sealed interface NetworkStatus {

    /** Empty for the network of a daemon that has one only. */
    String name();

    /** What needs a person, in sentences. */
    List<String> troubles();

    /** A session that has not answered: nothing is known but that. The kernel goes on with what it has. */
    record Stuck(String name, Duration since) implements NetworkStatus {

        @Override
        public List<String> troubles() {
            return List.of("the session has not answered for " + Words.duration(since)
                    + ": it waits for the kernel or a disk, or it hangs; its packets flow on, changes are not followed."
                    + " If this lasts, restart flanneld");
        }
    }

    /** How far a network has come. */
    enum Phase {
        /** No config, or none that can be used. */
        UNCONFIGURED,
        /** A config, but no lease in use yet. */
        OPENED,
        /** The kernel has it. */
        ACTIVE
    }

    /**
     * What a session knows.
     *
     * @param range      of the whole network, as 10.1.0.0/16; empty as long as there is no config
     * @param backend    its type; empty likewise
     * @param complaints troubles of the session itself, in sentences
     * @param lease      null for none
     * @param underlay   the interface to the other hosts
     * @param mtus       from the outside in: underlay, the network's own device, docker0's containers; what is not there is left out
     * @param peers      every other entry of the store
     * @param counters   of a data path of our own; empty for others
     * @param repairs    the last ones, the latest last
     * @param repaired   how much was put back since the start: kind of thing, number
     * @param probing    null unless the peers are probed
     * @param reaction   from the moment a change in the store was heard until it was dealt with, the kernel included; null when not measured
     */
    record Known(String name, Phase phase, String range, String backend, List<String> complaints, OwnLease lease, Underlay underlay,
            List<Mtu> mtus, Store store, Kernel kernel, List<Peer> peers, List<Counter> counters, List<Repair> repairs,
            Map<String, Long> repaired, Probing probing, Timings reaction) implements NetworkStatus {

        /** So many troubles of one kind are named; the others are counted. */
        private static final int NAMED = 3;

        /** One whose peers are not probed, and of which no times are known. */
        public Known(String name, Phase phase, String range, String backend, List<String> complaints, OwnLease lease, Underlay underlay,
                List<Mtu> mtus, Store store, Kernel kernel, List<Peer> peers, List<Counter> counters, List<Repair> repairs,
                Map<String, Long> repaired) {
            this(name, phase, range, backend, complaints, lease, underlay, mtus, store, kernel, peers, counters, repairs, repaired, null,
                    null);
        }

        /** The same, with what echoes told. */
        public Known probed(List<Peer> probed, Probing how) {
            return new Known(name, phase, range, backend, complaints, lease, underlay, mtus, store, kernel, probed, counters, repairs,
                    repaired, how, reaction);
        }

        @Override
        public List<String> troubles() {
            List<String> all = new ArrayList<>(complaints);
            if (phase != Phase.ACTIVE && complaints.isEmpty() && store.trouble().isEmpty()) {
                all.add(phase == Phase.UNCONFIGURED ? "waiting for the network's config" : "waiting for a lease");
            }
            if (!store.trouble().isEmpty()) {
                all.add(store.trouble());
            }
            kernel.refused().stream().limit(NAMED).forEach(all::add);
            if (kernel.refused().size() > NAMED) {
                all.add("the kernel refuses " + (kernel.refused().size() - NAMED) + " more entries (-json lists them)");
            }
            List<Peer> problems = peers.stream().filter(Peer::isProblem).toList(); // none, most often
            List<Peer> ignored = problems.stream().filter(peer -> !peer.ignored().isEmpty()).toList();
            ignored.stream().limit(NAMED).forEach(peer -> all.add(peer.ignored()));
            if (ignored.size() > NAMED) {
                all.add(ignored.size() - NAMED + " more entries of the store are ignored (-problems lists them)");
            }
            List<Peer> lost = problems.stream().filter(Peer::isLost).toList();
            lost.stream().limit(NAMED).forEach(peer -> all.add("the way to " + peer.subnet() + " at " + peer.host() + ": " + peer.echoes().trouble()));
            if (lost.size() > NAMED) {
                all.add("the ways to " + (lost.size() - NAMED) + " more peers have such troubles (-problems lists them)");
            }
            long kept = problems.stream().filter(Peer::kept).count();
            if (kept > 0) {
                all.add(kept + (kept == 1 ? " peer's lease is" : " peers' leases are") + " no longer in the store, or not readable there, and followed until"
                        + " the time is over: the store was emptied, restored, replaced or garbled");
            }
            return all;
        }
    }

    /**
     * This host's lease.
     *
     * @param remaining until it ends unless renewed; null when the store has not told, and for a reservation, which never ends
     */
    record OwnLease(String subnet, String publicIp, boolean reservation, Duration remaining) {
    }

    /** The interface to the other hosts. */
    record Underlay(String name, String address) {
    }

    /** How large a packet a device takes, in bytes. */
    record Mtu(String device, int bytes) {
    }

    /**
     * How it goes with the store.
     *
     * @param listed  how long ago everything was last listed; null when it was not
     * @param trouble why it can't be reached or asked, one sentence; empty when it can
     */
    record Store(StoreHealth health, Duration listed, String trouble) {
    }

    /**
     * What the kernel was asked for.
     *
     * @param comparisons of the whole state with the kernel's tables
     * @param compared    how long ago the last one was; null for none
     * @param refused     what can't be put in or removed, and why
     */
    record Kernel(long comparisons, Duration compared, List<String> refused) {
    }

    /**
     * Another entry of the store.
     *
     * @param subnet  or the entry's name, where that names no subnet
     * @param host    its public address; empty when that is not known
     * @param via     how packets get there: the backend's type, or "route" where it is a plain one; empty when they do not
     * @param kept    whether the store no longer has it, or nothing readable, and what it said before is followed on
     * @param ignored why it is not followed, one sentence; empty when it is
     * @param entries what it has in the kernel; null where that is not known, and where the peer needs nothing of its own
     * @param echoes  what came of probing the way to it; null when that is not done
     */
    record Peer(String subnet, String host, String via, boolean kept, String ignored, Entries entries, Echoes echoes) {

        /** What is said instead of the way to another entry of this host's own. */
        public static final String SELF = "this host";

        /** One of which the kernel needs nothing, and that is not probed. */
        public Peer(String subnet, String host, String via, boolean kept, String ignored) {
            this(subnet, host, via, kept, ignored, null, null);
        }

        public Peer probed(Echoes what) {
            return new Peer(subnet, host, via, kept, ignored, entries, what);
        }

        boolean isLost() {
            return echoes != null && !echoes.trouble().isEmpty();
        }

        boolean isProblem() {
            return kept || !ignored.isEmpty() || isLost() || entries != null && !entries.missing().isEmpty();
        }
    }

    /** Kinds of kernel entries that a peer needs, as route, neighbour, fdb: those that are there, and those that the kernel refused. */
    record Entries(List<String> present, List<String> missing) {
    }

    /**
     * What came of the last echoes to a peer's kernel.
     *
     * @param heard     how long ago the last was answered; null for none yet
     * @param loss      part of the last ones that was not answered, 0 to 1
     * @param roundTrip of the last that was; null for none yet
     * @param trouble   what is wrong with the way, a clause; empty for nothing
     */
    record Echoes(Duration heard, double loss, Duration roundTrip, String trouble) {
    }

    /**
     * How a network's peers are probed.
     *
     * @param every      so often
     * @param sent       echoes since the start
     * @param answered   of these
     * @param roundTrips of those
     */
    record Probing(Duration every, long sent, long answered, Timings roundTrips) {
    }

    /** @param drop whether it counts packets that were dropped, for the reason that is its meaning */
    record Counter(String name, boolean drop, String meaning, long value) {
    }

    /**
     * Something that was put back, or put in order.
     *
     * @param cause who seems to have changed it, a clause; empty when that is not known
     */
    record Repair(Instant when, String what, String cause) {
    }
}
