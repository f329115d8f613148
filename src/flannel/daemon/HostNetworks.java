package flannel.daemon;

import flannel.kernel.KernelMonitor;
import flannel.kernel.PacketFilter;
import flannel.kernel.Reconciler;
import flannel.kernel.Underlay;
import flannel.lease.NetworkCatalog;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * Starts networks on this host: hands each its share of what the process has, and gives it a thread of its own, so that what is stuck in
 * one, be it in a call of the kernel's, holds up no other. What waits for the store are virtual threads.
 */
final class HostNetworks implements Networks.Starter {

    private final Settings settings;
    private final NetworkCatalog catalog;
    private final Map<String, Followed> early;
    private final KernelMonitor monitor;
    private final PacketFilter filter;
    private final Supplier<Underlay> underlay;
    private final StateDirectory state;
    private final String nodeMark;
    private final Readiness readiness;
    private final Log log;
    private final Consumer<Throwable> fatal;
    private final Claims claims = new Claims();
    private final Clock clock = Clock.system();
    private final Executor beside = Executors.newVirtualThreadPerTaskExecutor();

    /**
     * @param early    stores that are followed already, by the names of their networks
     * @param underlay as it is at the moment of a network's start
     * @param fatal    told when a thread has died
     */
    HostNetworks(Settings settings, NetworkCatalog catalog, Map<String, Followed> early, KernelMonitor monitor, PacketFilter filter,
            Supplier<Underlay> underlay, StateDirectory state, String nodeMark, Readiness readiness, Log log, Consumer<Throwable> fatal) {
        this.settings = settings;
        this.catalog = catalog;
        this.early = early;
        this.monitor = monitor;
        this.filter = filter;
        this.underlay = underlay;
        this.state = state;
        this.nodeMark = nodeMark;
        this.readiness = readiness;
        this.log = log;
        this.fatal = fatal;
    }

    @Override
    public Networks.Running start(String name, Runnable ended) {
        Log named = log.of(name);
        Followed followed = early.containsKey(name) ? early.remove(name) : Followed.start(catalog, name, fatal);
        SubnetFiles.Place files = name.isEmpty() ? SubnetPlaces.withDocker(settings, named)
                : SubnetPlaces.file(settings.networks().directory().resolve(name + ".env"));
        Surroundings around = new Surroundings(name, settings, followed.store(), state.forNetwork(name), files, readiness, followed.queue(),
                beside, clock, RandomGenerator.getDefault(), named);
        Reconciler reconciler;
        try {
            reconciler = Reconciler.open(named);
            monitor.ignore(reconciler);
        } catch (SystemCallException e) {
            throw new IllegalStateException("cannot speak to the kernel's routing tables for network " + name + ": " + e.getMessage(), e);
        }
        NetworkSession session = new NetworkSession(around, underlay.get(), nodeMark,
                new Backends(name, claims, state, settings.vxlanChecksums(), settings.udpQueues(), followed.store(), nodeMark, reconciler, named, fatal),
                new DataPath(name, reconciler, filter, clock, named));
        Thread.ofPlatform().name("network " + name).daemon().start(() -> watched(() -> {
            session.run();
            followed.follower().interrupt();
            reconciler.close();
            claims.release(name);
            ended.run();
        }));
        return new Started(followed.queue(), new Courier(followed.queue(), beside), new Inquiry(name, followed.queue()), beside);
    }

    private record Started(BlockingQueue<Message> queue, Courier courier, Inquiry inquiry, Executor beside) implements Networks.Running {

        @Override
        public void withdraw(boolean lease) {
            beside.execute(() -> Followed.put(queue, new Message.Withdraw(lease))); // it may be full
        }
    }

    /** What dies takes the daemon with it: half a daemon is worse than none, and systemd starts a whole one. */
    private void watched(Runnable work) {
        try {
            work.run();
        } catch (Throwable t) {
            fatal.accept(t);
        }
    }
}
