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

    /** What may wait here for the socket. */
    private static final int BACKLOG_BYTES = 1 << 20;

    /** A packet that has been here for so long comes from a queue that is too long (RFC 8289, 4.2). */
    private static final long TARGET_NANOS = 5_000_000;

    /** TCP's packets that are longer carry much, and are not missed as others are. */
    private static final int LARGE = 576;

    private final Tunnel tunnel;
    private final Lane lane;
    private final Features features;
    private final Counters counters;
    private final Log log;
    private final SocketRoom room;
    private final SendBatch batch;
    private final Backlog backlog;
    private final MemorySegment buffer;
    private final MemorySegment reply;
    private final int virtioSize;
    private final int packetsPerBatch;
    private final int bytesPerBatch;
    private final StandingQueue queue = new StandingQueue();
    private final RateLimit icmpLimit = new RateLimit(100, 50);
    private final RateLimit logLimit = new RateLimit(0.1, 1);

    Encapsulator(Tunnel tunnel, Lane lane, Arena arena, Limits limits, Counters counters, Log log) {
        this.tunnel = tunnel;
        this.lane = lane;
        this.features = tunnel.features();
        this.counters = counters;
        this.log = log;
        virtioSize = features.virtioHeader() ? VirtioHeader.SIZE : 0;
        packetsPerBatch = features.batches() ? limits.packetsRead() : 1;
        bytesPerBatch = limits.bytesRead();
        room = new SocketRoom(lane.socket()::unsentBytes, lane.socket()::sendRoom);
        batch = new SendBatch(arena, tunnel.port(), features.segmentation(),
                new DatagramSender(arena, features.batches() ? lane.socket()::sendMany : lane.socket()::sendOne, counters, log));
        backlog = new Backlog(arena, BACKLOG_BYTES, SLOT, ALIGNMENT - virtioSize, ALIGNMENT);
        buffer = backlog.memory();
        reply = arena.allocate(VirtioHeader.SIZE + IcmpReplies.MAX_SIZE, 8);
    }

    /** Whether the socket has to be writable again before there is anything to do: until then packets wait at the device. */
    boolean isBlocked() {
        return batch.isWaiting();
    }

    /**
     * Forwards one batch of what waits at the device. Where the socket was full, whatever waits is taken out first: who goes next is
     * decided among all.
     *
     * @return packets read; 0 when nothing was waiting, or the socket is full
     */
    int work() {
        long now = System.nanoTime();
        boolean wasFull = batch.isWaiting();
        if (wasFull) {
            room.writable(now);
            if (!flush()) {
                return 0;
            }
        }
        boolean all = wasFull || queue.isDropDue(now);
        int packets = read(all ? Backlog.ENTRIES : packetsPerBatch, all ? BACKLOG_BYTES : bytesPerBatch, now);
        send(now);
        return packets;
    }

    private int read(int mostPackets, int mostBytes, long now) {
        int packets = 0;
        int bytes = 0;
        boolean isDeviceEmpty = false;
        for (int at = backlog.room(); at >= 0 && packets < mostPackets && bytes < mostBytes; at = backlog.room()) {
            int read = Libc.read(lane.readFd(), buffer, at, SLOT);
            if (read <= 0) {
                if (read == -Errno.EBADFD) {
                    tunnel.restoreDevice();
                }
                isDeviceEmpty = true;
                break;
            }
            packets++;
            bytes += read;
            admit(at, read, now);
        }
        if (packets > 0) {
            counters.add(Counter.TUN_READS, packets);
        }
        if (isDeviceEmpty && backlog.isShort(TARGET_NANOS, now)) {
            queue.isShort();
        }
        return packets;
    }

    private void admit(int at, int read, long now) {
        int available = read - virtioSize;
        if (Ipv4Header.soundLength(buffer, at + virtioSize, available) == 0) {
            boolean ipv4 = available > 0 && Ipv4Header.u8(buffer, at + virtioSize) >>> 4 == 4;
            counters.add(ipv4 ? Counter.MALFORMED : Counter.NOT_IPV4, 1);
            return;
        }
        backlog.add(read, at + virtioSize, isTrain(at), now);
    }

    private boolean isTrain(long virtio) {
        return virtioSize != 0 && VirtioHeader.gsoType(buffer, virtio) != VirtioHeader.GSO_NONE;
    }

    /** Sends what there is, batch by batch, until the socket is full. A batch is no more than what the socket has room for at a time. */
    private void send(long now) {
        int mostBytes = Math.min(bytesPerBatch, room.bytes() / 2);
        do {
            int bytes = 0;
            for (int packets = 0; packets < packetsPerBatch && bytes < mostBytes && !batch.isFull(); packets++) {
                int place = backlog.take(packets >= packetsPerBatch / 2 && packetsPerBatch > 1);
                if (place < 0) {
                    break;
                }
                bytes += backlog.length(place);
                forward(place, now);
            }
        } while (flush() && backlog.packets() > 0);
    }

    /** Sends the batch; false when some of it has to wait. */
    private boolean flush() {
        batch.flush();
        if (batch.isWaiting()) {
            room.full(System.nanoTime());
            return false;
        }
        backlog.release();
        return true;
    }

    private void forward(int place, long now) {
        long at = backlog.offset(place);
        long packet = at + virtioSize;
        int length = Ipv4Header.u16(buffer, packet + Ipv4Header.TOTAL_LENGTH);
        ForwardingTable table = tunnel.table();
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
        if (mustGiveWay(at, packet, length, now)) {
            counters.add(Counter.CONGESTED, 1);
            int dropped = isTrain(at) && VirtioHeader.gsoSize(buffer, at) >= SMALL_SEGMENT ? Segmenter.dropFirst(buffer, at, packet, length) : 0;
            if (dropped == 0) {
                return;
            }
            at += dropped;
            packet += dropped;
            length -= dropped;
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
     * Whether a packet is dropped because the queue has stood for a while: one of TCP's large ones now and then, the first of a train, so
     * that its sender slows down; a super-packet of small segments, which is much work for its bytes, always and as a whole, so that its
     * sender can't make everybody wait. Nobody who sends trains of UDP would slow down for one.
     */
    private boolean mustGiveWay(long virtio, long packet, int length, long now) {
        if (isTrain(virtio) && VirtioHeader.gsoSize(buffer, virtio) < SMALL_SEGMENT) {
            return queue.stands(now);
        }
        return length > LARGE && Ipv4Header.u8(buffer, packet + Ipv4Header.PROTOCOL) == Ipv4Header.TCP && queue.drop(now);
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
            Libc.write(lane.writeFd(), reply.asSlice(offset), virtioSize + length);
        }
    }
}
