package flannel.lab;

import flannel.linux.IoVectors;
import flannel.linux.Libc;
import flannel.linux.LibcMessages;
import flannel.linux.MessageHeaders;
import flannel.linux.UdpSocket;
import flannel.net.Ipv4;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;

/**
 * A long stretch of the underlay: stands between two hosts and passes their datagrams on some time later, all in their order. Each host
 * knows the other by an address of the relay, as with {@link TroubledRelay}. Many datagrams are handled as one where the kernel merges them,
 * so that the relay is no limit itself.
 *
 * <pre>
 *    host 1, PublicIP A  -- to B -->  relay: A, B  -- from A -->  host 2, PublicIP B
 * </pre>
 */
final class DelayRelay implements AutoCloseable {

    private static final int BUFFER_BYTES = 8 << 20;

    /** Messages under way, and bytes of each. */
    private static final int SLOTS = 1024;
    private static final int SLOT = 1 << 16;

    /** How late a datagram may be at least: the loop looks so often. */
    private static final long LOOK_NANOS = 50_000;

    private static final int POLL_MILLIS = 100;

    private final NetworkNamespace namespace;
    private final String device;
    private final String[] addresses;
    private final int port;
    private final long delayNanos;
    private final Arena arena = Arena.ofShared();
    private final UdpSocket a;
    private final UdpSocket b;
    private final Thread[] threads;
    private volatile boolean closed;

    /** Stands between hosts A and B, which listen at that port. */
    DelayRelay(NetworkNamespace namespace, String device, int port, long delayNanos, String a, String hostA, String b, String hostB)
            throws Exception {
        this.namespace = namespace;
        this.device = device;
        this.port = port;
        this.delayNanos = delayNanos;
        addresses = new String[] {a, b};
        this.a = socket(a);
        this.b = socket(b);
        threads = new Thread[] {start("relay to B", this.b, this.a, hostB), start("relay to A", this.a, this.b, hostA)};
    }

    private UdpSocket socket(String address) throws Exception {
        namespace.run("ip", "address", "add", address + "/24", "dev", device);
        UdpSocket socket = namespace.call(() -> UdpSocket.bind(Ipv4.parse(address), port));
        socket.bufferSizes(BUFFER_BYTES, BUFFER_BYTES);
        socket.mergeReceived();
        return socket;
    }

    private Thread start(String name, UdpSocket in, UdpSocket out, String host) {
        return Thread.ofPlatform().daemon().name(name).start(() -> relay(in, out, Ipv4.parse(host).bits()));
    }

    private void relay(UdpSocket in, UdpSocket out, int host) {
        MemorySegment memory = arena.allocate((long) SLOTS * SLOT, 8);
        MemorySegment pollFds = arena.allocate(Libc.POLLFD_SIZE, 8);
        IoVectors vectors = new IoVectors(arena, SLOTS);
        MessageHeaders messages = new MessageHeaders(arena, SLOTS);
        long[] dueNanos = new long[SLOTS];
        long received = 0;
        long sent = 0;
        while (!closed) {
            if (received == sent) {
                Libc.setPollFd(pollFds, 0, in.fd(), Libc.POLLIN);
                Libc.poll(pollFds, 1, POLL_MILLIS);
            } else {
                LockSupport.parkNanos(LOOK_NANOS);
            }
            for (int length = 0; length >= 0 && received - sent < SLOTS; ) {
                int slot = (int) (received % SLOTS);
                vectors.set(slot, memory, (long) slot * SLOT, SLOT);
                messages.vectors(slot, vectors, slot, 1);
                messages.expect(slot);
                length = LibcMessages.recvmsg(in.fd(), messages, slot, LibcMessages.MSG_DONTWAIT);
                if (length >= 0) {
                    int merged = messages.mergedSize(slot);
                    vectors.set(slot, memory, (long) slot * SLOT, length);
                    messages.sendTo(slot, host, port);
                    if (merged > 0 && merged < length) {
                        messages.segmentSize(slot, merged);
                    }
                    dueNanos[slot] = System.nanoTime() + delayNanos;
                    received++;
                }
            }
            for (long now = System.nanoTime(); sent < received && dueNanos[(int) (sent % SLOTS)] - now <= 0; sent++) {
                out.sendOne(messages, (int) (sent % SLOTS), 1);
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        a.close();
        b.close();
        arena.close();
        for (String address : addresses) {
            namespace.run("ip", "address", "del", address + "/24", "dev", device);
        }
    }
}
