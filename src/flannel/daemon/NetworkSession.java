package flannel.daemon;

import flannel.backend.Backend;
import flannel.kernel.PacketFilter;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.NetworkConfig;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.status.NetworkStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * One network on this host. One thread owns all its state: the store's follower, kernel notifications and store writes post to its queue, and
 * it alone decides. A life goes like this:
 *
 * <pre>
 *   Unconfigured --config--> Opened --lease taken, nobody objects--> Active
 *        ^                                                             |
 *        '------------ lease revoked, and there is another config -----'    (the data path stays meanwhile)
 * </pre>
 *
 * A lease that is lost on the way is asked for again by {@link OwnLease}; an active network stays active until it has the next one.
 */
final class NetworkSession implements Leases.Session {

    /** How long a second host that uses our PublicIP has to take its lease back: more than a follower's longest pause, and its write. */
    private static final Duration SETTLING = Duration.ofSeconds(4);

    /** Messages after which the timers have their turn, though more may be waiting: a store that never rests must not stop the clock. */
    private static final int MOST_AT_A_STRETCH = 256;

    private final Surroundings around;
    private final Settings settings;
    private final Clock clock;
    private final Log log;
    private final String nodeMark;
    private final BackendMaker backends;
    private final DataPath dataPath;
    private final SubnetFiles files;
    private final Leases leases;

    private final Alarm opening;
    private final Alarm activation;
    private final Pause openingPause;

    private Phase phase = new Phase.Unconfigured();
    private Underlay underlay;
    private String configText;
    /** The text that the config in use was made of. */
    private String configInUse;
    private String storeTrouble = "";
    private String underlayTrouble = "";
    private String complaint = "";
    private int stretch;
    private boolean withdrawn;
    private boolean anotherConfig;

    NetworkSession(Surroundings around, Underlay underlay, String nodeMark, BackendMaker backends, DataPath dataPath) {
        this.around = around;
        this.settings = around.settings();
        this.clock = around.clock();
        this.log = around.log();
        this.underlay = underlay;
        this.nodeMark = nodeMark;
        this.backends = backends;
        this.dataPath = dataPath;
        files = new SubnetFiles(around.files(), dataPath.repairs(), clock, log);
        leases = new Leases(around, nodeMark, dataPath, this);
        opening = new Alarm(clock);
        activation = new Alarm(clock);
        openingPause = new Pause(Duration.ofSeconds(1), Duration.ofSeconds(15), around.random());
    }

    /** Runs until interrupted, or until the network has left this host. */
    void run() {
        try {
            while (!withdrawn) {
                handleNext(around.queue().isEmpty() ? Math.max(0, nextNanos() - clock.nanos()) : 0);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits for a message, no longer than that, and does what it and the time ask for. */
    void handleNext(long atMostNanos) throws InterruptedException {
        // a host that sleeps must not stretch a wait for long: the queue's clock stops meanwhile
        Message message = around.queue().poll(Math.min(atMostNanos, TimeUnit.SECONDS.toNanos(30)), TimeUnit.NANOSECONDS);
        if (message != null) {
            handle(message);
        }
        if (!withdrawn && (around.queue().isEmpty() || ++stretch >= MOST_AT_A_STRETCH)) {
            stretch = 0;
            dataPath.flush();
            timers();
        }
    }

    /** When {@link #timers} has something to do next. */
    long nextNanos() {
        return Math.min(Math.min(opening.atNanos(), activation.atNanos()),
                Math.min(leases.nextNanos(), Math.min(files.nextNanos(), dataPath.nextNanos())));
    }

    private void handle(Message message) throws InterruptedException {
        switch (message) {
            case Message.Store told -> leases.told(told);
            case Message.Reached(Runnable then) -> then.run();
            case Message.Kernel(var event) -> dataPath.kernelChanged(event);
            case Message.UnderlayChanged(Underlay next) -> underlayChanged(next);
            case Message.UnderlayGone(String reason) -> underlayGone(reason);
            case Message.Report question -> question.answer(this::report);
            case Message.LeaseTaken(var taken) -> leases.own().taken(taken);
            case Message.LeaseRenewed(Lease lease) -> leases.own().renewed(lease);
            case Message.LeaseFailed(var reason, boolean renewing) -> leases.own().failed(reason, renewing);
            case Message.Withdraw(boolean lease) -> withdraw(lease);
        }
    }

    private void timers() {
        if (opening.rings()) {
            advance();
        }
        if (activation.rings()) {
            activate();
        }
        if (anotherConfig && !leases.own().isWriting()) {
            anotherConfig = false;
            takeUpConfig();
        }
        leases.timers();
        dataPath.timers();
        if (files.timers()) {
            tellState();
        }
    }

    @Override
    public boolean isActive() {
        return phase instanceof Phase.Active;
    }

    /** Whether this host has a lease that is in use. */
    boolean holds() {
        return isActive() && leases.own().lease() != null;
    }

    // ---- the store ----

    @Override
    public void storeIs(String trouble) {
        if (!trouble.isEmpty() && !trouble.equals(storeTrouble)) {
            log.error(trouble + (isActive() ? "; packets flow on as before" : ""));
        }
        storeTrouble = trouble;
        tellState();
    }

    // ---- the configuration ----

    @Override
    public void configured(String text) {
        boolean news = !Objects.equals(text, configText);
        configText = text;
        if (phase instanceof Phase.Unconfigured) {
            advance();
            if (text == null) {
                complain("failed to retrieve network config: there is no " + around.store().configPlace() + "; waiting for it:"
                        + " what makes the network is to write {\"Network\": \"10.1.0.0/16\", \"Backend\": {\"Type\": \"vxlan\"}} there");
            }
        } else if (news && leases.areRemembered() && NetworkConfig.isUsable(text)) {
            anotherConfig = true; // what a host has that starts now
        } else if (news) {
            log.warning("The network config " + (text == null ? "was deleted"
                    : text.equals(configInUse) ? "is back as it was" : "has changed to " + text
                            + "; this host goes on with the one it started with: restart flanneld on every host, or delete its lease, to use"
                            + " the other"));
            tellState();
        }
    }

    /** Goes on towards the active state, on the underlay as it is now, from wherever it stands. */
    private void advance() {
        switch (phase) {
            case Phase.Unconfigured unconfigured -> {
                if (configText != null && !opening.isSet()) {
                    open();
                }
            }
            case Phase.Configured configured -> follow(configured.config(), configured.backend());
        }
        if (phase instanceof Phase.Opened(NetworkConfig config, Backend backend)) {
            leases.want(config, attributes(backend));
        }
    }

    private void open() {
        try {
            NetworkConfig config = NetworkConfig.parse(configText);
            phase = new Phase.Opened(config, backends.open(config, underlay, publicIp(), null));
            config.warnings().forEach(log::warning);
            configInUse = configText;
            complaint = "";
            openingPause.reset();
        } catch (IllegalArgumentException e) {
            complain("cannot use the network config " + configText + ": " + e.getMessage());
        } catch (IOException e) {
            complain("failed to create the network: " + e.getMessage());
            opening.in(openingPause.next());
        }
    }

    private LeaseAttributes attributes(Backend backend) {
        return new LeaseAttributes(publicIp(), backend.leaseType(), backend.leaseData() == null ? null : backend.leaseData().toString(), nodeMark);
    }

    private Ipv4 publicIp() {
        return settings.publicIp() == null ? underlay.address() : settings.publicIp();
    }

    // ---- the underlay ----

    private void underlayGone(String reason) {
        if (!reason.equals(underlayTrouble)) {
            log.warning(reason + "; going on with " + underlay.name() + " and " + underlay.address() + " until there is an address again");
        }
        underlayTrouble = reason;
        tellState();
    }

    private void underlayChanged(Underlay next) {
        underlayTrouble = "";
        boolean other = !next.equals(underlay);
        if (other) {
            log.warning("The interface to the other hosts is now " + next.name() + " with address " + next.address() + " (was "
                    + underlay.name() + " with " + underlay.address() + ")");
        }
        underlay = next;
        if (other) {
            around.store().reconnect();
            advance();
        }
        tellState();
    }

    /** Makes the backend anew for what the underlay has become, and the data path with it; the lease tells the others. */
    private void follow(NetworkConfig config, Backend former) {
        try {
            Backend backend = backends.open(config, underlay, publicIp(), former);
            boolean active = isActive();
            phase = active ? new Phase.Active(config, backend) : new Phase.Opened(config, backend);
            complaint = "";
            leases.want(config, attributes(backend));
            if (active) {
                activate();
            }
        } catch (IllegalArgumentException | IOException e) {
            complain("the network can't follow the interface to the other hosts: " + e.getMessage());
            opening.in(openingPause.next());
        }
    }

    // ---- the own lease ----

    @Override
    public void leaseTaken(Lease lease, boolean contested) {
        complaint = "";
        if (contested) {
            activation.in(SETTLING);
        } else {
            activation.cancel();
            activate();
        }
    }

    /** As the original does: a lease that somebody deleted after writing another config is the word to use that one. */
    @Override
    public boolean askAgain() {
        activation.cancel();
        if (configText == null || configText.equals(configInUse) || !NetworkConfig.isUsable(configText)) {
            return true;
        }
        takeUpConfig();
        return false;
    }

    private void takeUpConfig() {
        log.info("Taking up the network config as it is now: " + configText);
        if (phase instanceof Phase.Configured configured) {
            configured.backend().close();
        }
        leases.own().forget();
        phase = new Phase.Unconfigured();
        advance();
    }

    // ---- the data path ----

    private void activate() {
        Lease lease = leases.own().lease();
        if (lease == null || !(phase instanceof Phase.Configured configured)) {
            return; // it comes with the next one
        }
        NetworkConfig config = configured.config();
        Backend backend = configured.backend();
        try {
            // with alloc every route is somebody else's; and only a host's first daemon can meet what a Go flanneld left
            boolean routes = !config.backendType().equals("alloc");
            boolean takeOver = routes && !around.memory().takenOver();
            dataPath.open(config, backend, underlay, new DataPath.Self(lease.subnet(), publicIp(), nodeMark), leases.all(),
                    new PacketFilter.Rules(config.network(), lease.subnet(), settings.masquerade(), settings.forwardRules(),
                            settings.fullyRandom(), backend.guardsLinkLocal() ? underlay.name() : ""), routes && settings.unreachable(), takeOver);
            if (takeOver) {
                around.memory().rememberTakenOver();
            }
        } catch (IOException e) {
            complain("failed to set the network up: " + e.getMessage());
            activation.in(openingPause.next());
            return;
        }
        phase = new Phase.Active(config, backend);
        backends.settled();
        complaint = "";
        SubnetFile file = new SubnetFile(config.network(), lease.subnet(), backend.mtu(), settings.masquerade());
        around.networkIsUp(file);
        files.want(file);
        leases.areInUse(configInUse);
        tellState();
    }

    private void withdraw(boolean lease) throws InterruptedException {
        withdrawn = true;
        new Departure(files, dataPath, around.memory(), leases, log).run(phase, underlay, lease);
    }

    // ---- what people are told ----

    /** Logs a trouble when it is new or another than before: it is met again at each try, and the log must not flood. */
    @Override
    public void complain(String trouble) {
        if (!trouble.equals(complaint)) {
            log.error(trouble);
        }
        complaint = trouble;
        tellState();
    }

    /** Ready is who has told of the subnet: units that wait for this one read the file. */
    private void tellState() {
        around.readiness().tell(around.name(), files.areTold(), state());
    }

    /** All that is known of the network, as values. */
    private NetworkStatus.Known report() {
        NetworkConfig config = phase instanceof Phase.Configured configured ? configured.config() : null;
        List<String> complaints = Stream.of(underlayTrouble, complaint, configTrouble(), files.trouble(), files.docker().trouble(),
                leases.own().trouble(), leases.trouble(), dataPath.filter().trouble()).filter(trouble -> !trouble.isEmpty()).toList();
        List<NetworkStatus.Mtu> mtus = new ArrayList<>(dataPath.mtus());
        if (files.docker().mtu() > 0) {
            mtus.add(new NetworkStatus.Mtu("docker0", files.docker().mtu()));
        }
        return new NetworkStatus.Known(around.name(), isActive() ? NetworkStatus.Phase.ACTIVE
                : config == null ? NetworkStatus.Phase.UNCONFIGURED : NetworkStatus.Phase.OPENED,
                config == null ? "" : config.network().toString(), config == null ? "" : config.backendType(), complaints, leases.own().report(),
                new NetworkStatus.Underlay(underlay.name(), underlay.address().toString()), mtus,
                new NetworkStatus.Store(around.store().health(), leases.sinceListed(), storeTrouble), dataPath.kernel(), leases.report(),
                dataPath.counters(), dataPath.allRepairs(), dataPath.repaired(), null, leases.reaction());
    }

    private String configTrouble() {
        return !isActive() || Objects.equals(configText, configInUse) ? ""
                : configText == null ? "the network config was deleted" : "the network config has changed: restart flanneld to use it";
    }

    private String state() {
        StringBuilder text = new StringBuilder();
        if (phase instanceof Phase.Active(NetworkConfig config, Backend backend)) {
            text.append("network ").append(config.network()).append(" (").append(config.backendType()).append("), subnet ")
                    .append(files.wanted().subnet()).append(", public address ").append(publicIp());
            text.append(configTrouble().isEmpty() ? "" : "; " + configTrouble());
        }
        String store = storeTrouble.isEmpty() || !text.isEmpty() ? storeTrouble : "waiting for the store: " + storeTrouble;
        Stream.of(underlayTrouble, store, complaint, files.trouble()).filter(trouble -> !trouble.isEmpty())
                .forEach(trouble -> text.append(text.isEmpty() ? "" : "; ").append(trouble));
        return text.toString();
    }
}
