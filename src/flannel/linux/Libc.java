package flannel.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Files of the C library: open, close, read, write, ioctl, poll, eventfd. Every method returns what the function returned, or minus
 * the error number; {@link SystemCallException#check} makes an exception of that.
 */
public final class Libc {

    /** include/uapi/asm-generic/fcntl.h. */
    public static final int O_RDONLY = 0;
    public static final int O_RDWR = 2;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_CLOEXEC = 0x80000;

    /** include/uapi/asm-generic/poll.h. */
    public static final short POLLIN = 1;
    public static final short POLLOUT = 4;
    public static final short POLLERR = 8;

    /** struct pollfd: int fd, short events, short revents. */
    public static final long POLLFD_SIZE = 8;

    private static final MethodHandle open$mh = Binding.variadic("open", 2, FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle close$mh = Binding.function("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle read$mh = Binding.function("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle write$mh = Binding.function("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle ioctl$mh =
            Binding.variadic("ioctl", 2, FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS));
    private static final MethodHandle poll$mh = Binding.function("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
    private static final MethodHandle eventfd$mh = Binding.function("eventfd", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));

    private static final MethodHandle exit$mh = Binding.function("_exit", FunctionDescriptor.ofVoid(JAVA_INT));

    private Libc() {
    }

    /** open(2), without a mode: opens what exists. */
    public static int open(String path, int flags) {
        MemorySegment state = Binding.callState();
        try (Arena arena = Arena.ofConfined()) {
            return Binding.result((int) open$mh.invokeExact(state, arena.allocateFrom(path), flags), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** close(2). */
    public static int close(int fd) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((int) close$mh.invokeExact(state, fd), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** read(2). */
    public static long read(int fd, MemorySegment buffer, long count) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((long) read$mh.invokeExact(state, fd, buffer, count), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** write(2). */
    public static long write(int fd, MemorySegment buffer, long count) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((long) write$mh.invokeExact(state, fd, buffer, count), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** ioctl(2) with a pointer as its argument. */
    public static int ioctl(int fd, long request, MemorySegment argument) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((int) ioctl$mh.invokeExact(state, fd, request, argument), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** poll(2): {@code count} entries of struct pollfd; a negative time-out waits without end. */
    public static int poll(MemorySegment pollFds, long count, int timeoutMillis) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((int) poll$mh.invokeExact(state, pollFds, count, timeoutMillis), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** Fills entry {@code index} of an array of struct pollfd. */
    public static void setPollFd(MemorySegment pollFds, int index, int fd, short events) {
        pollFds.set(JAVA_INT, index * POLLFD_SIZE, fd);
        pollFds.set(JAVA_SHORT, index * POLLFD_SIZE + 4, events);
        pollFds.set(JAVA_SHORT, index * POLLFD_SIZE + 6, (short) 0);
    }

    /** The events that poll found on entry {@code index}. */
    public static short polledEvents(MemorySegment pollFds, int index) {
        return pollFds.get(JAVA_SHORT, index * POLLFD_SIZE + 6);
    }

    /**
     * _exit(2): ends the process, now. The JVM's own ways wait for threads that are inside system calls, 300 ms if need be (hotspot's
     * VM_Exit::wait_for_threads_in_native_to_block), and a daemon has such threads at any time.
     */
    public static void exit(int status) {
        try {
            exit$mh.invokeExact(Binding.callState(), status);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** eventfd(2): how one thread wakes another out of poll. */
    public static int eventfd(int initial, int flags) {
        MemorySegment state = Binding.callState();
        try {
            return Binding.result((int) eventfd$mh.invokeExact(state, initial, flags), state);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }
}
