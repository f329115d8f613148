package flannel.daemon;

import flannel.etcd.EtcdSubnetStore;
import flannel.files.FileException;
import flannel.kernel.KernelMonitor;
import flannel.kernel.PacketFilter;
import flannel.kernel.Reconciler;
import flannel.kernel.Underlay;
import flannel.kernel.UnderlayException;
import flannel.kernel.Underlays;
import flannel.kube.KubeSubnetStore;
import flannel.lease.ServedStore;
import flannel.lease.StoreEvent;
import flannel.lease.SubnetStore;
import flannel.linux.Libc;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.net.MacAddress;
import flannel.remote.RemoteSubnetStore;
import flannel.server.LeaseServer;
import flannel.server.ListenAddress;
import flannel.store.SmallStore;
import flannel.store.StoreOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.random.RandomGenerator;

/** The life of the process: wires the rooms together, starts the threads, and ends when told to. */
public final class Daemon {

    /** Waiting for a network's thread at most; what tells them can wait. */
    static final int MESSAGES = 1_000;

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
        SubnetStore store = store();
        BlockingQueue<Message> queue = new ArrayBlockingQueue<>(MESSAGES, true); // fair: the store's news must not starve behind the kernel's
        start("store-follower", () -> follow(store, queue)); // its first answer is on its way while this host is looked at
        Reconciler reconciler;
        KernelMonitor monitor;
        try {
            monitor = KernelMonitor.open(log); // before the first look, so that no change falls between
            reconciler = Reconciler.open(log);
            monitor.ignore(reconciler);
        } catch (SystemCallException e) {
            throw new StartException("Failed to speak to the kernel's routing tables: " + e.getMessage(), e);
        }
        Underlay underlay = underlay();
        tellPublicIp(underlay);
        StateDirectory state = new StateDirectory(settings.stateDirectory(), log);
        Clock clock = Clock.system();
        Surroundings around = new Surroundings("", settings, store, state.forNetwork(""),
                SubnetFiles.onDisk(settings, settings.subnetFile(), log),
                new Readiness(serviceManager, List.of("")), queue, Executors.newVirtualThreadPerTaskExecutor(),
                clock, RandomGenerator.getDefault(), log);
        String nodeMark = state.nodeMark(underlay.mac(), cards());
        NetworkSession session = new NetworkSession(around, underlay, nodeMark,
                new Backends(state, store, nodeMark, reconciler, log, this::die)::open,
                new DataPath("", reconciler, new PacketFilter(monitor.hearsRules(), log), settings.rulesCheck(), clock, log));

        log.info("Installing signal handlers");
        Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "stop"));
        // who finds the queue full waits: the kernel then drops notifications and says so, and the store's answers stay in its socket
        UnderlayWatch watch = new UnderlayWatch(settings.underlay(), underlay, message -> put(around.queue(), message));
        start("kernel-monitor", () -> monitor.run(event -> {
            watch.heard(event);
            put(around.queue(), new Message.Kernel(event));
        }));
        start("underlay", watch::run);
        new Views(lookouts.version(), List.of(new Inquiry("", around.queue())), lookouts.probe(), log).serve(lookouts.socket(), lookouts.health());
        session.run();
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
        ServedStore store;
        LeaseServer server;
        try {
            store = own.isEmpty() ? EtcdSubnetStore.open(settings.etcd(), log) : SmallStore.open(own, log).network("");
            server = LeaseServer.open(address, settings.remote().tls(), environment, store, log);
        } catch (IllegalArgumentException e) {
            throw new StartException("Failed to create SubnetManager: " + e.getMessage(), e);
        } catch (FileException e) {
            throw new StartException("Failed to open the store: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new StartException("Error listening on " + address + ": " + e.getMessage(), e);
        }
        log.info("Installing signal handlers");
        Runtime.getRuntime().addShutdownHook(new Thread(this::stop, "stop"));
        Readiness readiness = new Readiness(serviceManager, List.of(""));
        start("store-follower", () -> store.follow(event -> {
            server.told(event);
            readiness.tell("", true, server.state());
        }));
        readiness.tell("", true, server.state());
        server.run();
    }

    private static void put(BlockingQueue<Message> queue, Message message) {
        try {
            queue.put(message);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Follows the store until interrupted. What may be large is waited for, so that never two of it are on their way. */
    static void follow(SubnetStore store, BlockingQueue<Message> queue) throws InterruptedException {
        store.follow(event -> {
            put(queue, new Message.Store(event));
            if (event instanceof StoreEvent.Listed || event instanceof StoreEvent.ConfigChanged) {
                CountDownLatch reached = new CountDownLatch(1);
                put(queue, new Message.Reached(reached::countDown));
                await(reached);
            }
        });
    }

    private static void await(CountDownLatch reached) {
        try {
            reached.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private SubnetStore store() throws StartException {
        try {
            return settings.kube().isWanted() ? KubeSubnetStore.open(settings.kube(), log)
                    : settings.remote().isEmpty() ? EtcdSubnetStore.open(settings.etcd(), log)
                    : RemoteSubnetStore.open(settings.remote(), log);
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
