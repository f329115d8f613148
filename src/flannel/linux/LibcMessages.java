package flannel.linux;

import java.lang.foreign.MemorySegment;

/**
 * Scattered and batched input and output of the C library, in the manner of {@link Libc}: a result, or minus the error number.
 * The structures are laid out by {@link MessageHeaders} and {@link IoVectors}, and are handed over by address and index, for a call must
 * not leave garbage behind: a slice for each would.
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
    public static int sendmmsg(int fd, MessageHeaders messages, int from, int count, int flags) {
        return Binding.call(SENDMMSG, fd, messages.address(from), count, flags, 0);
    }

    /** recvmmsg(2) of as many as there is room for, without a time-out: how many messages were received. */
    public static int recvmmsg(int fd, MessageHeaders messages, int flags) {
        return Binding.call(RECVMMSG, fd, messages.address(0), messages.capacity(), flags, 0);
    }

    /** sendmsg(2); a struct mmsghdr begins with the struct msghdr it wants. */
    public static int sendmsg(int fd, MessageHeaders messages, int index, int flags) {
        return Binding.call(SENDMSG, fd, messages.address(index), flags, 0, 0);
    }

    /** recvmsg(2). */
    public static int recvmsg(int fd, MessageHeaders messages, int index, int flags) {
        return Binding.call(RECVMSG, fd, messages.address(index), flags, 0, 0);
    }

    /** writev(2). */
    public static int writev(int fd, IoVectors vectors, int from, int count) {
        return Binding.call(WRITEV, fd, vectors.addressOf(from), count, 0, 0);
    }
}
