package flannel.lab.faults;

import flannel.lab.Await;
import flannel.lab.Host;
import flannel.lab.KernelView;
import flannel.lab.Lab;
import flannel.lab.Store;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** A whole rack that gets its power back: all hosts start in the same second, and none has been in the network before. */
final class ManyHosts {

    /** All on one machine: each starts in a second of a processor. */
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    private ManyHosts() {
    }

    /** Starts them and waits until each has a subnet of its own and a way to all others; how long that took. */
    static Duration start(int number, Store.Api api) throws Exception {
        try (Lab lab = new Lab(api, Lab.built())) {
            lab.store().put("config", "{\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"host-gw\"}}");
            List<Host> hosts = new ArrayList<>();
            for (int i = 1; i <= number; i++) {
                hosts.add(lab.host(i));
            }
            long startNanos = System.nanoTime();
            for (Host host : hosts) {
                host.start(lab.options());
            }
            for (Host host : hosts) {
                host.daemon().awaitReady(PATIENCE);
            }
            TreeSet<String> subnets = new TreeSet<>();
            for (Host host : hosts) {
                subnets.add(host.subnet());
            }
            if (subnets.size() != number || lab.store().leases().size() != number) {
                throw new AssertionError(number + " hosts have the subnets " + subnets + ", and the store has " + lab.store().leases());
            }
            for (Host host : hosts) {
                TreeSet<String> others = new TreeSet<>(subnets);
                others.remove(host.subnet());
                Await.that(host.address() + " has a route to each of " + others, () -> routed(host).equals(others));
            }
            return Duration.ofNanos(System.nanoTime() - startNanos);
        }
    }

    private static TreeSet<String> routed(Host host) {
        TreeSet<String> routed = new TreeSet<>();
        KernelView.routes(host).stream().map(route -> route.split(" ")[0]).filter(to -> to.startsWith("10.1.")).forEach(routed::add);
        return routed;
    }
}
