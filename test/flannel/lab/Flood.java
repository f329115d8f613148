package flannel.lab;

import flannel.linux.IoVectors;
import flannel.linux.Libc;
import flannel.linux.LibcMessages;
import flannel.linux.MessageHeaders;
import flannel.linux.SystemCallException;
import flannel.linux.UdpSocket;
import flannel.net.Ipv4;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/**
 * Small UDP datagrams from one namespace to another, one a system call as most programs send them, and how many of them arrive. The
 * receiver takes many a call and has much room, so that what is lost was lost on the way and not by a receiver that is too slow: a common
 * program with the kernel's 208 KiB loses a fifth of a full flood whenever it waits two milliseconds for a processor.
 */
final class Flood {

    private static final int PORT = 9999;
    private static final int BATCH = 64;
    private static final int ROOM_BYTES = 4 << 20;
    private static final long SECOND_NANOS = 1_000_000_000L;

    /** A paced sender wakes up this often and sends what is due. */
    private static final long PACE_NANOS = 1_000_000;

    /** Once all has been sent, so long a silence means that no more will come. */
    private static final int SILENCE_MILLIS = 200;

    /** Full speed, as a pace. */
    static final int UNLIMITED = Integer.MAX_VALUE;

    private Flood() {
    }

    /** What came of it. */
    record Outcome(long sent, long received, double seconds) {

        double receivedPerSecond() {
            return received / seconds;
        }

        double lossPercent() {
            return 100.0 * (sent - received) / sent;
        }
    }

    /**
     * Sends for so long.
     *
     * @param bytes     each datagram's length
     * @param perSecond how many at most
     */
    static Outcome run(NetworkNamespace from, NetworkNamespace to, String address, int bytes, int perSecond, int seconds) throws Exception {
        CompletableFuture<Sent> sent = new CompletableFuture<>();
        CompletableFuture<Long> received = new CompletableFuture<>();
        try (Arena arena = Arena.ofShared(); UdpSocket receiver = to.call(() -> UdpSocket.bind(new Ipv4(0), PORT));
                DatagramChannel sender = from.call(() -> DatagramChannel.open(StandardProtocolFamily.INET))) {
            sender.connect(new InetSocketAddress(address, PORT));
            receiver.bufferSizes(ROOM_BYTES, ROOM_BYTES);
            to.start("flood receiver", () -> complete(received, () -> receive(receiver, arena, bytes, sent)));
            from.start("flood sender", () -> complete(sent, () -> send(sender, bytes, perSecond, seconds)));
            CompletableFuture.allOf(sent, received).exceptionally(any -> null).join();      // the arena is theirs until both have ended
            return new Outcome(sent.get().count, received.get(), sent.get().seconds);
        }
    }

    /** What the sender did. */
    private record Sent(long count, double seconds) {
    }

    private interface End<T> {
        T run() throws IOException;
    }

    private static <T> void complete(CompletableFuture<T> outcome, End<T> end) {
        try {
            outcome.complete(end.run());
        } catch (IOException | RuntimeException | Error e) {
            outcome.completeExceptionally(e);
        }
    }

    private static Sent send(DatagramChannel socket, int bytes, int perSecond, int seconds) throws IOException {
        ByteBuffer datagram = ByteBuffer.allocateDirect(bytes);
        long start = System.nanoTime();
        long end = seconds * SECOND_NANOS;
        long sent = 0;
        long now = 0;
        while (now < end) {
            long due = perSecond == UNLIMITED ? sent + BATCH : perSecond * now / SECOND_NANOS;
            if (sent >= due) {
                LockSupport.parkNanos(PACE_NANOS);
            }
            for (; sent < due; sent++) {
                socket.write(datagram.rewind());
            }
            now = System.nanoTime() - start;
        }
        return new Sent(sent, now / (double) SECOND_NANOS);
    }

    private static long receive(UdpSocket socket, Arena arena, int bytes, CompletableFuture<?> sent) throws SystemCallException {
        MemorySegment memory = arena.allocate((long) BATCH * bytes, 8);
        IoVectors vectors = new IoVectors(arena, BATCH);
        MessageHeaders messages = new MessageHeaders(arena, BATCH);
        for (int i = 0; i < BATCH; i++) {
            vectors.set(i, memory, (long) i * bytes, bytes);
            messages.vectors(i, vectors, i, 1);
            messages.expect(i);
        }
        MemorySegment pollFds = arena.allocate(Libc.POLLFD_SIZE, 8);
        long received = 0;
        while (true) {
            Libc.setPollFd(pollFds, 0, socket.fd(), Libc.POLLIN);
            boolean allSent = sent.isDone();
            if (SystemCallException.check("poll", Libc.poll(pollFds, 1, SILENCE_MILLIS)) == 0 && allSent) {
                return received;
            }
            for (int count = BATCH; count == BATCH; received += Math.max(count, 0)) {
                count = LibcMessages.recvmmsg(socket.fd(), messages, LibcMessages.MSG_DONTWAIT);
            }
        }
    }
}
