package flannel.check;

import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.probe.Echoes;
import flannel.probe.Host;
import flannel.probe.Onward;
import flannel.probe.Outcome;
import flannel.probe.Passage.Sight;
import flannel.probe.Plan;
import flannel.probe.Round;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;

/**
 * Do packets get through to the other hosts? Asked by echoes, over the overlay and beside it, which the other hosts' kernels answer: small ones,
 * and such of full size that must not be fragmented.
 */
final class PeerQuestions {

    private static final int ROUNDS = 3;
    private static final Duration PATIENCE = Duration.ofMillis(500);
    private static final int NAMED = 5;

    private PeerQuestions() {
    }

    /** How a peer was reached over the overlay and beside it. */
    record Reached(Lease peer, Outcome overlay, Outcome beside) {

        boolean small() {
            return overlay.sizes().getFirst().answered() > 0;
        }

        boolean full() {
            return overlay.sizes().getLast().answered() > 0;
        }

        Ipv4 address() {
            return peer.attributes().publicIp();
        }

        boolean isUp() {
            return beside.answered() > 0;
        }
    }

    static List<Finding> ask(Scene scene, FilterRules rules) throws InterruptedException {
        if (scene.config() == null || scene.own() == null || scene.underlay() == null || scene.peers().isEmpty()) {
            return List.of();
        }
        String backend = scene.config().backendType();
        int mtu = scene.mtu();
        Map<Ipv4, Long> claims = scene.peers().stream().collect(Collectors.groupingBy(peer -> peer.attributes().publicIp(), Collectors.counting()));
        List<Lease> doubled = LeaseQuestions.doubles(scene).values().stream().flatMap(List::stream).toList();
        List<Lease> peers = scene.peers().stream().filter(peer -> !doubled.contains(peer)
                && scene.config().network().contains(peer.subnet()) && LeaseQuestions.fits(peer, scene) && LeaseQuestions.leadsSomewhere(peer, scene)
                && claims.get(peer.attributes().publicIp()) == 1).toList();
        if (peers.isEmpty() || doubled.contains(scene.own())) {
            return List.of();
        }
        Duration interval = Duration.ofMillis(Math.max(20, peers.size() / 10)); // 10,000 packets a second at most
        Plan overlay = Plan.of(backend, mtu, ROUNDS, interval, PATIENCE);
        Plan beside = new Plan(List.of(84, scene.underlay().mtu()), ROUNDS, interval, PATIENCE, 64);
        try (ExecutorService beyond = Executors.newCachedThreadPool()) {
            Future<Map<Host, Outcome>> direct = beyond.submit(() -> outcomes(Echoes.ask(beside, besides(scene.own().subnet(),
                    scene.underlay().address()),
                    peers.stream().map(peer -> besides(peer.subnet(), peer.attributes().publicIp())).toList())));
            // between hosts whose routes somebody else makes there may be any number of hops
            Future<List<Onward.Silent>> onward = beyond.submit(() -> backend.matches("vxlan|host-gw|udp") ? Onward.silent(host(backend, scene.own()),
                    peers.stream().map(peer -> host(backend, peer)).toList()) : List.of());
            Map<Host, Outcome> over = outcomes(Echoes.ask(overlay, host(backend, scene.own()), peers.stream().map(peer -> host(backend,
                    peer)).toList()));
            Map<Host, Outcome> side = direct.get();
            List<Reached> reached = peers.stream().map(peer -> new Reached(peer, over.get(host(backend, peer)),
                    side.get(besides(peer.subnet(), peer.attributes().publicIp())))).toList();
            List<Reached> silent = reached.stream().filter(peer ->
                    !peer.small()).sorted(Comparator.comparing(Reached::isUp).reversed()).limit(CutQuestions.MOST).toList();
            List<Finding> astray = NeighbourQuestions.fixed(scene, silent.stream().map(Reached::address).toList());
            if (!astray.isEmpty()) {
                return astray;
            }
            if (backend.equals("udp") && scene.daemon() == null && reached.stream().noneMatch(Reached::small)) {
                return List.of(); // the daemon that is to carry the packets does not even answer, as is told of it
            }
            List<Finding> findings = new ArrayList<>(judge(reached, silent.isEmpty() ? Map.of() : sights(silent, CutQuestions.look(scene, silent)),
                    rules, scene.underlay(), mtu));
            List<Finding> ends = ends(scene, reached, onward.get());
            if (!ends.isEmpty()) {
                findings.removeIf(finding -> finding.level() == Finding.Level.OK);
                findings.addAll(ends);
            }
            return findings;
        } catch (SystemCallException e) {
            return List.of(Finding.warn("peers", "cannot be asked: " + e.getMessage(), "run the check as root"));
        } catch (ExecutionException e) {
            return List.of(Finding.warn("peers", "cannot be asked: " + e.getCause().getMessage(), "run the check as root"));
        }
    }

    /** Peers that answer themselves, say nothing of what is for their containers, and are not seen to send anything on either. */
    private static List<Finding> ends(Scene scene, List<Reached> reached, List<Onward.Silent> silent) throws SystemCallException, InterruptedException {
        Map<Ipv4Subnet, Boolean> bridges = silent.stream().collect(Collectors.toMap(one -> one.host().subnet(), Onward.Silent::bridge, (first, second) -> first));
        // one without a bridge for containers that answers over the overlay need not send anything on
        List<Reached> mute = reached.stream().filter(peer -> peer.small() && bridges.containsKey(peer.peer().subnet())
                && (bridges.get(peer.peer().subnet()) || peer.overlay().address().equals(peer.address()))).limit(CutQuestions.MOST).toList();
        Map<Ipv4, Sight> seen = mute.isEmpty() ? Map.of() : sights(mute, CutQuestions.look(scene, mute));
        Map<Boolean, List<String>> ends = mute.stream().filter(peer -> !seen.get(peer.address()).sendsOn())
                .collect(Collectors.partitioningBy(peer -> bridges.get(peer.peer().subnet()),
                        Collectors.mapping(peer -> peer.address().toString(), Collectors.toList())));
        List<Finding> findings = new ArrayList<>();
        if (mute.isEmpty()) {
            return findings;
        }
        if (!ends.get(true).isEmpty()) {
            findings.add(Finding.fail("peers", String.join(", ", ends.get(true)) + (ends.get(true).size() == 1 ? " answers" : " answer")
                    + " over the overlay, and nothing is sent on there: not to containers either", "sysctl -w net.ipv4.ip_forward=1; there. flanneld check on "
                    + ends.get(true).getFirst() + " tells what else it may be"));
        }
        if (!ends.get(false).isEmpty()) {
            findings.add(Finding.warn("peers", String.join(", ", ends.get(false)) + (ends.get(false).size() == 1 ? " itself answers" : " themselves answer")
                    + ", and nobody says anything of what is sent to containers there", "flanneld check on " + ends.get(false).getFirst() + "; tells whether it"
                    + " sends them on. " + CutQuestions.FOREIGN_ADDRESSES));
        }
        return findings;
    }

    private static Map<Ipv4, Sight> sights(List<Reached> peers, List<Sight> seen) {
        Map<Ipv4, Sight> sights = new TreeMap<>();
        for (int i = 0; i < seen.size(); i++) {
            sights.put(peers.get(i).peer().attributes().publicIp(), seen.get(i));
        }
        return sights;
    }

    private static Host host(String backend, Lease lease) {
        return Host.of(backend, lease.subnet(), lease.attributes().publicIp());
    }

    private static Host besides(Ipv4Subnet subnet, Ipv4 address) {
        return new Host(subnet, List.of(address));
    }

    private static Map<Host, Outcome> outcomes(Round round) {
        Map<Host, Outcome> outcomes = new HashMap<>();
        round.outcomes().forEach(outcome -> outcomes.put(outcome.peer(), outcome));
        return outcomes;
    }

    /**
     * What the echoes say.
     *
     * @param seen     what was seen of those that do not answer over the overlay, of a few at least
     * @param underlay the interface to the other hosts
     * @param mtu      of the network, in bytes
     */
    static List<Finding> judge(List<Reached> reached, Map<Ipv4, Sight> seen, FilterRules rules, Underlay underlay, int mtu) {
        List<Finding> findings = new ArrayList<>();
        // of one that says nothing at all there is nothing to be told, unless its packets, or what somebody says of ours, tell of it
        Map<Ipv4, Sight> cut = new TreeMap<>(seen);
        reached.stream().filter(peer -> !peer.isUp()).map(Reached::address)
                .forEach(address -> cut.computeIfPresent(address, (same, sight) -> sight.arrivesHere() || sight.astray()
                        || sight.refusal() != null ? sight : null));
        findings.addAll(CutQuestions.judge(cut, rules, underlay));
        List<Reached> away = reached.stream().filter(peer -> !peer.small() && !peer.isUp() && !cut.containsKey(peer.address())).toList();
        List<Reached> uncounted = reached.stream().filter(peer -> !peer.small() && peer.isUp() && !cut.containsKey(peer.address())).toList();
        List<Reached> narrow = reached.stream().filter(peer -> peer.small() && !peer.full()).toList();
        if (!uncounted.isEmpty()) {
            findings.add(Finding.fail("peers", named(uncounted) + (uncounted.size() == 1 ? " does" : " do")
                    + " not answer over the overlay either", "flanneld check there"));
        }
        if (!narrow.isEmpty()) {
            findings.add(Finding.fail("peers", named(narrow) + ": small packets get through, those of " + mtu
                    + " bytes do not: the way there takes less than this host's interface",
                    "ping -M do -s " + (mtu - 28) + "; give the interface the MTU that the way has, or \"MTU\" in the network's Backend"));
        }
        if (!away.isEmpty()) {
            findings.add(Finding.warn("peers", named(away) + (away.size() == 1 ? " does" : " do")
                    + " not answer at all: down, or unreachable from here", "ip route get " + away.getFirst().address()
                    + "; shows the way. A host that is gone loses its lease within a day, flanneld lease release takes it away at once"));
        }
        List<Reached> lossy = reached.stream().filter(peer -> peer.small() && peer.full() && peer.overlay().answered() < peer.overlay().sent()).toList();
        if (!lossy.isEmpty()) {
            Outcome first = lossy.getFirst().overlay();
            findings.add(Finding.warn("peers", named(lossy) + (lossy.size() == 1 ? " does" : " do") + " not answer every echo: "
                    + (lossy.size() == 1 ? "" : "the first one ") + first.answered() + " of " + first.sent(),
                    "ping -c 100 -i 0.05 -q " + first.address() + "; shows how many are lost: a line on the way, or a rule that counts or draws lots, as iptables -S"
                    + " there shows"));
        }
        return findings.isEmpty() ? List.of(Finding.ok("peers", reached.size() + (reached.size() == 1 ? " peer answers" : " peers answer")
                + " over the overlay, also packets of " + mtu + " bytes")) : findings;
    }

    private static String named(List<Reached> peers) {
        return peers.stream().limit(NAMED).map(peer -> peer.address() + (peer.overlay().refusal() == null ? "" : " ("
                + peer.overlay().refusal().text() + ")"))
                .collect(Collectors.joining(", ")) + (peers.size() > NAMED ? " and " + (peers.size() - NAMED) + " more" : "");
    }
}
