package flannel.backend.udp;

import flannel.linux.Errno;
import flannel.linux.MessageHeaders;
import flannel.log.Log;
import flannel.net.Ipv4;
import java.lang.foreign.Arena;

/** Sends batches through the socket, and finds another way for what the kernel does not take. For one thread. */
final class DatagramSender implements SendBatch.Flush {

    /** The socket: sends messages from the one at {@code from} on, {@code count} of them at most. */
    interface Output {

        /** How many messages were sent, or minus the error number. */
        int send(MessageHeaders messages, int from, int count);
    }

    /** Done with no message until the socket has room. */
    private static final int WAIT = 0;

    private final Output output;
    private final MessageHeaders one;
    private final Counters counters;
    private final Log log;
    private final RateLimit logLimit = new RateLimit(0.1, 1);

    /** Of a message that is sent datagram by datagram, how many are done with. */
    private int datagramsDone;

    /** What is at hand has waited for the socket to be writable. */
    private boolean waited;

    DatagramSender(Arena arena, Output output, Counters counters, Log log) {
        this.output = output;
        this.counters = counters;
        this.log = log;
        one = new MessageHeaders(arena, 1);
    }

    @Override
    public int send(SendBatch batch, int from) {
        int message = from;
        while (message < batch.messages()) {
            int done = datagramsDone > 0 ? singly(batch, message) : several(batch, message);
            if (done == WAIT) {
                break;
            }
            message += done;
        }
        return message;
    }

    /** Messages from that one on: how many are done with, or WAIT. */
    private int several(SendBatch batch, int message) {
        int result = call(batch.messageHeaders(), message, batch.messages() - message);
        if (mustWait(result)) {
            return WAIT;
        }
        return result > 0 ? result : refused(batch, message, -result);
    }

    /** Whether the socket is full. It is not when it was said to be writable since: a key that IPsec waits for is told as EAGAIN too. */
    private boolean mustWait(int result) {
        waited = result == -Errno.EAGAIN && !waited;
        return waited;
    }

    /** How many messages were sent, or minus the error number. */
    private int call(MessageHeaders messages, int from, int count) {
        int result = tryCall(messages, from, count);
        return result < 0 && mayBeOldNews(-result) ? tryCall(messages, from, count) : result;
    }

    private int tryCall(MessageHeaders messages, int from, int count) {
        counters.add(Counter.SEND_CALLS, 1);
        int result = output.send(messages, from, count);
        if (result > 0) {
            counters.add(Counter.SENT_MESSAGES, result);
        }
        return result;
    }

    /** A call may fail for what a router said about an earlier datagram (IP_RECVERR); this one has not been tried then. */
    private static boolean mayBeOldNews(int errno) {
        return errno != Errno.EAGAIN && errno != Errno.ENOBUFS && errno != Errno.EIO && errno != Errno.EINVAL;
    }

    /** A message that the kernel does not take: sent in another way, or dropped. */
    private int refused(SendBatch batch, int message, int errno) {
        if (batch.datagrams(message) > 1 && (errno == Errno.EIO || errno == Errno.EINVAL || errno == Errno.EMSGSIZE)) {
            if (errno == Errno.EIO) {
                endSegmentation(batch, batch.messageHeaders().peerAddress(message));
            }
            return singly(batch, message);
        }
        drop(errno, batch.datagrams(message));
        return 1;
    }

    private void endSegmentation(SendBatch batch, int host) {
        if (batch.endSegmentation(host) && logLimit.allows(System.nanoTime())) {
            log.info("udp: the way to " + new Ipv4(host) + " has no checksum offload (EIO; IPsec?): packets are sent one by one from now on");
        }
    }

    /**
     * The path's MTU has shrunk, or the interface can't segment: each datagram by itself, which the kernel fragments if it must.
     *
     * @return 1 message, or WAIT
     */
    private int singly(SendBatch batch, int message) {
        int host = batch.messageHeaders().peerAddress(message);
        int port = batch.messageHeaders().peerPort(message);
        for (; datagramsDone < batch.datagrams(message); datagramsDone++) {
            int from = batch.firstVector(message, datagramsDone);
            one.sendTo(0, host, port);
            one.vectors(0, batch.vectors(), from, batch.firstVector(message, datagramsDone + 1) - from);
            int result = tryCall(one, 0, 1);
            if (mustWait(result)) {
                return WAIT;
            }
            if (result < 0) {
                drop(-result, 1);
            }
        }
        datagramsDone = 0;
        return 1;
    }

    private void drop(int errno, int datagrams) {
        counters.add(errno == Errno.ENOBUFS ? Counter.SOCKET_FULL : Counter.SEND_FAILED, datagrams);
    }
}
