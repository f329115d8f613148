package flannel.check;

import flannel.lease.Lease;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.probe.Echoes;
import flannel.probe.Host;
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
                && scene.config().network().contains(peer.subnet()) && LeaseQuestions.fits(peer, scene)
                && claims.get(peer.attributes().publicIp()) == 1).toList();
        if (peers.isEmpty() || doubled.contains(scene.own())) {
            return List.of();
        }
        Duration interval = Duration.ofMillis(Math.max(20, peers.size() / 10)); // 10,000 packets a second at most
        Plan overlay = Plan.of(backend, mtu, ROUNDS, interval, PATIENCE);
        Plan beside = new Plan(List.of(84, scene.underlay().mtu()), ROUNDS, interval, PATIENCE, 64);
        try (ExecutorService second = Executors.newSingleThreadExecutor()) {
            Future<Map<Host, Outcome>> direct = second.submit(() -> outcomes(Echoes.ask(beside, besides(scene.own().subnet(),
                    scene.underlay().address()),
                    peers.stream().map(peer -> besides(peer.subnet(), peer.attributes().publicIp())).toList())));
            Map<Host, Outcome> over = outcomes(Echoes.ask(overlay, host(backend, scene.own()), peers.stream().map(peer -> host(backend,
                    peer)).toList()));
            Map<Host, Outcome> side = direct.get();
            List<Reached> reached = peers.stream().map(peer -> new Reached(peer, over.get(host(backend, peer)),
                    side.get(besides(peer.subnet(), peer.attributes().publicIp())))).toList();
            List<Reached> silent = reached.stream().filter(peer ->
                    !peer.small()).sorted(Comparator.comparing(Reached::isUp).reversed()).limit(CutQuestions.MOST).toList();
            return judge(reached, silent.isEmpty() ? Map.of() : sights(silent, CutQuestions.look(scene, silent)), rules,
                    scene.underlay().name(), mtu);
        } catch (SystemCallException e) {
            return List.of(Finding.warn("peers", "cannot be asked: " + e.getMessage(), "run the check as root"));
        } catch (ExecutionException e) {
            return List.of(Finding.warn("peers", "cannot be asked: " + e.getCause().getMessage(), "run the check as root"));
        }
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
     * @param seen what was seen of those that do not answer over the overlay, of a few at least
     * @param eth  name of the interface to the other hosts
     * @param mtu  of the network, in bytes
     */
    static List<Finding> judge(List<Reached> reached, Map<Ipv4, Sight> seen, FilterRules rules, String eth, int mtu) {
        List<Finding> findings = new ArrayList<>();
        // of one that says nothing at all there is nothing to be told, unless its packets, or what somebody says of ours, tell of it
        Map<Ipv4, Sight> cut = new TreeMap<>(seen);
        reached.stream().filter(peer -> !peer.isUp()).map(Reached::address)
                .forEach(address -> cut.computeIfPresent(address, (same, sight) -> sight.arrivesHere() || sight.refusal() != null ? sight : null));
        findings.addAll(CutQuestions.judge(cut, rules, eth));
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
        long lossy = reached.stream().filter(peer -> peer.small() && peer.full() && peer.overlay().answered() < peer.overlay().sent()).count();
        if (lossy > 0) {
            findings.add(Finding.warn("peers", lossy + (lossy == 1 ? " peer" : " peers") + " did not answer every echo",
                    "flanneld check; again. ping shows how many are lost"));
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
