package flannel.daemon;

import flannel.backend.Backend;
import flannel.backend.UnusablePeerException;
import flannel.backend.udp.Counter;
import flannel.backend.udp.UdpBackend;
import flannel.kernel.DesiredState;
import flannel.kernel.KernelEntry;
import flannel.kernel.KernelEvent;
import flannel.kernel.Link;
import flannel.kernel.PacketFilter;
import flannel.kernel.Reconciler;
import flannel.kernel.Underlay;
import flannel.lease.Entry;
import flannel.lease.Lease;
import flannel.lease.LeaseKey;
import flannel.lease.NetworkConfig;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.status.NetworkStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/** What one network has in this host's kernel, kept as the leases want it. Called by the session's thread only. */
final class DataPath {

    /**
     * This host, as the leases tell of it.
     *
     * @param subnet   of its lease
     * @param publicIp where the other hosts reach it
     * @param mark     see {@link flannel.lease.LeaseAttributes#node}
     */
    record Self(Ipv4Subnet subnet, Ipv4 publicIp, String mark) {

        boolean wrote(Lease lease) {
            return lease.subnet().equals(subnet) || lease.attributes().publicIp().equals(publicIp) || lease.attributes().node().equals(mark);
        }
    }

    /** Something may get lost between a notification and us, even so: look at everything now and then. */
    private static final Duration FULL_CHECK = Duration.ofMinutes(5);

    /** While the kernel refuses an entry (a gateway that is not on-link), it is tried again this often. */
    private static final Duration FAILURE_RETRY = Duration.ofSeconds(10);

    /** Between two repairs, so that a fight with another program does not take the whole processor. */
    private static final Duration REPAIR_PAUSE = Duration.ofMillis(50);

    private final String network;
    private final Reconciler reconciler;
    private final PacketFilter filter;
    private final Clock clock;
    private final Log log;

    private final Map<LeaseKey, Lease> followed = new LinkedHashMap<>();
    private Peers<LeaseKey> peers = new Peers<>();
    /** Counts the leases as they come: of two that want the same place the later one counts. */
    private long order;
    /** Why a lease is not followed, as last said. */
    private final Map<LeaseKey, String> complaints = new HashMap<>();
    /** What the kernel refused when last told, and was said then. */
    private Set<String> failures = Set.of();
    /** What the log has to tell once the data path has it. */
    private final List<String> changes = new ArrayList<>();
    private NetworkConfig config;
    private Backend backend;
    private Underlay underlay;
    private Self self;
    private final Damping damping;
    private final Alarm check;
    private final Repairs repairs;
    private long lastCheckNanos;
    private long comparedNanos;

    /** @param network its name; empty for the only one */
    DataPath(String network, Reconciler reconciler, PacketFilter filter, Clock clock, Log log) {
        this.network = network;
        this.reconciler = reconciler;
        this.filter = filter;
        this.clock = clock;
        this.log = log;
        damping = new Damping(clock);
        repairs = new Repairs(clock);
        check = new Alarm(clock);
    }

    /**
     * Puts everything in place for the lease at hand, whatever was there before. Returns when the kernel has it.
     *
     * @param unreachable whether what no host holds is to be unreachable
     * @param takeOver whether this host never had the network in place before, so that an earlier Go flanneld may have left routes here
     * @throws SystemCallException when it can't be had; at a host's first time what was put in for it is taken away again
     */
    void open(NetworkConfig config, Backend backend, Underlay underlay, Self self, Collection<Lease> leases, PacketFilter.Rules rules,
            boolean unreachable, boolean takeOver) throws SystemCallException {
        this.config = config;
        this.backend = backend;
        this.underlay = underlay;
        this.self = self;
        boolean bare = takeOver && reconciler.isBare(config.network(), backend.link());
        CompletableFuture<Void> filtered = filter.apply(network, rules);
        peers = new Peers<>();
        followed.clear();
        damping.forget();
        complaints.keySet().retainAll(leases.stream().map(Lease::key).collect(Collectors.toSet()));
        for (Lease lease : leases) {
            entries(lease).ifPresent(entries -> follow(lease, entries));
        }
        if (log.v(1)) {
            followed.values().forEach(lease -> log.info("Subnet: " + lease.subnet() + " via " + lease.attributes().publicIp()));
        }
        backend.leases(self.subnet(), followed.values());
        List<KernelEntry> entries = new ArrayList<>(peers.all());
        entries.addAll(backend.local(self.subnet()));
        if (unreachable) {
            entries.add(new KernelEntry.Unreachable(config.network()));
        }
        Set<Ipv4> formerGateways = !takeOver ? Set.of()
                : leases.stream().map(lease -> lease.attributes().publicIp()).collect(Collectors.toSet());
        try {
            compared(reconciler.apply(new DesiredState(config.network(), config.subnetLength(), underlay.name(), backend.link(), entries,
                    formerGateways)));
        } catch (SystemCallException e) {
            if (bare) {
                undo(backend.link());
            }
            throw e;
        }
        filtered.join();
        log.info("Following the leases of " + followed.size() + " other hosts");
    }

    /** Takes away what was put in, where nothing was before: no packets go by it yet. */
    private void undo(Link device) {
        new Withdrawal(network, reconciler, filter).ofKernel(config, device, underlay);
        followed.clear();
        backend = null;
    }

    /** Whether the leases are only remembered: what an earlier run has put into the kernel stays, for it may have known more. */
    void spareUndeclared(boolean remembered) {
        reconciler.spare(remembered);
        if (!remembered) {
            check.now();
        }
    }

    private Peers.Delta follow(Lease lease, List<KernelEntry> entries) {
        followed.put(lease.key(), lease);
        return peers.set(lease.key(), ++order, entries);
    }

    /** A key of the store holds something new or other than before. */
    void put(Entry entry) {
        if (damping.passes(entry.key(), entry)) {
            become(entry.key(), entry);
        }
    }

    /** A key of the store is gone. */
    void remove(LeaseKey key) {
        if (damping.passes(key, null)) {
            become(key, null);
        }
    }

    private void become(LeaseKey key, Entry entry) {
        if (!(entry instanceof Lease lease)) {
            complaints.remove(key);
            stop(key);
            return;
        }
        Optional<List<KernelEntry>> entries = entries(lease);
        if (entries.isEmpty()) {
            stop(key);
            return;
        }
        change(follow(lease, entries.get()));
        changes.add("Subnet added: " + lease.subnet() + " via " + lease.attributes().publicIp());
    }

    private void stop(LeaseKey key) {
        Lease former = followed.remove(key);
        if (former != null) {
            change(peers.set(key, 0, List.of()));
            changes.add("Subnet removed: " + former.subnet());
        }
    }

    private void change(Peers.Delta delta) {
        if (delta.isEmpty()) {
            return;
        }
        try {
            List<Reconciler.Failure> refused = reconciler.change(delta.gone(), delta.wanted());
            if (!refused.isEmpty()) {
                say(refused);
                check.within(FAILURE_RETRY);
            }
        } catch (SystemCallException e) {
            failed(e);
        }
        lastCheckNanos = clock.nanos();
    }

    /** What the backend wants for a lease; empty for this host's own, and for one that can't be followed, with one warning. */
    private Optional<List<KernelEntry>> entries(Lease lease) {
        if (self.wrote(lease)) {
            return Optional.empty();
        }
        try {
            Plausibility.check(lease, config.network(), underlay, self.subnet());
            List<KernelEntry> entries = backend.towards(lease);
            complaints.remove(lease.key());
            return Optional.of(entries);
        } catch (UnusablePeerException e) {
            if (!e.getMessage().equals(complaints.put(lease.key(), e.getMessage()))) {
                log.warning(e.getMessage());
            }
            return Optional.empty();
        }
    }

    /** The kernel tells that something changed, perhaps by our own hand. */
    void kernelChanged(KernelEvent event) {
        if (backend != null && reconciler.contradicts(event)) {
            repairs.suspect(event);
            check.within(REPAIR_PAUSE.minusNanos(clock.nanos() - lastCheckNanos));
        }
    }

    /** When {@link #timers} has something to do next. */
    long nextNanos() {
        return Math.min(damping.nextNanos(), check.atNanos());
    }

    /** Tells a data path of our own, once for a whole batch of changes. */
    void flush() {
        if (!changes.isEmpty()) {
            backend.leases(self.subnet(), followed.values());
            for (String change : changes) {
                log.info(change);
            }
            changes.clear();
        }
    }

    /** Does what is due: compares the kernel with what it should be. */
    void timers() {
        List<Damping.Change> due = damping.due();
        if (!due.isEmpty()) {
            due.forEach(change -> become(change.key(), change.entry()));
            flush();
        }
        if (check.rings()) {
            try {
                compared(reconciler.reconcile());
                repairs.note(reconciler.lastComparison()).filter(repair -> log.v(1)).ifPresent(log::info);
            } catch (SystemCallException e) {
                failed(e);
            }
        }
    }

    /**
     * Takes everything of the network off this host, and ends the backend.
     *
     * @param opened what the session has open; null for nothing. An earlier run may have left it in the kernel
     * @return what stays, in sentences
     */
    List<String> withdraw(Phase.Configured opened, Underlay underlay) throws InterruptedException {
        NetworkConfig there = backend != null || opened == null ? config : opened.config();
        Link link = backend != null ? backend.link() : opened != null ? opened.backend().link() : null;
        backend = null;
        check.cancel();
        return new Withdrawal(network, reconciler, filter).run(there, link, underlay, opened == null ? null : opened.backend());
    }

    private void failed(SystemCallException e) {
        lastCheckNanos = clock.nanos();
        check.within(FAILURE_RETRY);
        say(List.of(new Reconciler.Failure("the kernel could not be brought to what the leases want, trying again", e)));
    }

    /** Everything was compared: only this puts the next comparison off. */
    private void compared(List<Reconciler.Failure> refused) {
        lastCheckNanos = clock.nanos();
        comparedNanos = lastCheckNanos;
        check.in(refused.isEmpty() ? FULL_CHECK : FAILURE_RETRY);
        say(refused);
    }

    /** Says each failure once, until it ends. */
    private void say(List<Reconciler.Failure> refused) {
        Set<String> now = refused.stream().map(failure -> failure.what() + ": " + failure.why().getMessage())
                .collect(Collectors.toCollection(HashSet::new));
        now.stream().filter(failure -> !failures.contains(failure)).forEach(log::warning);
        failures = now;
    }

    // ---- what people are told ----

    Repairs repairs() {
        return repairs;
    }

    PacketFilter.Report filter() {
        return filter.report();
    }

    /** The last repairs with those of the packet filter, whose chains are those of all networks. */
    List<NetworkStatus.Repair> allRepairs() {
        PacketFilter.Report report = filter.report();
        List<NetworkStatus.Repair> all = new ArrayList<>(repairs.last());
        if (report.repairs() > 0) {
            all.add(new NetworkStatus.Repair(report.last(), "iptables chains " + report.chains(), ""));
            all.sort(Comparator.comparing(NetworkStatus.Repair::when));
        }
        return all;
    }

    Map<String, Long> repaired() {
        Map<String, Long> totals = repairs.totals();
        totals.merge("iptables", filter.report().repairs(), Long::sum);
        return totals;
    }

    NetworkStatus.Kernel kernel() {
        return new NetworkStatus.Kernel(reconciler.comparisons(),
                reconciler.comparisons() == 0 ? null : Duration.ofNanos(clock.nanos() - comparedNanos), List.copyOf(failures));
    }

    /** What becomes of another entry of the store. */
    NetworkStatus.Peer peer(Entry entry, boolean kept) {
        return switch (entry) {
            case Entry.Occupied occupied -> new NetworkStatus.Peer(occupied.key().subnet().map(Ipv4Subnet::toString).orElse(occupied.key().name()),
                    "", "", kept, "Ignoring " + occupied.key() + " in the store: " + occupied.why());
            case Lease lease -> new NetworkStatus.Peer(lease.subnet().toString(), lease.attributes().publicIp().toString(), via(lease), kept,
                    complaints.getOrDefault(lease.key(), ""), entries(lease.key()), null);
        };
    }

    /** What a peer needs in the kernel, and whether that has it; null for nothing, and as long as it is not known. */
    private NetworkStatus.Entries entries(LeaseKey key) {
        List<KernelEntry> wanted = peers.of(key);
        if (wanted.isEmpty() || !reconciler.isCompared()) {
            return null;
        }
        List<String> present = new ArrayList<>(wanted.size());
        List<String> missing = new ArrayList<>(0);
        for (KernelEntry entry : wanted) {
            (reconciler.holds(entry) ? present : missing).add(entry.kind());
        }
        return new NetworkStatus.Entries(present, missing);
    }

    private String via(Lease lease) {
        if (!followed.containsKey(lease.key())) {
            return self != null && self.wrote(lease) ? NetworkStatus.Peer.SELF : "";
        }
        for (KernelEntry entry : peers.of(lease.key())) {
            if (backend.link() != null && entry instanceof KernelEntry.Route route && !route.device().equals(backend.link().name())) {
                return "route";
            }
        }
        return config.backendType();
    }

    /** From the outside in. */
    List<NetworkStatus.Mtu> mtus() {
        if (backend == null) {
            return List.of();
        }
        NetworkStatus.Mtu outer = new NetworkStatus.Mtu(underlay.name(), underlay.mtu());
        return backend.link() == null ? List.of(outer) : List.of(outer, new NetworkStatus.Mtu(backend.link().name(), backend.mtu()));
    }

    /** Of a data path of our own. */
    List<NetworkStatus.Counter> counters() {
        return !(backend instanceof UdpBackend udp) ? List.of() : udp.counters().values().entrySet().stream()
                .map(each -> new NetworkStatus.Counter(each.getKey().label(), each.getKey().kind() == Counter.Kind.DROP,
                        each.getKey().meaning(), each.getValue())).toList();
    }
}
