package flannel.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

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

    private static final MemorySegment OPEN = Binding.function("open");
    private static final MemorySegment CLOSE = Binding.function("close");
    private static final MemorySegment READ = Binding.function("read");
    private static final MemorySegment WRITE = Binding.function("write");
    private static final MemorySegment IOCTL = Binding.function("ioctl");
    private static final MemorySegment POLL = Binding.function("poll");
    private static final MemorySegment EXIT = Binding.function("_exit");
    private static final MemorySegment DUP3 = Binding.function("dup3");
    private static final MemorySegment EVENTFD = Binding.function("eventfd");

    private Libc() {
    }

    /** open(2), without a mode: opens what exists. */
    public static int open(String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            return Binding.call(OPEN, Binding.pointer(arena.allocateFrom(path)), flags, 0, 0, 0);
        }
    }

    /** close(2). */
    public static int close(int fd) {
        return Binding.call(CLOSE, fd, 0, 0, 0, 0);
    }

    /** dup3(2): from now on {@code newFd} is what {@code oldFd} is; what it was before is closed. */
    public static int dup3(int oldFd, int newFd, int flags) {
        return Binding.call(DUP3, oldFd, newFd, flags, 0, 0);
    }

    /** read(2) into {@code count} bytes of a buffer from {@code offset} on, which no other thread frees meanwhile. Leaves no garbage. */
    public static int read(int fd, MemorySegment buffer, long offset, long count) {
        Objects.checkFromIndexSize(offset, count, buffer.byteSize());
        return Binding.call(READ, fd, Binding.pointer(buffer) + offset, count, 0, 0);
    }

    /** write(2). */
    public static long write(int fd, MemorySegment buffer, long count) {
        return Binding.transfer(WRITE, fd, buffer, count, 0);
    }

    /** ioctl(2) with a pointer as its argument. */
    public static int ioctl(int fd, long request, MemorySegment argument) {
        return Binding.call(IOCTL, fd, request, Binding.pointer(argument), 0, 0);
    }

    /** poll(2): {@code count} entries of struct pollfd; a negative time-out waits without end. */
    public static int poll(MemorySegment pollFds, long count, int timeoutMillis) {
        return Binding.call(POLL, Binding.pointer(pollFds), count, timeoutMillis, 0, 0);
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
        Binding.call(EXIT, status, 0, 0, 0, 0);
    }

    /** eventfd(2): how one thread wakes another out of poll. */
    public static int eventfd(int initial, int flags) {
        return Binding.call(EVENTFD, initial, flags, 0, 0, 0);
    }
}
