package flannel.linux;

import java.lang.foreign.MemorySegment;

/**
 * Scattered and batched input and output of the C library, in the manner of {@link Libc}: a result, or minus the error number.
 * The structures are laid out by {@link MessageHeaders} and {@link IoVectors}.
 */
public final class LibcMessages {

    /** include/linux/socket.h. */
    public static final int MSG_DONTWAIT = 0x40;
    public static final int MSG_ERRQUEUE = 0x2000;

    private static final MemorySegment SENDMMSG = Binding.function("sendmmsg");
    private static final MemorySegment RECVMMSG = Binding.function("recvmmsg");
    private static final MemorySegment SENDMSG = Binding.function("sendmsg");
    private static final MemorySegment RECVMSG = Binding.function("recvmsg");
    private static final MemorySegment WRITEV = Binding.function("writev");

    private LibcMessages() {
    }

    /** sendmmsg(2): how many of the messages were sent; an error only when the first of them failed. */
    public static int sendmmsg(int fd, MemorySegment messages, int count, int flags) {
        return Binding.transfer(SENDMMSG, fd, messages, count, flags);
    }

    /** recvmmsg(2), without a time-out: how many messages were received. */
    public static int recvmmsg(int fd, MemorySegment messages, int count, int flags) {
        return Binding.transfer(RECVMMSG, fd, messages, count, flags);
    }

    /** sendmsg(2); a struct mmsghdr begins with the struct msghdr it wants. */
    public static long sendmsg(int fd, MemorySegment message, int flags) {
        return Binding.transfer(SENDMSG, fd, message, flags, 0);
    }

    /** recvmsg(2). */
    public static long recvmsg(int fd, MemorySegment message, int flags) {
        return Binding.transfer(RECVMSG, fd, message, flags, 0);
    }

    /** writev(2). */
    public static long writev(int fd, MemorySegment vectors, int count) {
        return Binding.transfer(WRITEV, fd, vectors, count, 0);
    }
}
