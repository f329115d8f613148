package flannel.daemon;

import flannel.etcd.EtcdRegistries;
import flannel.kernel.KernelMonitor;
import flannel.kernel.PacketFilter;
import flannel.kernel.Reconciler;
import flannel.kernel.Underlay;
import flannel.kernel.UnderlayException;
import flannel.kernel.Underlays;
import flannel.lease.LeaseKeeper;
import flannel.lease.LeaseRegistry;
import flannel.linux.Libc;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.Ipv4;
import java.util.random.RandomGenerator;

/** The life of the process: wires the rooms together, starts the threads, and ends when told to. */
public final class Daemon {

    private final Settings settings;
    private final ServiceManager serviceManager;
    private final Log log;

    public Daemon(Settings settings, ServiceManager serviceManager, Log log) {
        this.settings = settings;
        this.serviceManager = serviceManager;
        this.log = log;
    }

    /** What keeps the daemon from starting, in one sentence. */
    public static final class StartException extends Exception {

        private static final long serialVersionUID = 1L;

        StartException(String message, Exception cause) {
            super(message, cause);
        }
    }

    /**
     * Runs the daemon; does not return but by an exception. SIGTERM and SIGINT end the process with status 0 and leave the data path
     * standing.
     *
     * @throws StartException when this host or these settings can't have it
     */
    public void run() throws StartException, InterruptedException {
        Thread.setDefaultUncaughtExceptionHandler((thread, reason) -> die(reason)); // half a daemon that looks alive helps nobody
        LeaseRegistry registry = registry();
        Underlay underlay = underlay();
        Ipv4 publicIp = publicIp(underlay);
        Reconciler reconciler;
        KernelMonitor monitor;
        try {
            monitor = KernelMonitor.open(log); // before the first look, so that no change falls between
            reconciler = Reconciler.open(log);
        } catch (SystemCallException e) {
            throw new StartException("Failed to speak to the kernel's routing tables: " + e.getMessage(), e);
        }
        StateDirectory state = new StateDirectory(settings.stateDirectory(), log);
        NetworkSession session = new NetworkSession(settings, publicIp, state.nodeMark(underlay.mac()),
                new Backends(underlay, publicIp, registry, state, reconciler, log, this::die),
                new LeaseKeeper(registry, RandomGenerator.getDefault(), log),
                new DataPath(reconciler, new PacketFilter(log), underlay, publicIp, settings.rulesCheck(), log),
                state, serviceManager, log);

        log.info("Installing signal handlers");
        Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "stop"));
        start("kernel-monitor", () -> monitor.run(event -> session.post(new Message.Kernel(event))));
        start("store-follower", new StoreFollower(registry, session::post)::run);
        session.run();
    }

    private LeaseRegistry registry() throws StartException {
        try {
            return EtcdRegistries.open(settings.etcd(), log);
        } catch (IllegalArgumentException e) {
            throw new StartException("Failed to create SubnetManager: " + e.getMessage(), e);
        }
    }

    private Underlay underlay() throws StartException {
        try {
            Underlay underlay = Underlays.choose(settings.underlay());
            log.info("Using interface with name " + underlay.name() + " and address " + underlay.address());
            return underlay;
        } catch (UnderlayException e) {
            throw new StartException("Failed to find the interface to the other hosts: " + e.getMessage(), e);
        }
    }

    private Ipv4 publicIp(Underlay underlay) {
        if (settings.publicIp() != null) {
            log.info("Using " + settings.publicIp() + " as external address");
            return settings.publicIp();
        }
        log.info("Defaulting external address to interface address (" + underlay.address() + ")");
        return underlay.address();
    }

    private interface Work {
        void run() throws Exception;
    }

    /** Starts a thread whose death is the daemon's: half a daemon is worse than none, and systemd starts a whole one. */
    private void start(String name, Work work) {
        Thread.ofPlatform().name(name).daemon().start(() -> {
            try {
                work.run();
            } catch (Throwable t) {
                die(t);
            }
        });
    }

    /** Ends the process because a part of it has failed in a way it can't mend. */
    private void die(Throwable reason) {
        log.error("thread " + Thread.currentThread().getName() + " died: " + reason + at(reason) + "; exiting");
        Libc.exit(1);
    }

    private static String at(Throwable reason) {
        StringBuilder places = new StringBuilder();
        for (int i = 0; i < Math.min(6, reason.getStackTrace().length); i++) {
            places.append(i == 0 ? " at " : " < ").append(reason.getStackTrace()[i]);
        }
        return places.toString();
    }

    /** Runs as the JVM's shutdown hook: on SIGTERM and SIGINT. A JVM would end with 143 or 130; the original ends with 0. */
    private void stop() {
        serviceManager.stopping();
        log.info("Exiting...");
        Libc.exit(0);
    }
}
