package flannel.kernel;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import flannel.linux.Errno;
import flannel.linux.Libc;
import flannel.linux.SystemCallException;
import flannel.log.Log;
import flannel.netlink.MalformedMessageException;
import flannel.netlink.MessageReader;
import flannel.netlink.NetlinkSocket;
import flannel.netlink.Nlmsg;
import flannel.netlink.Rtm;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * Hears what changes in the kernel's tables, in the network namespace of the thread that opened it. What happens from then on is heard,
 * also before {@link #run}.
 */
public final class KernelMonitor implements AutoCloseable {

    private static final int GROUPS = Rtm.RTMGRP_LINK | Rtm.RTMGRP_NEIGH | Rtm.RTMGRP_IPV4_IFADDR | Rtm.RTMGRP_IPV4_ROUTE;

    /** Bit of NFNLGRP_NFTABLES (7), include/uapi/linux/netfilter/nfnetlink.h. */
    private static final int NFNLGRP_NFTABLES_BIT = 1 << 7 - 1;

    private final NetlinkSocket routes;
    /** Null where the kernel has no nftables. */
    private final NetlinkSocket rules;
    /** An eventfd. */
    private final int wakeUp;
    /** Ports of sockets that are open, or were: a later one has the first that is free. */
    private final Set<Integer> ignored = new TreeSet<>();
    private int lastPort;
    private String lastBy = "";
    private boolean running;
    private boolean closed;

    private KernelMonitor(NetlinkSocket routes, NetlinkSocket rules, int wakeUp) {
        this.routes = routes;
        this.rules = rules;
        this.wakeUp = wakeUp;
    }

    /** Starts to listen. */
    public static KernelMonitor open(Log log) throws SystemCallException {
        NetlinkSocket routes = NetlinkSocket.open(Nlmsg.NETLINK_ROUTE, GROUPS);
        NetlinkSocket rules = null;
        try {
            rules = NetlinkSocket.open(Nlmsg.NETLINK_NETFILTER, NFNLGRP_NFTABLES_BIT);
        } catch (SystemCallException e) {
            if (log.v(1)) {
                log.info("No notifications of changed packet filter rules: " + e.getMessage());
            }
        }
        int wakeUp = Libc.eventfd(0, Libc.O_CLOEXEC | Libc.O_NONBLOCK);
        if (wakeUp < 0) {
            routes.close();
            if (rules != null) {
                rules.close();
            }
            throw new SystemCallException("eventfd", -wakeUp);
        }
        return new KernelMonitor(routes, rules, wakeUp);
    }

    /** Whether {@link KernelEvent.RulesChanged} will ever be heard. */
    public boolean hearsRules() {
        return rules != null;
    }

    /**
     * Spares itself the echoes of what that reconciler changes (for one thread at a time): ten thousand peers make thirty thousand of them, and news would wait behind
     * them. Those of forwarding databases are heard all the same.
     */
    public synchronized void ignore(Reconciler reconciler) throws SystemCallException {
        if (!ignored.contains(reconciler.port())) { // a network that has left may have had it
            ignored.add(reconciler.port());
            routes.ignore(List.copyOf(ignored));
        }
    }

    /**
     * Hands every event to the sink, in order, until {@link #close}; then releases the sockets. To be run once, on a thread of its own.
     *
     * @throws SystemCallException when the kernel can no longer be heard
     */
    public void run(Consumer<KernelEvent> sink) throws SystemCallException {
        if (!begin()) {
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            int count = rules == null ? 2 : 3;
            MemorySegment polled = arena.allocate(count * Libc.POLLFD_SIZE, 8);
            while (true) {
                Libc.setPollFd(polled, 0, wakeUp, Libc.POLLIN);
                Libc.setPollFd(polled, 1, routes.fd(), Libc.POLLIN);
                if (rules != null) {
                    Libc.setPollFd(polled, 2, rules.fd(), Libc.POLLIN);
                }
                int ready = Libc.poll(polled, count, -1);
                if (ready == -Errno.EINTR) {
                    continue;
                }
                SystemCallException.check("poll netlink sockets", ready);
                if (Libc.polledEvents(polled, 0) != 0) {
                    return;
                }
                if (Libc.polledEvents(polled, 1) != 0 && !routes.drain(message -> hand(message, sink))) {
                    sink.accept(new KernelEvent.Overrun());
                }
                if (rules != null && Libc.polledEvents(polled, 2) != 0) {
                    // one transaction is many messages, and what they say does not matter
                    rules.drain(message -> { });
                    sink.accept(new KernelEvent.RulesChanged());
                }
            }
        } finally {
            end();
        }
    }

    private void hand(MessageReader message, Consumer<KernelEvent> sink) throws MalformedMessageException {
        Found what = EntryCodec.read(message);
        if (what != null) {
            boolean gone = switch (message.type()) {
                case Rtm.RTM_DELLINK, Rtm.RTM_DELADDR, Rtm.RTM_DELROUTE, Rtm.RTM_DELNEIGH -> true;
                default -> false;
            };
            sink.accept(gone ? new KernelEvent.Vanished(what, by(message.port())) : new KernelEvent.Appeared(what, by(message.port())));
        }
    }

    /** Looked up once for a series: a routing daemon tells thousands of changes in a row. */
    private String by(int port) {
        if (port != lastPort) {
            lastPort = port;
            lastBy = Suspect.process(port);
        }
        return lastBy;
    }

    private synchronized boolean begin() {
        running = !closed;
        return running;
    }

    private synchronized void end() {
        closed = true;
        release();
    }

    private void release() {
        routes.close();
        if (rules != null) {
            rules.close();
        }
        Libc.close(wakeUp);
    }

    /** Ends {@link #run}. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (!running) {
            release();
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocate(JAVA_LONG);
            one.set(JAVA_LONG, 0, 1);
            Libc.write(wakeUp, one, one.byteSize());
        }
    }
}
