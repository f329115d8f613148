package flannel.daemon;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** What the service manager is told of all networks together: ready when each that is awaited is, and how they are. For all threads. */
final class Readiness {

    /** Of more networks only those are told of in full that are not well, and not more of them. */
    private static final int MOST_TOLD = 8;

    private final ServiceManager serviceManager;
    private final Set<String> awaited;
    /** Those that are awaited no longer than until they have said why they can't be ready. */
    private final Set<String> excusable = new HashSet<>();
    private final Set<String> ready = new HashSet<>();
    /** How each network is, in the order of their first words. */
    private final Map<String, String> states = new LinkedHashMap<>();
    private boolean told;

    /** @param awaited names of the networks without which the daemon is not ready; the only one's name is empty */
    Readiness(ServiceManager serviceManager, Collection<String> awaited) {
        this.serviceManager = serviceManager;
        this.awaited = new HashSet<>(awaited);
    }

    /** Awaits further networks, which nobody has named: one that can't be had is not to fail the whole daemon. */
    synchronized void await(Collection<String> networks) {
        excusable.addAll(networks);
    }

    /**
     * Told by a network whenever something about it has changed.
     *
     * @param isReady whether its data path and subnet file are there; once so, for ever
     * @param state   what it has, or what it waits for
     */
    synchronized void tell(String network, boolean isReady, String state) {
        if (isReady) {
            ready.add(network);
        }
        if (isReady || !state.isEmpty()) {
            excusable.remove(network);
        }
        states.put(network, state);
        tell();
    }

    /** A network has gone. */
    synchronized void forget(String network) {
        states.remove(network);
        excusable.remove(network);
        ready.remove(network);
        tell();
    }

    private void tell() {
        if (!told && ready.containsAll(awaited) && excusable.isEmpty()) {
            told = true;
            serviceManager.ready(text());
        } else {
            serviceManager.status(text());
        }
    }

    /** How all networks are, in one line. */
    synchronized String text() {
        Map<String, String> known = new HashMap<>(states);
        known.values().removeIf(String::isEmpty);
        if (known.size() <= MOST_TOLD) {
            return text(states.keySet().stream().filter(known::containsKey).toList());
        }
        List<String> unready = states.keySet().stream().filter(network -> known.containsKey(network) && !ready.contains(network)).toList();
        String all = count(ready) + " of " + count(states.keySet()) + " networks are up";
        return unready.isEmpty() ? all : all + "; " + text(unready.subList(0, Math.min(MOST_TOLD, unready.size())))
                + (unready.size() > MOST_TOLD ? "; and " + (unready.size() - MOST_TOLD) + " more are not" : "");
    }

    /** The list of networks stands among them without a name. */
    private static long count(Collection<String> networks) {
        return networks.stream().filter(network -> !network.isEmpty()).count();
    }

    private String text(List<String> networks) {
        return networks.stream().map(network -> (network.isEmpty() ? "" : network + ": ") + states.get(network)).collect(Collectors.joining("; "));
    }
}
