package flannel.daemon;

import flannel.backend.Backend;
import flannel.backend.UnusablePeerException;
import flannel.kernel.DesiredState;
import flannel.kernel.KernelEntry;
import flannel.kernel.KernelEvent;
import flannel.kernel.PacketFilter;
import flannel.kernel.Reconciler;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.lease.NetworkConfig;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;

/**
 * What one network has in this host's kernel, kept as the leases want it. Called by the session's thread only; the packet filter, whose
 * programs take their time, is looked after by a thread of its own.
 */
final class DataPath {

    /** Something may get lost between a notification and us, even so: look at everything now and then. */
    private static final Duration FULL_CHECK = Duration.ofMinutes(5);

    /** While the kernel refuses an entry (a gateway that is not on-link), it is tried again this often. */
    private static final Duration FAILURE_RETRY = Duration.ofSeconds(10);

    /** Between two repairs, so that a fight with another program does not take the whole processor. */
    private static final Duration REPAIR_PAUSE = Duration.ofMillis(50);

    /** Between two looks at the packet filter: other programs may change theirs all the time. */
    private static final Duration FILTER_PAUSE = Duration.ofMillis(500);

    private final Reconciler reconciler;
    private final PacketFilter filter;
    private final Executor filterThread = Executors.newSingleThreadExecutor(Thread.ofVirtual().name("packet-filter").factory());
    private final Underlay underlay;
    private final Ipv4 publicIp;
    private final Duration filterInterval;
    private final Log log;

    private final Map<Ipv4Subnet, Lease> followed = new HashMap<>();
    private Peers<Ipv4Subnet> peers = new Peers<>();
    private final Set<String> complaints = new HashSet<>();
    /** What the log has to tell once the data path has it. */
    private final List<String> changes = new ArrayList<>();
    private NetworkConfig config;
    private Backend backend;
    private Ipv4Subnet own;
    private Instant checkAt = Instant.MAX;
    private Instant lastCheck = Instant.MIN;
    private Instant filterCheckAt = Instant.MAX;
    private Instant lastFilterCheck = Instant.MIN;

    DataPath(Reconciler reconciler, PacketFilter filter, Underlay underlay, Ipv4 publicIp, Duration filterInterval, Log log) {
        this.reconciler = reconciler;
        this.filter = filter;
        this.underlay = underlay;
        this.publicIp = publicIp;
        this.filterInterval = filterInterval;
        this.log = log;
    }

    /** Puts everything in place for the lease at hand, whatever was there before. Returns when the kernel has it. */
    void open(NetworkConfig config, Backend backend, Ipv4Subnet own, Collection<Lease> leases, PacketFilter.Rules rules)
            throws SystemCallException {
        this.config = config;
        this.backend = backend;
        this.own = own;
        CompletableFuture<Void> filtered = CompletableFuture.runAsync(() -> filter.apply(rules), filterThread);
        peers = new Peers<>();
        followed.clear();
        for (Lease lease : leases) {
            entries(lease).ifPresent(entries -> follow(lease, entries));
        }
        if (log.v(1)) {
            followed.values().forEach(lease -> log.info("Subnet: " + lease.subnet() + " via " + lease.attributes().publicIp()));
        }
        backend.leases(own, followed.values());
        List<KernelEntry> entries = new ArrayList<>(peers.all());
        entries.addAll(backend.local(own));
        report(reconciler.apply(new DesiredState(config.network(), config.subnetLength(), underlay.name(), backend.link(), entries)));
        filtered.join();
        filterCheckAt = Instant.now().plus(filter.isTold() ? FULL_CHECK : filterInterval);
        log.info("Following the leases of " + followed.size() + " other hosts");
    }

    private Peers.Delta follow(Lease lease, List<KernelEntry> entries) {
        followed.put(lease.subnet(), lease);
        return peers.set(lease.subnet(), lease.revision(), entries);
    }

    /** A peer's lease is new or another than before. */
    void put(Lease lease) {
        Optional<List<KernelEntry>> entries = entries(lease);
        if (entries.isEmpty()) {
            remove(lease.subnet());
            return;
        }
        apply(follow(lease, entries.get()));
        changes.add("Subnet added: " + lease.subnet() + " via " + lease.attributes().publicIp());
    }

    /** A peer's lease is gone. */
    void remove(Ipv4Subnet subnet) {
        if (followed.remove(subnet) != null) {
            apply(peers.set(subnet, 0, List.of()));
            changes.add("Subnet removed: " + subnet);
        }
    }

    private void apply(Peers.Delta delta) {
        if (delta.isEmpty()) {
            return;
        }
        try {
            report(reconciler.change(delta.gone(), delta.wanted()));
        } catch (SystemCallException e) {
            failed(e);
        }
    }

    /** What the backend wants for a lease; empty for this host's own, and for one that can't be followed, with one warning. */
    private Optional<List<KernelEntry>> entries(Lease lease) {
        Ipv4 host = lease.attributes().publicIp();
        if (lease.subnet().equals(own) || host.equals(publicIp)) {
            return Optional.empty();
        }
        try {
            refuseNonsense(lease, host);
            return Optional.of(backend.towards(lease));
        } catch (UnusablePeerException e) {
            complain(e.getMessage());
            return Optional.empty();
        }
    }

    /** Whoever can write to the store must not get a route to anywhere but the overlay, nor packets sent in circles. */
    private void refuseNonsense(Lease lease, Ipv4 host) throws UnusablePeerException {
        String ignoring = "Ignoring subnet " + lease.subnet() + " of " + host + ": ";
        if (!config.network().contains(lease.subnet()) || lease.subnet().prefixLength() <= config.network().prefixLength()) {
            throw new UnusablePeerException(ignoring + "it is not a part of " + config.network());
        }
        if (lease.subnet().overlaps(own)) {
            throw new UnusablePeerException(ignoring + "it overlaps this host's " + own);
        }
        if (config.network().contains(host) || !host.isGlobalUnicast() && !host.isLinkLocal()) {
            throw new UnusablePeerException(ignoring + "that can't be the address of a host of this network");
        }
    }

    private void complain(String trouble) {
        if (complaints.add(trouble)) {
            log.warning(trouble);
        }
    }

    /** The kernel tells that something changed, perhaps by our own hand. */
    void kernelChanged(KernelEvent event) {
        if (backend == null) {
            return;
        }
        if (event instanceof KernelEvent.RulesChanged) {
            filterCheckAt = earlier(filterCheckAt, later(Instant.now(), lastFilterCheck, FILTER_PAUSE));
        } else if (reconciler.contradicts(event)) {
            checkAt = earlier(checkAt, later(Instant.now(), lastCheck, REPAIR_PAUSE));
        }
    }

    private static Instant earlier(Instant a, Instant b) {
        return a.isBefore(b) ? a : b;
    }

    private static Instant later(Instant now, Instant last, Duration pause) {
        return last.equals(Instant.MIN) || last.plus(pause).isBefore(now) ? now : last.plus(pause);
    }

    /** When {@link #check} has something to do next. */
    Instant nextCheck() {
        return earlier(checkAt, filterCheckAt);
    }

    /** Tells a data path of our own, once for a whole batch of changes. */
    void flush() {
        if (!changes.isEmpty()) {
            backend.leases(own, followed.values());
            for (String change : changes) {
                log.info(change);
            }
            changes.clear();
        }
    }

    /** Does what is due: compares the kernel and the packet filter with what they should be. */
    void check(Instant now) {
        if (!checkAt.isAfter(now)) {
            try {
                report(reconciler.reconcile());
            } catch (SystemCallException e) {
                failed(e);
            }
        }
        if (!filterCheckAt.isAfter(now)) {
            lastFilterCheck = now;
            filterCheckAt = now.plus(filter.isTold() ? FULL_CHECK : filterInterval);
            filterThread.execute(filter::verify);
        }
    }

    private void failed(SystemCallException e) {
        lastCheck = Instant.now();
        complain("the kernel could not be brought to what the leases want: " + e.getMessage() + "; trying again");
        checkAt = lastCheck.plus(FAILURE_RETRY);
    }

    private void report(List<Reconciler.Failure> failures) {
        lastCheck = Instant.now();
        checkAt = lastCheck.plus(failures.isEmpty() ? FULL_CHECK : FAILURE_RETRY);
        failures.forEach(failure -> complain(failure.what() + ": " + failure.why().getMessage()));
    }
}
