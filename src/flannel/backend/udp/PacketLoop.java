package flannel.backend.udp;

import flannel.linux.Libc;
import flannel.linux.SystemCallException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A thread of the data path: sleeps until there is work in one of its directions, and works until there is none. */
final class PacketLoop implements Runnable, AutoCloseable {

    private static final int WAKE = 0;
    private static final int TUN = 1;
    private static final int SOCKET = 2;

    /** Rounds of work until poll is asked again, which tells of errors that were reported, and whether the socket is writable again. */
    private static final int MOST_ROUNDS = 32;

    private final Lane lane;
    private final Encapsulator out;
    private final Decapsulator in;
    private final ErrorQueue errors;
    private final int wakeFd;
    private final MemorySegment wakeCount;
    private final MemorySegment wakeBuffer;
    private final MemorySegment pollFds;
    private final Consumer<Throwable> fatal;
    private final Semaphore awake = new Semaphore(0);
    private volatile boolean stopped;

    /**
     * @param out null when another thread does that direction
     * @param in  null when another thread does that direction
     */
    PacketLoop(Tunnel tunnel, Lane lane, Encapsulator out, Decapsulator in, Arena arena, Consumer<Throwable> fatal) throws SystemCallException {
        this.lane = lane;
        this.out = out;
        this.in = in;
        errors = new ErrorQueue(tunnel, lane.socket(), arena);
        this.fatal = fatal;
        pollFds = arena.allocate(3 * Libc.POLLFD_SIZE, 8);
        wakeCount = arena.allocateFrom(ValueLayout.JAVA_LONG, 1);
        wakeBuffer = arena.allocate(ValueLayout.JAVA_LONG);
        wakeFd = SystemCallException.check("eventfd", Libc.eventfd(0, Libc.O_CLOEXEC | Libc.O_NONBLOCK));
    }

    @Override
    public void run() {
        try {
            while (!stopped) {
                sleep();
                int done = (polled(TUN) != 0 || (polled(SOCKET) & Libc.POLLOUT) != 0 ? out.work() : 0)
                        + (in != null && (polled(SOCKET) & ~Libc.POLLOUT) != 0 ? in.work() : 0);
                for (int rounds = 0; done > 0 && rounds < MOST_ROUNDS && !isBlocked() && !stopped; rounds++) {
                    done = (out == null ? 0 : out.work()) + (in == null ? 0 : in.work());
                }
            }
        } catch (Throwable t) {
            fatal.accept(t);
        }
    }

    /** Whether the socket is full: packets wait at the device until it is not, and then it is decided among all of them who goes first. */
    private boolean isBlocked() {
        return out != null && out.isBlocked();
    }

    /**
     * Waits. A packet that arrives alone need not wait for a look into the other direction: poll says where it is. A file descriptor below
     * zero is passed over.
     */
    private void sleep() {
        boolean blocked = isBlocked();
        int socketEvents = (in == null ? 0 : Libc.POLLIN) | (blocked ? Libc.POLLOUT : 0);
        Libc.setPollFd(pollFds, WAKE, wakeFd, Libc.POLLIN);
        Libc.setPollFd(pollFds, TUN, out == null || blocked ? -1 : lane.readFd(), Libc.POLLIN);
        Libc.setPollFd(pollFds, SOCKET, socketEvents == 0 ? -1 : lane.socket().fd(), (short) socketEvents);
        Libc.poll(pollFds, 3, -1);
        if (polled(WAKE) != 0) {
            Libc.read(wakeFd, wakeBuffer, 0, wakeBuffer.byteSize());
            awake.release();
        }
        if (in != null && (polled(SOCKET) & Libc.POLLERR) != 0) {
            errors.read();
        }
    }

    /** What poll found there. */
    private int polled(int entry) {
        return Libc.polledEvents(pollFds, entry);
    }

    /** Makes the thread let go of what it sleeps on, and look at everything anew; returns when it has, but within a second. */
    void wake() {
        awake.drainPermits();
        signal();
        try {
            awake.tryAcquire(1, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void signal() {
        Libc.write(wakeFd, wakeCount, wakeCount.byteSize());
    }

    /** Makes {@link #run} return soon. */
    void stop() {
        stopped = true;
        signal();
    }

    /** Only once {@link #run} has returned. */
    @Override
    public void close() {
        Libc.close(wakeFd);
    }
}
