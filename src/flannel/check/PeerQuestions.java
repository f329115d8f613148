package flannel.check;

import flannel.lease.Lease;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.probe.Echoes;
import flannel.probe.Host;
import flannel.probe.Outcome;
import flannel.probe.Plan;
import flannel.probe.Round;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Do packets get through to the other hosts? Asked by echoes, over the overlay and beside it, which the other hosts' kernels answer: small ones,
 * and such of full size that must not be fragmented.
 */
final class PeerQuestions {

    private static final int ROUNDS = 3;
    private static final Duration INTERVAL = Duration.ofMillis(100);
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

        boolean isUp() {
            return beside.answered() > 0;
        }
    }

    static List<Finding> ask(Scene scene) throws InterruptedException {
        if (scene.config() == null || scene.own() == null || scene.underlay() == null || scene.peers().isEmpty()) {
            return List.of();
        }
        String backend = scene.config().backendType();
        int mtu = scene.mtu();
        Map<Ipv4, Long> claims = scene.peers().stream().collect(Collectors.groupingBy(peer -> peer.attributes().publicIp(), Collectors.counting()));
        List<Lease> peers = scene.peers().stream().filter(peer -> scene.config().network().contains(peer.subnet()) && LeaseQuestions.fits(peer, scene)
                && claims.get(peer.attributes().publicIp()) == 1).toList();
        if (peers.isEmpty()) {
            return List.of();
        }
        try {
            Map<Host, Outcome> overlay = outcomes(Echoes.ask(Plan.of(backend, mtu, ROUNDS, INTERVAL, PATIENCE), host(backend, scene.own()),
                    peers.stream().map(peer -> host(backend, peer)).toList()));
            Plan beside = new Plan(List.of(84, scene.underlay().mtu()), ROUNDS, INTERVAL, PATIENCE, 64);
            Map<Host, Outcome> direct = outcomes(Echoes.ask(beside, besides(scene.own().subnet(), scene.underlay().address()),
                    peers.stream().map(peer -> besides(peer.subnet(), peer.attributes().publicIp())).toList()));
            List<Reached> reached = peers.stream().map(peer -> new Reached(peer, overlay.get(host(backend, peer)),
                    direct.get(besides(peer.subnet(), peer.attributes().publicIp())))).toList();
            return judge(reached, scene.port(), mtu);
        } catch (SystemCallException e) {
            return List.of(Finding.warn("peers", "cannot be asked: " + e.getMessage(), "run the check as root"));
        }
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
     * @param port UDP port of the backend; 0 for none
     * @param mtu  of the network, in bytes
     */
    static List<Finding> judge(List<Reached> reached, int port, int mtu) {
        List<Finding> findings = new ArrayList<>();
        List<Reached> away = reached.stream().filter(peer -> !peer.small() && !peer.isUp()).toList();
        List<Reached> cut = reached.stream().filter(peer -> !peer.small() && peer.isUp()).toList();
        List<Reached> narrow = reached.stream().filter(peer -> peer.small() && !peer.full()).toList();
        if (!cut.isEmpty()) {
            findings.add(Finding.fail("peers", named(cut, peer -> peer.peer().attributes().publicIp() + reason(peer)) + (cut.size() == 1 ? " answers" : " answer")
                    + " beside the overlay and not over it", port == 0 ? "ip route there must have this host's subnet; start flanneld there"
                    : "open UDP port " + port + " towards it and back, in its packet filter and between; start flanneld there if it does not run"));
        }
        if (!narrow.isEmpty()) {
            findings.add(Finding.fail("peers", named(narrow, peer -> peer.peer().attributes().publicIp() + reason(peer)) + ": small packets get through, those of "
                    + mtu + " bytes do not: the way there takes less than this host's interface",
                    "ping -M do -s " + (mtu - 28) + "; give the interface the MTU that the way has, or \"MTU\" in the network's Backend"));
        }
        if (!away.isEmpty()) {
            findings.add(Finding.warn("peers", named(away, peer -> peer.peer().attributes().publicIp().toString()) + (away.size() == 1 ? " does" : " do")
                    + " not answer at all: down, or unreachable from here", "a host that is gone loses its lease within a day; ip route get shows the way"));
        }
        long lossy = reached.stream().filter(peer -> peer.small() && peer.full() && peer.overlay().answered() < peer.overlay().sent()).count();
        if (lossy > 0) {
            findings.add(Finding.warn("peers", lossy + (lossy == 1 ? " peer" : " peers") + " did not answer every echo", "flanneld check again; ping shows how many are lost"));
        }
        return findings.isEmpty() ? List.of(Finding.ok("peers", reached.size() + (reached.size() == 1 ? " peer answers" : " peers answer")
                + " over the overlay, also packets of " + mtu + " bytes")) : findings;
    }

    private static String reason(Reached peer) {
        return peer.overlay().refusal() == null ? "" : " (" + peer.overlay().refusal().text() + ")";
    }

    private static String named(List<Reached> peers, Function<Reached, String> name) {
        return peers.stream().limit(NAMED).map(name).collect(Collectors.joining(", ")) + (peers.size() > NAMED ? " and " + (peers.size() - NAMED) + " more" : "");
    }
}
