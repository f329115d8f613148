package flannel.backend.cloud;

import flannel.backend.Backend;
import flannel.backend.UnusablePeerException;
import flannel.json.JsonValue;
import flannel.kernel.KernelEntry;
import flannel.kernel.Link;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.lease.NetworkConfig;
import flannel.net.Ipv4Subnet;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A backend whose packets a cloud's router moves. The kernel needs nothing for it, and the lease says nothing of it, as in the original; a
 * thread of its own keeps this host's route in the cloud's tables, and the session's never waits for the cloud. The route stays when the
 * daemon ends.
 */
public final class CloudBackend implements Backend {

    private final NetworkConfig config;
    private final Underlay underlay;
    private final boolean guardsLinkLocal;
    private final RouteKeeper keeper;
    private final Http http;
    private final LinkedBlockingQueue<LeaseView> views = new LinkedBlockingQueue<>();
    private final Thread worker;

    private CloudBackend(NetworkConfig config, Underlay underlay, RouteKeeper keeper, Http http, Consumer<Throwable> fatal) {
        this.config = config;
        this.underlay = underlay;
        this.guardsLinkLocal = !config.backendFlag("ForwardMetadata", false);
        this.keeper = keeper;
        this.http = http;
        this.worker = Thread.ofVirtual().name("cloud-routes").unstarted(() -> work(fatal));
    }

    /**
     * Starts the thread, which waits for the lease.
     *
     * @param fatal told when the thread has died
     * @throws IllegalArgumentException with one sentence when the configuration can't be used
     */
    public static CloudBackend start(NetworkConfig config, Underlay underlay, RouteKeeper keeper, Http http, Consumer<Throwable> fatal) {
        CloudBackend backend = new CloudBackend(config, underlay, keeper, http, fatal);
        backend.worker.start();
        return backend;
    }

    private void work(Consumer<Throwable> fatal) {
        try {
            LeaseView view = views.take();
            while (true) {
                Duration wait = keeper.round(view);
                LeaseView newer = views.poll(wait.toNanos(), TimeUnit.NANOSECONDS);
                while (newer != null) {
                    view = newer;
                    newer = views.poll();
                }
            }
        } catch (InterruptedException e) {
            // closed
        } catch (RuntimeException | Error e) {
            fatal.accept(e);
        }
    }

    @Override
    public String leaseType() {
        return "";
    }

    @Override
    public JsonValue leaseData() {
        return null;
    }

    /** The interface's own: nothing is wrapped. */
    @Override
    public int mtu() {
        return underlay.mtu();
    }

    @Override
    public Link link() {
        return null;
    }

    @Override
    public List<KernelEntry> local(Ipv4Subnet own) {
        return List.of();
    }

    /** Nothing: the host's default route leads to the cloud's router, and that knows the way. */
    @Override
    public List<KernelEntry> towards(Lease peer) throws UnusablePeerException {
        String other = peer.attributes().backendType();
        if (!other.isEmpty()) {
            throw new UnusablePeerException("the host " + peer.attributes().publicIp() + " uses the backend " + other + ", this one "
                    + config.backendType());
        }
        return List.of();
    }

    @Override
    public void leases(Ipv4Subnet own, Collection<Lease> peers) {
        Set<Ipv4Subnet> others = HashSet.newHashSet(peers.size());
        peers.forEach(peer -> others.add(peer.subnet()));
        views.add(new LeaseView(own, others));
    }

    /** Yes, unless the configuration's ForwardMetadata says no: packets of other hosts' containers come in here as they are. */
    @Override
    public boolean guardsLinkLocal() {
        return guardsLinkLocal;
    }

    @Override
    public void withdraw() throws CloudException, InterruptedException {
        worker.interrupt();
        worker.join();
        try {
            keeper.withdraw();
        } finally {
            close();
        }
    }

    /** Ends the thread; the routes stay. */
    @Override
    public void close() {
        worker.interrupt();
        http.close();
    }
}
