package flannel.daemon;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/** What the service manager is told of all networks together: ready when each that is awaited is, and how they are. For all threads. */
final class Readiness {

    private final ServiceManager serviceManager;
    /** How each network is, in the order given; null where nothing is known yet. */
    private final Map<String, String> states = new LinkedHashMap<>();
    private final Map<String, Boolean> ready = new LinkedHashMap<>();
    private boolean told;

    /** @param awaited names of the networks without which the daemon is not ready; the only one's name is empty */
    Readiness(ServiceManager serviceManager, Collection<String> awaited) {
        this.serviceManager = serviceManager;
        awaited.forEach(name -> ready.put(name, false));
    }

    /**
     * Told by a network whenever something about it has changed.
     *
     * @param isReady whether its data path and subnet file are there; once so, for ever
     * @param state   what it has, or what it waits for
     */
    synchronized void tell(String network, boolean isReady, String state) {
        ready.merge(network, isReady, Boolean::logicalOr);
        states.put(network, state);
        if (!told && !ready.containsValue(false)) {
            told = true;
            serviceManager.ready(text());
        } else {
            serviceManager.status(text());
        }
    }

    /** How all networks are, in one line. */
    synchronized String text() {
        return states.entrySet().stream().map(each -> (each.getKey().isEmpty() ? "" : each.getKey() + ": ") + each.getValue())
                .collect(Collectors.joining("; "));
    }
}
