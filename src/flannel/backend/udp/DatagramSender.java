package flannel.backend.udp;

import flannel.linux.Errno;
import flannel.linux.LibcMessages;
import flannel.linux.MessageHeaders;
import flannel.log.Log;
import java.lang.foreign.Arena;

/** Sends batches through the socket, and finds another way for what the kernel does not take. */
final class DatagramSender implements SendBatch.Flush {

    private final int fd;
    private final boolean manyPerCall;
    private final MessageHeaders one;
    private final Counters counters;
    private final Log log;

    /** @param manyPerCall whether to use sendmmsg, or one call a datagram */
    DatagramSender(Arena arena, int fd, boolean manyPerCall, Counters counters, Log log) {
        this.fd = fd;
        this.manyPerCall = manyPerCall;
        this.counters = counters;
        this.log = log;
        one = new MessageHeaders(arena, 1);
    }

    @Override
    public void send(SendBatch batch) {
        int sent = 0;
        boolean again = false;
        while (sent < batch.messages()) {
            int result = call(batch.messageHeaders(), sent, batch.messages() - sent);
            if (result > 0) {
                counters.add(Counter.SENT_MESSAGES, result);
                sent += result;
                again = false;
            } else if (mayBeOldNews(-result) && !again) {
                again = true;
            } else {
                refused(batch, sent, -result);
                sent++;
                again = false;
            }
        }
    }

    /** How many messages were sent, or minus the error number. */
    private int call(MessageHeaders messages, int from, int count) {
        counters.add(Counter.SEND_CALLS, 1);
        if (manyPerCall) {
            return LibcMessages.sendmmsg(fd, messages, from, count, 0);
        }
        int result = LibcMessages.sendmsg(fd, messages, from, 0);
        return result < 0 ? result : 1;
    }

    /** A call may fail for what a router said about an earlier datagram (IP_RECVERR); this one has not been tried then. */
    private static boolean mayBeOldNews(int errno) {
        return errno != Errno.EAGAIN && errno != Errno.ENOBUFS && errno != Errno.EIO && errno != Errno.EINVAL;
    }

    private void refused(SendBatch batch, int message, int errno) {
        if (batch.datagrams(message) > 1 && (errno == Errno.EIO || errno == Errno.EINVAL || errno == Errno.EMSGSIZE)) {
            if (errno == Errno.EIO) {
                batch.endSegmentation();
                log.info("udp: the interface has no checksum offload: each packet is sent by itself from now on");
            }
            singly(batch, message);
        } else {
            drop(errno, batch.datagrams(message));
        }
    }

    /** The path's MTU has shrunk, or the interface can't segment: each datagram by itself, which the kernel fragments if it must. */
    private void singly(SendBatch batch, int message) {
        int host = batch.messageHeaders().peerAddress(message);
        int port = batch.messageHeaders().peerPort(message);
        for (int i = 0; i < batch.datagrams(message); i++) {
            int from = batch.firstVector(message, i);
            one.sendTo(0, host, port);
            one.vectors(0, batch.vectors(), from, batch.firstVector(message, i + 1) - from);
            counters.add(Counter.SEND_CALLS, 1);
            int result = LibcMessages.sendmsg(fd, one, 0, 0);
            if (result >= 0) {
                counters.add(Counter.SENT_MESSAGES, 1);
            } else {
                drop(-result, 1);
            }
        }
    }

    private void drop(int errno, int datagrams) {
        boolean full = errno == Errno.EAGAIN || errno == Errno.ENOBUFS;
        counters.add(full ? Counter.SOCKET_FULL : Counter.SEND_FAILED, datagrams);
    }
}
