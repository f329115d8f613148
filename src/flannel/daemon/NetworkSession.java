package flannel.daemon;

import flannel.backend.Backend;
import flannel.files.FileException;
import flannel.files.SmallFiles;
import flannel.files.SmallFiles.Readers;
import flannel.kernel.KernelEvent;
import flannel.kernel.PacketFilter;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.LeaseConflictException;
import flannel.lease.LeaseKeeper;
import flannel.lease.LeaseKeeper.Acquired;
import flannel.lease.LeaseRegistry.ConfigChanged;
import flannel.lease.LeaseRegistry.LeaseGone;
import flannel.lease.LeaseRegistry.LeasePut;
import flannel.lease.LeaseRegistry.Snapshot;
import flannel.lease.NetworkConfig;
import flannel.lease.RegistryException;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * One network on this host. One thread owns all its state: watchers, kernel notifications and store writes post to its queue, and it alone
 * decides. A life goes like this:
 *
 * <pre>
 *   no configuration --config--> no lease --acquired--> settling --nobody objects--> active
 *                                   ^                                                  |
 *                                   '------- own lease gone, or held by another -------'   (the data path stays meanwhile)
 * </pre>
 */
final class NetworkSession {

    /** How long a second host that uses our PublicIP has to take its lease back. */
    private static final Duration SETTLING = Duration.ofSeconds(1);

    private static final Duration RENEWAL_RETRY = Duration.ofMinutes(1);
    private static final Duration ACTIVATION_RETRY = Duration.ofSeconds(2);
    private static final Duration LONGEST_RETRY = Duration.ofSeconds(15);

    /** A host that comes back again and again to a lease of ours is let have it. */
    private static final int REASSERTIONS = 3;

    private final LinkedBlockingQueue<Message> queue = new LinkedBlockingQueue<>();
    private final Settings settings;
    private final Ipv4 publicIp;
    private final String nodeMark;
    private final Backends backends;
    private final LeaseKeeper keeper;
    private final DataPath dataPath;
    private final NetworkMemory memory;
    private final ServiceManager serviceManager;
    private final Log log;

    private final Map<Ipv4Subnet, Lease> leases = new HashMap<>();
    private final Set<String> strangers = new HashSet<>();
    private String configText;
    private String storeTrouble = "";
    private String complaint = "";
    private NetworkConfig config;
    private Backend backend;
    private LeaseAttributes attributes;
    private Lease own;
    private String takenFrom = "";
    private boolean active;
    private boolean writing;
    private final Set<Ipv4Subnet> goneWhileWriting = new HashSet<>();
    private int reassertions;
    private Ipv4Subnet wantedSubnet;
    private Instant retryAt = Instant.MAX;
    private Duration retryPause = Duration.ofSeconds(1);
    private Instant activateAt = Instant.MAX;
    private Instant renewAt = Instant.MAX;

    NetworkSession(Settings settings, Ipv4 publicIp, String nodeMark, Backends backends, LeaseKeeper keeper, DataPath dataPath,
            NetworkMemory memory, ServiceManager serviceManager, Log log) {
        this.settings = settings;
        this.publicIp = publicIp;
        this.nodeMark = nodeMark;
        this.backends = backends;
        this.keeper = keeper;
        this.dataPath = dataPath;
        this.memory = memory;
        this.serviceManager = serviceManager;
        this.log = log;
        this.wantedSubnet = SubnetFile.subnetIn(settings.subnetFile()).or(memory::previousSubnet).orElse(null);
    }

    /** Tells the session that something happened. May be called by any thread. */
    void post(Message message) {
        queue.add(message);
    }

    /** Runs until interrupted. */
    void run() {
        try {
            while (true) {
                Message message = queue.poll(Math.max(0, nextDeadlineMillis()), TimeUnit.MILLISECONDS);
                if (message != null) {
                    handle(message);
                }
                if (queue.isEmpty()) {
                    dataPath.flush();
                    timers(Instant.now());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private long nextDeadlineMillis() {
        Instant next = earliest(earliest(retryAt, activateAt), earliest(renewAt, dataPath.nextCheck()));
        Duration wait = Duration.between(Instant.now(), next.equals(Instant.MAX) ? Instant.now().plusSeconds(3600) : next);
        // a clock that is set, or a host that slept, must not stretch a wait for long
        return Math.min(wait.toMillis() + 1, 30_000);
    }

    private static Instant earliest(Instant a, Instant b) {
        return a.isBefore(b) ? a : b;
    }

    private void handle(Message message) {
        switch (message) {
            case Message.Listed(Snapshot snapshot) -> listed(snapshot);
            case Message.Changed(ConfigChanged(String text)) -> configured(text);
            case Message.Changed(LeasePut(Lease lease)) -> leasePut(lease);
            case Message.Changed(LeaseGone(Ipv4Subnet subnet)) -> leaseGone(subnet);
            case Message.StoreAway(String reason) -> storeAway(reason);
            case Message.Kernel(KernelEvent event) -> dataPath.kernelChanged(event);
            case Message.LeaseAcquired(Acquired acquired) -> acquired(acquired);
            case Message.LeaseRenewed(Lease lease) -> renewed(lease);
            case Message.LeaseFailed(RegistryException reason, boolean renewing) -> leaseFailed(reason, renewing);
        }
    }

    private void timers(Instant now) {
        if (!retryAt.isAfter(now)) {
            retryAt = Instant.MAX;
            advance();
        }
        if (!activateAt.isAfter(now)) {
            activateAt = Instant.MAX;
            activate();
        }
        if (!renewAt.isAfter(now)) {
            renewAt = Instant.MAX;
            renew();
        }
        dataPath.check(now);
    }

    // ---- the store ----

    private void listed(Snapshot snapshot) {
        storeAnswers();
        Map<Ipv4Subnet, Lease> now = new HashMap<>(snapshot.leases().size() * 2);
        snapshot.leases().forEach(lease -> now.put(lease.subnet(), lease));
        Set<Ipv4Subnet> vanished = new HashSet<>(leases.keySet());
        vanished.removeAll(now.keySet());
        vanished.forEach(this::leaseGone);
        Lease ownNow = own == null ? null : now.remove(own.subnet());
        now.values().forEach(this::leasePut);
        if (ownNow != null) {
            if (ownNow.revision() < own.revision()) {
                renewAt = Instant.MIN; // listed before our last write, or the store was emptied or restored since: writing tells which
            }
            leasePut(ownNow); // last: it may start a search for another subnet, which has to know all of them
        }
        configured(snapshot.config());
    }

    private void storeAway(String reason) {
        if (!reason.equals(storeTrouble)) {
            log.error(reason + (active ? "; packets flow on as before" : ""));
        }
        storeTrouble = reason;
        if (!active) {
            serviceManager.status("waiting for etcd: " + reason);
        }
    }

    private void storeAnswers() {
        if (!storeTrouble.isEmpty()) {
            log.info("The store answers again");
        }
        storeTrouble = "";
    }

    /** Logs a trouble when it is new or another than before: it is met again at each try, and the log must not flood. */
    private void complain(String trouble) {
        if (!trouble.equals(complaint)) {
            log.error(trouble);
        }
        complaint = trouble;
        if (!active) {
            serviceManager.status(trouble);
        }
    }

    // ---- the configuration ----

    private void configured(String text) {
        if (Objects.equals(text, configText)) {
            if (text == null) {
                noConfig();
            } else {
                advance();
            }
            return;
        }
        boolean inUse = config != null;
        configText = text;
        if (inUse) {
            log.warning("The network config " + (text == null ? "was deleted" : "has changed to " + text)
                    + "; this host goes on with the one it started with: restart flanneld on every host to use another");
            return;
        }
        advance();
        if (text == null) {
            noConfig();
        }
    }

    private void noConfig() {
        if (config == null) {
            String key = settings.etcd().prefix() + "/config";
            complain("failed to retrieve network config: there is no key " + key + "; waiting for it");
        }
    }

    /** Goes on towards the active state from wherever it stands. */
    private void advance() {
        if (config == null && configText != null) {
            openBackend();
        }
        if (config != null && own == null) {
            acquire();
        }
    }

    private void openBackend() {
        try {
            NetworkConfig parsed = NetworkConfig.parse(configText);
            backend = backends.open(parsed);
            attributes = new LeaseAttributes(publicIp, backend.leaseType(), backend.leaseData(), nodeMark);
            config = parsed;
            complaint = "";
        } catch (IllegalArgumentException e) {
            complain("cannot use the network config " + configText + ": " + e.getMessage());
        } catch (IOException e) {
            complain("failed to create the network: " + e.getMessage());
            retry();
        }
    }

    private void retry() {
        retryAt = Instant.now().plus(retryPause);
        retryPause = retryPause.multipliedBy(2).compareTo(LONGEST_RETRY) > 0 ? LONGEST_RETRY : retryPause.multipliedBy(2);
    }

    // ---- the own lease ----

    private void acquire() {
        if (!writing) {
            LeaseKeeper.Wish wish = new LeaseKeeper.Wish(config, attributes, wantedSubnet, Set.copyOf(strangers));
            List<Lease> known = List.copyOf(leases.values());
            write(() -> new Message.LeaseAcquired(keeper.acquire(wish, known)), false);
        }
    }

    private void renew() {
        if (own != null && !writing) {
            Lease held = own;
            write(() -> new Message.LeaseRenewed(keeper.renew(held, attributes)), true);
        }
    }

    private interface StoreWrite {
        Message run() throws RegistryException, InterruptedException;
    }

    /** Writes to the store beside this thread, which must stay ready for the kernel: a frozen store takes seconds to give up on. */
    private void write(StoreWrite job, boolean renewing) {
        writing = true;
        goneWhileWriting.clear();
        Thread.ofVirtual().name("lease").start(() -> {
            try {
                post(job.run());
            } catch (RegistryException e) {
                post(new Message.LeaseFailed(e, renewing));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private void leaseFailed(RegistryException reason, boolean renewing) {
        writing = false;
        Lease seen = own == null ? null : leases.get(own.subnet());
        if (!renewing) {
            complain("failed to acquire a lease: " + reason.getMessage());
            retry();
        } else if (reason instanceof LeaseConflictException && seen == null) {
            revoked();
        } else if (reason instanceof LeaseConflictException && seen.revision() != own.revision()) {
            ownLeaseWritten(seen);
        } else {
            log.error("Error renewing lease (trying again in 1 min): " + reason.getMessage());
            renewAt = Instant.now().plus(RENEWAL_RETRY);
        }
    }

    private void acquired(Acquired acquired) {
        writing = false;
        retryPause = Duration.ofSeconds(1);
        complaint = "";
        own = acquired.lease();
        takenFrom = acquired.takenFrom();
        wantedSubnet = own.subnet();
        scheduleRenewal();
        log.info("Lease acquired: " + own.subnet());
        if (takenFrom.isEmpty()) {
            activate();
        } else {
            log.warning("Lease " + own.subnet() + " with our PublicIP " + publicIp + " was written by another installation (mark " + takenFrom
                    + ", ours is " + nodeMark + "); taking it over unless that host is alive and objects");
            activateAt = Instant.now().plus(SETTLING);
        }
        catchUp();
    }

    private void renewed(Lease lease) {
        writing = false;
        own = lease;
        scheduleRenewal();
        if (lease.expiry() instanceof Lease.At(Instant end)) {
            log.info("Lease renewed, new expiration: " + end);
        }
        catchUp();
    }

    /** The watch may have told what became of a write of ours before the write's own answer was here. */
    private void catchUp() {
        Lease seen = leases.get(own.subnet());
        if (goneWhileWriting.contains(own.subnet())) {
            revoked(); // or not: to acquire again finds out which came first
        } else if (seen == null || seen.revision() <= own.revision()) {
            leases.put(own.subnet(), own);
        } else {
            ownLeaseWritten(seen);
        }
    }

    private void scheduleRenewal() {
        renewAt = switch (own.expiry()) {
            case Lease.Never never -> Instant.MAX;
            case Lease.At(Instant end) -> end.minus(settings.renewMargin());
            case Lease.Unknown unknown -> Instant.now().plus(LeaseKeeper.TIME_TO_LIVE.minus(settings.renewMargin()));
        };
    }

    private void leasePut(Lease lease) {
        Lease before = leases.put(lease.subnet(), lease);
        if (own != null && lease.subnet().equals(own.subnet())) {
            if (lease.revision() > own.revision()) {
                ownLeaseWritten(lease);
            }
        } else if (active && (before == null || !before.attributes().equals(lease.attributes()))) {
            dataPath.put(lease);
        }
    }

    private void leaseGone(Ipv4Subnet subnet) {
        leases.remove(subnet);
        if (writing) {
            goneWhileWriting.add(subnet);
        }
        if (own != null && subnet.equals(own.subnet())) {
            if (!writing) {
                revoked();
            }
        } else if (active) {
            dataPath.remove(subnet);
        }
        if (config != null && own == null) {
            advance();
        }
    }

    /** The own lease's key was written, perhaps by ourselves: the watch tells of that too, before or after the write's answer. */
    private void ownLeaseWritten(Lease lease) {
        LeaseAttributes seen = lease.attributes();
        if (seen.equals(attributes)) {
            boolean untold = !writing && lease.expiry() instanceof Lease.Unknown && lease.storeLease() != own.storeLease();
            own = lease;
            scheduleRenewal();
            if (untold) {
                renew(); // somebody hung our key on an etcd lease of theirs, which may end soon
            }
        } else if (writing) {
            return; // our write under way meets it as a conflict, or has made it obsolete
        } else if (!seen.publicIp().equals(publicIp)) {
            log.error("Lease " + lease.subnet() + " is now held by " + seen.publicIp() + "; moving to another subnet");
            move();
        } else if (!isAnotherHost(seen)) {
            log.warning("The value of our lease " + lease.subnet() + " was changed to " + seen.toJson() + "; writing it again");
            reassert(lease);
        } else if (!seen.node().isEmpty() && !seen.node().equals(takenFrom) && reassertions < REASSERTIONS) {
            log.error(rival(lease) + "; taking the lease back, the other host has to move");
            reassert(lease);
        } else {
            log.error(rival(lease) + "; moving to another subnet");
            strangers.add(seen.node());
            move();
        }
    }

    /** Whether the writer of a value with our PublicIP must be a host other than this one, not an operator who edited it. */
    private boolean isAnotherHost(LeaseAttributes seen) {
        return seen.node().isEmpty() ? seen.backendData() != null && !seen.backendData().equals(attributes.backendData())
                : !seen.node().equals(nodeMark);
    }

    private String rival(Lease lease) {
        String writer = lease.attributes().node();
        return "two hosts claim the PublicIP " + publicIp + ": this one (mark " + nodeMark + ") and "
                + (writer.isEmpty() ? "one with a Go flannel" : "one with mark " + writer) + ", which wrote lease " + lease.subnet()
                + "; check -iface and -public-ip on both";
    }

    private void reassert(Lease lease) {
        reassertions++;
        own = lease;
        renew();
    }

    private void revoked() {
        log.warning("Lease has been revoked: " + own.subnet() + "; asking for the same subnet again");
        lose();
    }

    private void move() {
        wantedSubnet = null;
        lose();
    }

    private void lose() {
        own = null;
        activateAt = Instant.MAX;
        renewAt = Instant.MAX;
        acquire();
    }

    // ---- the data path ----

    private void activate() {
        SubnetFile file = new SubnetFile(config.network(), own.subnet(), backend.mtu(), settings.masquerade());
        try {
            dataPath.open(config, backend, own.subnet(), leases.values(), new PacketFilter.Rules(config.network(), own.subnet(),
                    settings.masquerade(), settings.forwardRules(), settings.fullyRandom()));
        } catch (IOException e) {
            complain("failed to set the network up: " + e.getMessage());
            activateAt = Instant.now().plus(ACTIVATION_RETRY);
            return;
        }
        boolean first = !active;
        active = true;
        memory.remember(file);
        try {
            SmallFiles.replace(settings.subnetFile(), file.text(), Readers.ALL);
            DockerBridge.writeOptions(settings, file);
        } catch (FileException e) {
            log.warning("failed to write subnet file: " + e.getMessage());
            return;
        }
        if (first) {
            serviceManager.ready(statusLine());
        } else {
            serviceManager.status(statusLine());
        }
        DockerBridge.compare(file, log);
    }

    private String statusLine() {
        return "network " + config.network() + " (" + config.backendType() + "), subnet " + own.subnet() + ", public address " + publicIp;
    }
}
