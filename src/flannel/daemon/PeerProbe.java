package flannel.daemon;

import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.probe.Echoes;
import flannel.probe.Host;
import flannel.probe.Outcome;
import flannel.probe.Plan;
import flannel.status.NetworkStatus;
import flannel.status.NetworkStatus.Known;
import flannel.status.NetworkStatus.Mtu;
import flannel.status.NetworkStatus.Peer;
import flannel.status.NetworkStatus.Probing;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Asks the peers of all networks, every so often, whether packets get there: by a small echo and one of full size for each. What came of it
 * is added to what the sessions tell, which know nothing of this.
 */
final class PeerProbe {

    /** A network's peers are asked in turns of so many at most: a large one must not send ever more. */
    private static final int MOST_AT_ONCE = 1_000;

    /** A turn's echoes are spread over this time: the small ones, the large ones, and before them those that search for an address that answers. */
    private static final Duration SPREAD = Duration.ofMillis(500);
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    /** From 0.1 ms, within a rack, to a second, when something is amiss. */
    private static final List<Long> BOUNDS_MICROS = List.of(100L, 250L, 500L, 1_000L, 2_500L, 5_000L, 10_000L, 50_000L, 250_000L, 1_000_000L);

    private final Supplier<List<NetworkStatus>> networks;
    private final Duration every;
    private final Log log;
    /** By the network's name. */
    private final Map<String, Asked> asked = new HashMap<>();
    private String trouble = "";

    /** What is known of one network's peers, by their subnets. */
    private static final class Asked {
        private final String backend;
        private final TimeMeter roundTrips = new TimeMeter(BOUNDS_MICROS);
        private Map<String, Reach> peers = new HashMap<>();
        private int turn;
        private long sent;
        private long answered;

        Asked(String backend) {
            this.backend = backend;
        }
    }

    /** @param networks what their sessions tell now */
    PeerProbe(Supplier<List<NetworkStatus>> networks, Duration every, Log log) {
        this.networks = networks;
        this.every = every;
        this.log = log;
    }

    /** Probes until interrupted. On a platform thread: the kernel is waited for. */
    void run() throws InterruptedException {
        while (true) {
            long startNanos = System.nanoTime();
            for (NetworkStatus network : networks.get()) {
                if (network instanceof Known known && known.phase() == NetworkStatus.Phase.ACTIVE && known.lease() != null) {
                    ask(known);
                }
            }
            Thread.sleep(Duration.ofNanos(Math.max(0, every.toNanos() - (System.nanoTime() - startNanos))));
        }
    }

    private void ask(Known network) throws InterruptedException {
        List<Reach> turn = turn(network);
        if (turn.isEmpty()) {
            return;
        }
        Host self = host(network, network.lease().subnet(), network.lease().publicIp());
        try {
            List<Host> peers = turn.stream().map(Reach::asked).toList();
            note(network.name(), turn, Echoes.ask(Plan.of(network.backend(), mtu(network), 1, SPREAD, PATIENCE), self, peers).outcomes());
            trouble = "";
        } catch (SystemCallException e) {
            if (!trouble.equals(e.getMessage())) {
                trouble = e.getMessage();
                log.warning("the peers can't be probed (-probe-interval): " + trouble);
            }
        }
    }

    /** Whose turn it is; peers that are gone are forgotten. */
    private synchronized List<Reach> turn(Known network) {
        Asked of = asked.compute(network.name(), (name, before) -> before != null && before.backend.equals(network.backend()) ? before
                : new Asked(network.backend()));
        Map<String, Reach> known = of.peers;
        of.peers = new LinkedHashMap<>();
        for (Peer peer : network.peers()) {
            if (isFollowed(peer)) {
                Reach reach = known.get(peer.subnet());
                of.peers.put(peer.subnet(), reach != null && reach.isAt(peer.host()) ? reach
                        : new Reach(peer.host(), host(network, peer.subnet(), peer.host())));
            }
        }
        List<Reach> inTurn = new ArrayList<>(of.peers.values());
        if (inTurn.size() > MOST_AT_ONCE) {
            of.turn = of.turn < inTurn.size() ? of.turn : 0;
            Collections.rotate(inTurn, -of.turn);
            of.turn += MOST_AT_ONCE;
            return inTurn.subList(0, MOST_AT_ONCE);
        }
        return inTurn;
    }

    private static boolean isFollowed(Peer peer) {
        return peer.ignored().isEmpty() && !peer.via().isEmpty() && !peer.via().equals(Peer.SELF);
    }

    private static Host host(Known network, String subnet, String publicIp) {
        return Host.of(network.backend(), Ipv4Subnet.parse(subnet), Ipv4.parse(publicIp));
    }

    /** Of the network's own device, or of the underlay when it has none. */
    private static int mtu(Known network) {
        List<Integer> chain = network.mtus().stream().filter(mtu -> !mtu.device().equals("docker0")).map(Mtu::bytes).toList();
        return chain.getLast();
    }

    /** @param outcomes one for each of those that were asked, in their order */
    private synchronized void note(String network, List<Reach> turn, List<Outcome> outcomes) {
        Asked of = asked.get(network);
        long now = System.nanoTime();
        for (int i = 0; i < outcomes.size(); i++) {
            Outcome outcome = outcomes.get(i);
            for (Outcome.Size size : outcome.sizes()) {
                of.sent += size.sent();
                of.answered += size.answered();
                if (size.answered() > 0) {
                    of.roundTrips.took(size.mean().toNanos());
                }
            }
            turn.get(i).note(outcome, now);
        }
    }

    /** What a session tells, with what came of asking its peers. */
    synchronized NetworkStatus seen(NetworkStatus network) {
        Asked of = asked.get(network.name());
        if (of == null || !(network instanceof Known known)) {
            return network;
        }
        long now = System.nanoTime();
        List<Peer> peers = new ArrayList<>(known.peers().size());
        for (Peer peer : known.peers()) {
            Reach reach = isFollowed(peer) ? of.peers.get(peer.subnet()) : null;
            peers.add(reach == null ? peer : peer.probed(reach.told(now)));
        }
        return known.probed(peers, new Probing(every, of.sent, of.answered, of.roundTrips.timings()));
    }
}
