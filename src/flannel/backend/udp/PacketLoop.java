package flannel.backend.udp;

import flannel.linux.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/** A thread of the data path: sleeps until there is work in one of its directions, and works until there is none. */
final class PacketLoop implements Runnable {

    private static final int STOP = 0;
    private static final int TUN = 1;
    private static final int SOCKET = 2;

    private final Tunnel tunnel;
    private final Encapsulator out;
    private final Decapsulator in;
    private final int stopFd;
    private final MemorySegment pollFds;
    private final Consumer<Throwable> fatal;
    private volatile boolean stopped;

    /**
     * @param out    null when another thread does that direction
     * @param in     null when another thread does that direction
     * @param stopFd an eventfd, readable once {@link #stop} was called
     */
    PacketLoop(Tunnel tunnel, Encapsulator out, Decapsulator in, int stopFd, Arena arena, Consumer<Throwable> fatal) {
        this.tunnel = tunnel;
        this.out = out;
        this.in = in;
        this.stopFd = stopFd;
        this.fatal = fatal;
        pollFds = arena.allocate(3 * Libc.POLLFD_SIZE, 8);
    }

    @Override
    public void run() {
        try {
            while (!stopped) {
                sleep();
                int done = (isReady(TUN) ? out.work() : 0) + (isReady(SOCKET) ? in.work() : 0);
                while (done > 0 && !stopped) {
                    done = (out == null ? 0 : out.work()) + (in == null ? 0 : in.work());
                }
            }
        } catch (Throwable t) {
            fatal.accept(t);
        }
    }

    /** A file descriptor below zero is passed over by poll. */
    private void sleep() {
        Libc.setPollFd(pollFds, STOP, stopFd, Libc.POLLIN);
        Libc.setPollFd(pollFds, TUN, out == null ? -1 : tunnel.tun().fd(), Libc.POLLIN);
        Libc.setPollFd(pollFds, SOCKET, in == null ? -1 : tunnel.socket().fd(), Libc.POLLIN);
        Libc.poll(pollFds, 3, -1);
        if ((Libc.polledEvents(pollFds, SOCKET) & Libc.POLLERR) != 0) {
            tunnel.readErrors();
        }
    }

    /** Whether poll found something there: a packet that arrives alone need not wait for a look into the other direction. */
    private boolean isReady(int entry) {
        return Libc.polledEvents(pollFds, entry) != 0;
    }

    /** Makes {@link #run} return soon; the caller wakes it through its stop descriptor. */
    void stop() {
        stopped = true;
    }
}
