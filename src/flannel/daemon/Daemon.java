package flannel.daemon;

import flannel.etcd.EtcdNetworks;
import flannel.files.FileException;
import flannel.kernel.KernelMonitor;
import flannel.kernel.PacketFilter;
import flannel.kernel.Underlay;
import flannel.kernel.UnderlayException;
import flannel.kernel.Underlays;
import flannel.kube.KubeSubnetStore;
import flannel.lease.NetworkCatalog;
import flannel.lease.ServedCatalog;
import flannel.lease.SoleNetwork;
import flannel.linux.Libc;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.MacAddress;
import flannel.remote.RemoteNetworks;
import flannel.server.LeaseServer;
import flannel.server.ListenAddress;
import flannel.store.SmallStore;
import flannel.store.StoreOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The life of the process: wires the rooms together, starts the threads, and ends when told to. */
public final class Daemon {

    /**
     * Where the daemon can be looked at.
     *
     * @param version to be told
     * @param socket  for {@code flanneld status}
     * @param health  for health and metrics over HTTP; null for nowhere
     * @param probe   how often the peers are probed; zero for never
     */
    public record Lookouts(String version, Path socket, InetSocketAddress health, Duration probe) {
    }

    /** A store that can't be reached must not hold up the host's shutdown. */
    private static final Duration LEAVING = Duration.ofSeconds(4);

    private final Settings settings;
    private final Lookouts lookouts;
    private final ServiceManager serviceManager;
    private final Log log;

    public Daemon(Settings settings, Lookouts lookouts, ServiceManager serviceManager, Log log) {
        this.settings = settings;
        this.lookouts = lookouts;
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
        NetworkCatalog catalog = catalog();
        NetworkSelection selection = settings.networks();
        Map<String, Followed> early = new HashMap<>(); // their first answers are on their way while this host is looked at
        selection.fixed().forEach(name -> early.put(name, Followed.start(catalog, name, this::die)));
        KernelMonitor monitor;
        try {
            monitor = KernelMonitor.open(log); // before the first look, so that no change falls between
        } catch (SystemCallException e) {
            throw new StartException("Failed to speak to the kernel's routing tables: " + e.getMessage(), e);
        }
        Underlay underlay = underlay();
        tellPublicIp(underlay);
        StateDirectory state = new StateDirectory(settings.stateDirectory(), log);
        PacketFilter filter = new PacketFilter(monitor.hearsRules(), log);
        FilterWatch filterWatch = new FilterWatch(filter, settings.rulesCheck());
        Readiness readiness = new Readiness(serviceManager, selection.names().isEmpty() ? List.of("") : selection.names());
        UnderlayWatch watch = new UnderlayWatch(settings.underlay(), underlay);
        Networks networks = new Networks(selection, this::remembered, new HostNetworks(settings, catalog, early, monitor, filter, watch::current, state,
                state.nodeMark(underlay.mac(), cards()), readiness, log, this::die), readiness, log);

        log.info("Installing signal handlers");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(networks), "stop"));
        networks.start();
        start(Thread.ofPlatform().daemon(), "underlay", () -> watch.run(networks::underlay));
        start(Thread.ofVirtual(), "packet-filter-watch", filterWatch::run);
        if (selection.watch()) {
            start(Thread.ofVirtual(), "networks", () -> catalog.follow(networks::told));
        }
        new Views(lookouts.version(), networks::inquiries, lookouts.probe(), log).serve(lookouts.socket(), lookouts.health());
        try {
            monitor.run(event -> {
                watch.heard(event, networks::underlay);
                filterWatch.heard(event);
                networks.heard(event);
            });
        } catch (SystemCallException e) {
            die(e);
        }
    }

    /**
     * Runs the server mode: serves leases to other hosts, and has no network of its own. Does not return but by an exception.
     *
     * @param own         the store that the server keeps itself, if it does
     * @param environment of this process, in which systemd tells of its sockets
     * @throws StartException when it can't listen, or the settings can't be used
     */
    public void serve(ListenAddress address, StoreOptions own, Map<String, String> environment) throws StartException, InterruptedException {
        Thread.setDefaultUncaughtExceptionHandler((thread, reason) -> die(reason));
        log.info("running as server");
        Readiness readiness = new Readiness(serviceManager, List.of(""));
        LeaseServer server;
        try {
            ServedCatalog catalog = own.isEmpty() ? EtcdNetworks.open(settings.etcd(), log) : SmallStore.open(own, log);
            server = LeaseServer.open(address, settings.remote().tls(), environment, catalog, state -> readiness.tell("", true, state),
                    this::die, log);
        } catch (IllegalArgumentException e) {
            throw new StartException("Failed to create SubnetManager: " + e.getMessage(), e);
        } catch (FileException e) {
            throw new StartException("Failed to open the store: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new StartException("Error listening on " + address + ": " + e.getMessage(), e);
        }
        log.info("Installing signal handlers");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(null), "stop"));
        server.run();
    }

    private NetworkCatalog catalog() throws StartException {
        try {
            return settings.kube().isWanted() ? new SoleNetwork(KubeSubnetStore.open(settings.kube(), log))
                    : settings.remote().isEmpty() ? EtcdNetworks.open(settings.etcd(), log) : RemoteNetworks.open(settings.remote(), log);
        } catch (IllegalArgumentException e) {
            throw new StartException("Failed to create SubnetManager: " + e.getMessage(), e);
        }
    }

    private List<String> remembered() {
        try {
            return settings.startAlone() ? StateDirectory.networks(settings.stateDirectory()) : List.of();
        } catch (IOException e) {
            return List.of();
        }
    }

    private Underlay underlay() throws StartException {
        try {
            Underlay underlay = Underlays.choose(settings.underlay());
            log.info("Using interface with name " + underlay.name() + " and address " + underlay.address()
                    + (log.v(1) ? ": " + settings.underlay().reason() : ""));
            return underlay;
        } catch (UnderlayException e) {
            throw new StartException("Failed to find the interface to the other hosts: " + e.getMessage(), e);
        }
    }

    private static List<MacAddress> cards() throws StartException {
        try {
            return Underlays.cards();
        } catch (UnderlayException e) {
            throw new StartException(e.getMessage(), e);
        }
    }

    private void tellPublicIp(Underlay underlay) {
        log.info(settings.publicIp() != null ? "Using " + settings.publicIp() + " as external address"
                : "Defaulting external address to interface address (" + underlay.address() + ")");
    }

    private interface Work {
        void run() throws Exception;
    }

    /** Starts a thread whose death is the daemon's: half a daemon is worse than none, and systemd starts a whole one. */
    private void start(Thread.Builder kind, String name, Work work) {
        kind.name(name).start(() -> {
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

    /**
     * Runs as the JVM's shutdown hook: on SIGTERM and SIGINT. A JVM would end with 143 or 130; the original ends with 0.
     *
     * @param networks of this host; null for a server
     */
    private void stop(Networks networks) {
        boolean leaving = networks != null && settings.releaseOnExit() && !settings.kube().isWanted();
        serviceManager.stopping(leaving ? "giving the lease back" : "stopped; the data path stays");
        try {
            if (leaving) {
                networks.leave(LEAVING);
            }
        } catch (InterruptedException e) {
            log.error("interrupted while the leases were given back");
        }
        log.info("Exiting...");
        Libc.exit(0);
    }
}
