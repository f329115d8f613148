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
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Encapsulation in user space: each packet for another host's subnet travels as the payload of one UDP datagram, with no header of its
 * own. Wire compatible with the original's udp backend, both ways. Packets come from and go to a TUN device that exists as long as the
 * backend is open; one thread or two carry them ({@link PacketLoop}).
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
    private final List<Counters> counters;
    private final List<PacketLoop> loops;
    private final List<Thread> threads;

    private Underlay underlay;

    private UdpBackend(UdpConfig config, Ipv4Subnet network, Underlay underlay, Limits limits, Arena arena, TunDevice tun, UdpSocket socket,
            Features features, Log log, Consumer<Throwable> fatal) throws SystemCallException {
        this.config = config;
        this.network = network;
        this.underlay = underlay;
        this.log = log;
        this.arena = arena;
        tunnel = new Tunnel(tun, socket, features, config, underlay.mtu(), arena, log);
        Counters sent = new Counters();
        Counters received = limits.threads() == 1 ? sent : new Counters();
        counters = sent == received ? List.of(sent) : List.of(sent, received);
        Encapsulator out = new Encapsulator(tunnel, arena, limits, sent, log);
        Decapsulator in = new Decapsulator(tunnel, arena, limits, received, log);
        if (limits.threads() == 1) {
            loops = List.of(new PacketLoop(tunnel, out, in, arena, fatal));
            threads = List.of(start("udp", loops.getFirst()));
        } else {
            PacketLoop sending = new PacketLoop(tunnel, out, null, arena, fatal);
            try {
                loops = List.of(sending, new PacketLoop(tunnel, null, in, arena, fatal));
            } catch (SystemCallException e) {
                sending.close();
                throw e;
            }
            threads = List.of(start("udp-out", loops.getFirst()), start("udp-in", loops.getLast()));
        }
    }

    private static Thread start(String name, PacketLoop loop) {
        return Thread.ofPlatform().name(name).daemon().stackSize(256 << 10).start(loop);
    }

    /**
     * Makes the TUN device, binds the socket and starts to carry packets (to nowhere until {@link #leases} has been called).
     *
     * @param fatal told when a thread of the data path has died
     * @throws SystemCallException when the port is taken, or there is no /dev/net/tun, or we may not
     */
    public static UdpBackend open(UdpConfig config, Ipv4Subnet network, Underlay underlay, Log log, Consumer<Throwable> fatal)
            throws IOException {
        return open(config, network, underlay, Limits.forThisHost(), log, fatal);
    }

    static UdpBackend open(UdpConfig config, Ipv4Subnet network, Underlay underlay, Limits limits, Log log, Consumer<Throwable> fatal)
            throws IOException {
        boolean virtioHeader = config.level().compareTo(Level.TSO) <= 0;
        UdpSocket socket = bind(underlay.address(), config.port());
        try {
            TunDevice tun = openDevice(virtioHeader);
            Arena arena = Arena.ofShared();
            try {
                Features features = Features.enable(config.level(), virtioHeader, tun, socket);
                log.info("udp: " + tun.name() + " on " + underlay.address() + ":" + config.port() + ", level " + config.level() + ": "
                        + features.describe() + ", " + (limits.threads() == 1 ? "one thread" : limits.threads() + " threads"));
                return new UdpBackend(config, network, underlay, limits, arena, tun, socket, features, log, fatal);
            } catch (IOException | RuntimeException e) {
                tun.close();
                arena.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    private static UdpSocket bind(Ipv4 address, int port) throws SystemCallException {
        try {
            return UdpSocket.bind(address, port);
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
    private static TunDevice openDevice(boolean virtioHeader) throws SystemCallException {
        for (int number = 0;; number++) {
            try {
                return TunDevice.open("flannel" + number, virtioHeader);
            } catch (SystemCallException e) {
                boolean taken = e.errno() == Errno.EBUSY || e.errno() == Errno.EINVAL || e.errno() == Errno.EEXIST;
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
            try (UdpSocket socket = bind(next.address(), config.port())) {
                tunnel.moveTo(socket, next.mtu());
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
        tunnel.socket().close();
        loops.forEach(PacketLoop::close);
        arena.close();
        log.info("udp: " + tunnel.tun().name() + " closed" + (log.v(1) ? ": " + counters() : ""));
    }
}
