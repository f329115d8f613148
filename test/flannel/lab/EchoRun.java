package flannel.lab;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import flannel.linux.IcmpSocket;
import flannel.linux.SystemCallException;
import flannel.net.Ipv4;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.BitSet;

/** Pings where there is no program of that name: echo requests that may not be fragmented, one after the other until it is closed. */
final class EchoRun implements AutoCloseable {

    private static final ValueLayout.OfShort SHORT = JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final int HEADER = 8;
    private static final int ECHO = 8;
    private static final int ECHO_REPLY = 0;
    private static final int SEQUENCES = 1 << 16;

    private final int id = (int) ProcessHandle.current().pid() & 0xFFFF;
    private final long intervalNanos;
    private final long[] sentNanos = new long[SEQUENCES];
    private final BitSet answered = new BitSet();
    private final Thread thread;
    private final long[] roundTripsNanos = new long[SEQUENCES];
    private int ttl;
    private int sent;
    private volatile boolean closed;
    private volatile SystemCallException failure;

    private EchoRun(NetworkNamespace from, Ipv4 to, int payloadBytes, int intervalMillis) {
        intervalNanos = intervalMillis * 1_000_000L;
        thread = from.start("echo", () -> {
            try (IcmpSocket socket = IcmpSocket.open(64); Arena arena = Arena.ofConfined()) {
                run(socket, arena.allocate(HEADER + payloadBytes, 8), arena.allocate(1 << 16, 8), to);
            } catch (SystemCallException e) {
                failure = e;
            }
        });
    }

    /** Starts to ping. */
    static EchoRun start(NetworkNamespace from, String to, int payloadBytes, int intervalMillis) {
        return new EchoRun(from, Ipv4.parse(to), payloadBytes, intervalMillis);
    }

    private void run(IcmpSocket socket, MemorySegment request, MemorySegment reply, Ipv4 to) throws SystemCallException {
        while (!closed && sent < SEQUENCES) {
            long now = System.nanoTime();
            synchronized (this) {
                request.fill((byte) 0).set(JAVA_BYTE, 0, (byte) ECHO);
                request.set(SHORT, 4, (short) id);
                request.set(SHORT, 6, (short) sent);
                request.set(SHORT, 2, checksum(request));
                sentNanos[sent++] = now;
            }
            socket.send(request, (int) request.byteSize(), to);
            for (long left = intervalNanos; left > 0; left = now + intervalNanos - System.nanoTime()) {
                socket.await((int) Math.max(1, left / 1_000_000));
                for (int length = socket.receive(reply); length > 0; length = socket.receive(reply)) {
                    heard(reply);
                }
            }
        }
    }

    private synchronized void heard(MemorySegment packet) {
        int at = (packet.get(JAVA_BYTE, 0) & 15) * 4;
        int sequence = packet.get(SHORT, at + 6) & 0xFFFF;
        if (packet.get(JAVA_BYTE, at) == ECHO_REPLY && (packet.get(SHORT, at + 4) & 0xFFFF) == id && sequence < sent && !answered.get(sequence)) {
            answered.set(sequence);
            ttl = packet.get(JAVA_BYTE, 8) & 0xFF;
            roundTripsNanos[sequence] = System.nanoTime() - sentNanos[sequence];
        }
    }

    /** RFC 1071. */
    private static short checksum(MemorySegment message) {
        int sum = 0;
        for (long at = 0; at < message.byteSize() - 1; at += 2) {
            sum += message.get(SHORT, at) & 0xFFFF;
        }
        sum = (sum & 0xFFFF) + (sum >>> 16);
        return (short) ~(sum + (sum >>> 16));
    }

    /** Waits until so many more answers have come in. */
    EchoRun awaitReplies(int count) throws Exception {
        int wanted = answers() + count;
        Await.that(count + " more answers to ping", () -> {
            if (failure != null) {
                throw failure;
            }
            return answers() >= wanted;
        });
        return this;
    }

    synchronized int answers() {
        return answered.cardinality();
    }

    /** Requests without an answer between the first and the last that were answered. */
    synchronized int lost() {
        return answered.length() - answered.nextSetBit(0) - answered.cardinality();
    }

    /** The same of a hundred requests, those after the last answer left out, which may be under way. */
    synchronized double lostPercent() {
        return answered.isEmpty() ? 100 : 100.0 * lost() / answered.length();
    }

    synchronized int ttl() {
        return ttl;
    }

    /** The mean of those that came back. */
    synchronized double roundTripMillis() {
        return answered.stream().mapToDouble(sequence -> roundTripsNanos[sequence] / 1e6).average().orElse(Double.NaN);
    }

    /** The round trip that so many of a hundred do not exceed. */
    synchronized double roundTripMillis(int percent) {
        double[] sorted = answered.stream().mapToDouble(sequence -> roundTripsNanos[sequence] / 1e6).sorted().toArray();
        return sorted.length == 0 ? Double.NaN : sorted[(sorted.length - 1) * percent / 100];
    }

    @Override
    public void close() {
        closed = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
