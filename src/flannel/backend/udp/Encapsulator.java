package flannel.backend.udp;

import flannel.linux.Errno;
import flannel.linux.Libc;
import flannel.log.Log;
import flannel.net.Ipv4;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The way out: reads packets from the TUN device and sends them to the hosts they belong to. For one thread. */
final class Encapsulator {

    /** Room for the largest packet that the device hands over, with its virtio header. */
    private static final int SLOT = 65536 + 64;

    /** Places the IPv4 header that follows a virtio header on a multiple of 16. */
    private static final int ALIGNMENT = 64;

    private static final int OUTER_HEADERS = 28;

    /** TCP's segments come to this at least, whatever its options, over every path whose MTU the kernel believes (PathMtus.SMALLEST). */
    private static final int SMALL_SEGMENT = PathMtus.SMALLEST - OUTER_HEADERS - Ipv4Header.SIZE - 60;

    private final Tunnel tunnel;
    private final Features features;
    private final Counters counters;
    private final Log log;
    private final SendBatch batch;
    private final MemorySegment buffer;
    private final MemorySegment reply;
    private final int virtioSize;
    private final int packetsPerBatch;
    private final int bytesPerBatch;
    private final StandingQueue queue = new StandingQueue();
    private final RateLimit icmpLimit = new RateLimit(100, 50);
    private final RateLimit logLimit = new RateLimit(0.1, 1);

    Encapsulator(Tunnel tunnel, Arena arena, Limits limits, Counters counters, Log log) {
        this.tunnel = tunnel;
        this.features = tunnel.features();
        this.counters = counters;
        this.log = log;
        virtioSize = features.virtioHeader() ? VirtioHeader.SIZE : 0;
        packetsPerBatch = features.batches() ? limits.packetsRead() : 1;
        bytesPerBatch = limits.bytesRead();
        batch = new SendBatch(arena, tunnel.port(), features.segmentation(),
                new DatagramSender(arena, features.batches() ? tunnel.socket()::sendMany : tunnel.socket()::sendOne, counters, log));
        buffer = arena.allocate(bytesPerBatch + 2L * SLOT, ALIGNMENT);
        reply = arena.allocate(VirtioHeader.SIZE + IcmpReplies.MAX_SIZE, 8);
    }

    /** Whether the socket has to be writable again before there is anything to do: until then packets wait at the device. */
    boolean isBlocked() {
        return batch.isWaiting();
    }

    /**
     * Forwards what the socket had no room for, then one batch of what waits at the device.
     *
     * @return packets read; 0 when nothing was waiting, or the socket is full
     */
    int work() {
        batch.flush();
        return batch.isWaiting() ? 0 : forwardBatch();
    }

    private int forwardBatch() {
        ForwardingTable table = tunnel.table();
        int packets = 0;
        int start = ALIGNMENT - virtioSize;
        long at = start;
        while (packets < packetsPerBatch && at < bytesPerBatch && !batch.isFull()) {
            int read = Libc.read(tunnel.tun().fd(), buffer, at, SLOT);
            if (read <= 0) {
                if (read == -Errno.EBADFD) {
                    tunnel.restoreDevice();
                }
                queue.emptied();
                break;
            }
            packets++;
            forward(table, at, read);
            at = (at + read + ALIGNMENT - 1 & -ALIGNMENT) + start;
        }
        if (packets > 0) {
            counters.add(Counter.TUN_READS, packets);
            batch.flush();
        }
        return packets;
    }

    private void forward(ForwardingTable table, long at, int read) {
        long packet = at + virtioSize;
        int available = read - virtioSize;
        int length = Ipv4Header.soundLength(buffer, packet, available);
        if (length == 0) {
            boolean ipv4 = available > 0 && Ipv4Header.u8(buffer, packet) >>> 4 == 4;
            counters.add(ipv4 ? Counter.MALFORMED : Counter.NOT_IPV4, 1);
            return;
        }
        int host = table.host(Ipv4Header.destination(buffer, packet));
        if (host == 0) {
            counters.add(Counter.NO_ROUTE, 1);
            answer(IcmpReplies.netUnreachable(buffer, packet, length, reply, VirtioHeader.SIZE));
            return;
        }
        PathMtus mtus = tunnel.mtus();
        if (!mtus.isEmpty() && isTooBig(mtus, at, packet, length, host)) {
            counters.add(Counter.TOO_BIG, 1);
            return;
        }
        if (virtioSize != 0 && VirtioHeader.gsoType(buffer, at) != VirtioHeader.GSO_NONE && mustGiveWay(at)) {
            counters.add(Counter.CONGESTED, 1);
            return;
        }
        int datagrams = 1;
        if (virtioSize == 0) {
            batch.add(host, buffer, packet, length);
        } else {
            datagrams = Segmenter.split(buffer, at, packet, length, host, batch);
        }
        if (datagrams > 0) {
            counters.add(Counter.SENT_PACKETS, datagrams);
            counters.add(Counter.SENT_BYTES, length);
        } else if (datagrams == Segmenter.TOO_MANY_SEGMENTS) {
            counters.add(Counter.TOO_MANY_SEGMENTS, 1);
            complain(at, packet, length);
        } else {
            counters.add(Counter.MALFORMED, 1);
        }
    }

    /**
     * Whether a super-packet is dropped because the queue has stood for a while: one of TCP now and then, so that its sender slows down;
     * one of small segments, which is much work for its bytes, always, so that its sender can't make everybody wait.
     */
    private boolean mustGiveWay(long virtio) {
        if (VirtioHeader.gsoSize(buffer, virtio) < SMALL_SEGMENT) {
            return queue.stands(System.nanoTime());
        }
        return VirtioHeader.gsoType(buffer, virtio) == VirtioHeader.GSO_TCPV4 && queue.drop(System.nanoTime());
    }

    private void complain(long virtio, long packet, int length) {
        if (logLimit.allows(System.nanoTime())) {
            Ipv4 source = new Ipv4(Ipv4Header.source(buffer, packet));
            log.warning("udp: dropped a packet of " + length + " bytes from " + source + " that asked to be cut into pieces of "
                    + VirtioHeader.gsoSize(buffer, virtio) + ", which no kernel does by itself: look at what runs at " + source);
        }
    }

    /** What may be fragmented goes out all the same: the kernel fragments the datagram around it. */
    private boolean isTooBig(PathMtus mtus, long virtio, long packet, int length, int host) {
        if ((Ipv4Header.u16(buffer, packet + Ipv4Header.FRAGMENT) & Ipv4Header.DONT_FRAGMENT) == 0) {
            return false;
        }
        int mtu = mtus.of(host, System.nanoTime());
        int largest = virtioSize == 0 ? length : Segmenter.largestSegment(buffer, virtio, packet, length);
        if (mtu == Integer.MAX_VALUE || largest <= mtu - OUTER_HEADERS) {
            return false;
        }
        answer(IcmpReplies.fragmentationNeeded(buffer, packet, length, mtu - OUTER_HEADERS, reply, VirtioHeader.SIZE));
        return true;
    }

    private void answer(int length) {
        if (length > 0 && icmpLimit.allows(System.nanoTime())) {
            reply.asSlice(0, VirtioHeader.SIZE).fill((byte) 0);
            long offset = VirtioHeader.SIZE - virtioSize;
            counters.add(Counter.ICMP_REPLIES, 1);
            Libc.write(tunnel.tun().fd(), reply.asSlice(offset), virtioSize + length);
        }
    }
}
