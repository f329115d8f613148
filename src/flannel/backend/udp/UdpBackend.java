package flannel.backend.udp;

import flannel.backend.Backend;
import flannel.backend.UnusablePeerException;
import flannel.json.JsonValue;
import flannel.kernel.KernelEntry;
import flannel.kernel.Link;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.linux.Errno;
import flannel.linux.SystemCallException;
import flannel.linux.TunDevice;
import flannel.linux.UdpSocket;
import flannel.log.Log;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Encapsulation in user space: each packet for another host's subnet travels as the payload of one UDP datagram, with no header of its
 * own. Wire compatible with the original's udp backend, both ways. Packets come from and go to a TUN device that exists as long as the
 * backend is open; of each of its queues, one as a rule, one thread or two carry them ({@link PacketLoop}).
 */
public final class UdpBackend implements Backend {

    /** Outer IPv4 and UDP headers. */
    private static final int OVERHEAD = 28;

    /** The original's too: packets that may wait for us at the device. */
    private static final int QUEUE_LENGTH = 500;

    private static final int MOST_DEVICES = 100;

    private final UdpConfig config;
    private final Ipv4Subnet network;
    private final Log log;
    private final Arena arena;
    private final Tunnel tunnel;
    private final List<Counters> counters = new ArrayList<>();
    private final List<PacketLoop> loops = new ArrayList<>();
    private final List<Thread> threads = new ArrayList<>();

    private Underlay underlay;

    private UdpBackend(UdpConfig config, Ipv4Subnet network, Underlay underlay, Limits limits, Arena arena, TunDevice tun,
            List<UdpSocket> sockets, Features features, Log log, Consumer<Throwable> fatal) throws SystemCallException {
        this.config = config;
        this.network = network;
        this.underlay = underlay;
        this.log = log;
        this.arena = arena;
        tunnel = new Tunnel(tun, sockets, features, config, underlay.mtu(), log);
        try {
            for (int queue = 0; queue < limits.queues(); queue++) {
                carry(tunnel.lane(queue), limits, limits.queues() == 1 ? "" : "-" + queue, fatal);
            }
        } catch (SystemCallException e) {
            loops.forEach(PacketLoop::close);
            throw e;
        }
        threads.forEach(Thread::start);
    }

    private void carry(Lane lane, Limits limits, String suffix, Consumer<Throwable> fatal) throws SystemCallException {
        Counters sent = new Counters();
        Counters received = limits.threads() == 1 ? sent : new Counters();
        counters.add(sent);
        Encapsulator out = new Encapsulator(tunnel, lane, arena, limits, sent, log);
        Decapsulator in = new Decapsulator(tunnel, lane, arena, limits, received, log);
        if (limits.threads() == 1) {
            add("udp" + suffix, new PacketLoop(tunnel, lane, out, in, arena, fatal));
        } else {
            counters.add(received);
            add("udp-out" + suffix, new PacketLoop(tunnel, lane, out, null, arena, fatal));
            add("udp-in" + suffix, new PacketLoop(tunnel, lane, null, in, arena, fatal));
        }
    }

    private void add(String name, PacketLoop loop) {
        loops.add(loop);
        threads.add(Thread.ofPlatform().name(name).daemon().stackSize(256 << 10).unstarted(loop));
    }

    /**
     * Makes the TUN device, binds the socket and starts to carry packets (to nowhere until {@link #leases} has been called).
     *
     * @param queues of the TUN device, each with a socket and threads of its own
     * @param fatal told when a thread of the data path has died
     * @throws SystemCallException when the port is taken, or there is no /dev/net/tun, or we may not
     */
    public static UdpBackend open(UdpConfig config, Ipv4Subnet network, Underlay underlay, int queues, Log log, Consumer<Throwable> fatal)
            throws IOException {
        return open(config, network, underlay, Limits.forThisHost(queues), log, fatal);
    }

    static UdpBackend open(UdpConfig config, Ipv4Subnet network, Underlay underlay, Limits limits, Log log, Consumer<Throwable> fatal)
            throws IOException {
        boolean virtioHeader = config.level().compareTo(Level.TSO) <= 0;
        List<UdpSocket> sockets = bind(underlay.address(), config.port(), limits.queues());
        try {
            TunDevice tun = openDevice(virtioHeader, limits.queues());
            Arena arena = Arena.ofShared();
            try {
                Features features = Features.enable(config.level(), virtioHeader, tun, sockets);
                log.info("udp: " + tun.name() + " on " + underlay.address() + ":" + config.port() + ", level " + config.level() + ": "
                        + features.describe() + ", " + limits.describe());
                return new UdpBackend(config, network, underlay, limits, arena, tun, sockets, features, log, fatal);
            } catch (IOException | RuntimeException e) {
                tun.close();
                arena.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            sockets.forEach(UdpSocket::close);
            throw e;
        }
    }

    private static List<UdpSocket> bind(Ipv4 address, int port, int count) throws SystemCallException {
        try {
            return UdpSocket.bind(address, port, count);
        } catch (SystemCallException e) {
            throw new SystemCallException("bind UDP " + address + ":" + port, e.errno(), remedy(e.errno(), address, port));
        }
    }

    /** What to do about a failed bind; may be empty. */
    static String remedy(int errno, Ipv4 address, int port) {
        return switch (errno) {
            case Errno.EACCES -> "ports below 1024 need CAP_NET_BIND_SERVICE: add it to CapabilityBoundingSet= of flanneld.service,"
                    + " or set another \"Port\" in the network's configuration";
            case Errno.EADDRINUSE -> "another program has this port (ss -ulpn sport = :" + port + " names it): stop it,"
                    + " or set another \"Port\" in the network's configuration";
            case Errno.EADDRNOTAVAIL -> address + " is on no interface of this host any more: see -iface and -public-ip";
            default -> "";
        };
    }

    /** flannel0, or the next free number when that name is somebody else's. */
    private static TunDevice openDevice(boolean virtioHeader, int queues) throws SystemCallException {
        for (int number = 0;; number++) {
            try {
                return TunDevice.open("flannel" + number, virtioHeader, queues);
            } catch (SystemCallException e) {
                boolean taken = e.errno() == Errno.EBUSY || e.errno() == Errno.EINVAL || e.errno() == Errno.EEXIST;
                if (e.errno() == Errno.E2BIG) {
                    throw new SystemCallException("make a TUN device of " + queues + " queues", e.errno(), "give a smaller -udp-queues");
                }
                if (!taken || number == MOST_DEVICES) {
                    throw e;
                }
            }
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

    @Override
    public int mtu() {
        return underlay.mtu() - OVERHEAD;
    }

    @Override
    public Link link() {
        return new Link.Tun(tunnel.tun().name(), mtu(), QUEUE_LENGTH);
    }

    /** The address has the network's prefix, as in the original. */
    @Override
    public List<KernelEntry> local(Ipv4Subnet own) {
        String device = tunnel.tun().name();
        return List.of(new KernelEntry.Address(device, own.base(), network.prefixLength()),
                new KernelEntry.Route(network, null, device, false));
    }

    /** Nothing: the one route of the whole network leads here, and the forwarding table knows the rest. */
    @Override
    public List<KernelEntry> towards(Lease peer) throws UnusablePeerException {
        String type = peer.attributes().backendType();
        if (!type.isEmpty() && !type.equals("udp")) {
            throw new UnusablePeerException("the host " + peer.attributes().publicIp() + " uses the backend " + type + ", this one udp");
        }
        return List.of();
    }

    @Override
    public void leases(Ipv4Subnet own, Collection<Lease> peers) {
        Map<Ipv4Subnet, Ipv4> routes = new HashMap<>();
        peers.forEach(peer -> routes.put(peer.subnet(), peer.attributes().publicIp()));
        tunnel.table(new ForwardingTable(network, own, routes));
    }

    /**
     * Follows the underlay: it has another address, MTU or name now. The socket moves to the new address; TUN device, forwarding table and
     * counters stay, and so do packets that wait at the device. Afterwards {@link #mtu} and {@link #link} answer for the new underlay.
     *
     * @throws SystemCallException when the new address can't be bound; everything is as before then
     */
    public void moveTo(Underlay next) throws SystemCallException {
        if (next.address().equals(underlay.address())) {
            tunnel.mtu(next.mtu());
        } else {
            List<UdpSocket> sockets = bind(next.address(), config.port(), tunnel.sockets().size());
            try {
                tunnel.moveTo(sockets, next.mtu());
            } finally {
                sockets.forEach(UdpSocket::close);
            }
            loops.forEach(PacketLoop::wake);
        }
        log.info("udp: " + tunnel.tun().name() + " moved from " + underlay.address() + " on " + underlay.name() + " to " + next.address()
                + " on " + next.name() + ", port " + config.port());
        underlay = next;
    }

    /** What the data path has done so far. For all threads, at any time. */
    public UdpCounters counters() {
        return UdpCounters.sum(counters);
    }

    /** The same of each thread. */
    List<UdpCounters> countersByThread() {
        return counters.stream().map(part -> UdpCounters.sum(List.of(part))).toList();
    }

    /** Largest datagram to that host as far as routers have told; {@link Integer#MAX_VALUE} when none has. */
    int pathMtu(Ipv4 host) {
        return tunnel.mtus().of(host.bits(), System.nanoTime());
    }

    /** Ends the data path; the TUN device vanishes, and its address and routes with it. */
    @Override
    public void close() {
        loops.forEach(PacketLoop::stop);
        boolean interrupted = false;
        for (Thread thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        tunnel.tun().close();
        tunnel.sockets().forEach(UdpSocket::close);
        loops.forEach(PacketLoop::close);
        arena.close();
        log.info("udp: " + tunnel.tun().name() + " closed" + (log.v(1) ? ": " + counters() : ""));
    }
}
