package flannel.backend.udp;

import flannel.linux.IoVectors;
import flannel.linux.LibcMessages;
import flannel.linux.MessageHeaders;
import flannel.log.Log;
import flannel.net.Ipv4;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The way in: receives datagrams from the other hosts and writes the packets in them to the TUN device. For one thread. */
final class Decapsulator implements Coalescer.Sink {

    /** Largest message that the socket hands over. */
    private static final int SLOT = 65536;

    /** A queue at the socket that is worth a packet: some full messages. */
    private static final int LONG_QUEUE_BYTES = 256 << 10;

    private final Tunnel tunnel;
    private final Lane lane;
    private final Features features;
    private final Counters counters;
    private final Log log;
    private final Coalescer coalescer;
    private final MemorySegment buffer;
    private final MessageHeaders headers;
    private final IoVectors slots;
    private final StandingQueue queue = new StandingQueue();
    private final RateLimit logLimit = new RateLimit(0.1, 1);

    Decapsulator(Tunnel tunnel, Lane lane, Arena arena, Limits limits, Counters counters, Log log) {
        this.tunnel = tunnel;
        this.lane = lane;
        this.features = tunnel.features();
        this.counters = counters;
        this.log = log;
        int messages = features.batches() ? limits.messagesReceived() : 1;
        buffer = arena.allocate((long) messages * SLOT, 64);
        headers = new MessageHeaders(arena, messages);
        slots = new IoVectors(arena, messages);
        for (int i = 0; i < messages; i++) {
            slots.set(i, buffer, (long) i * SLOT, SLOT);
            headers.vectors(i, slots, i, 1);
            headers.expect(i);
        }
        coalescer = new Coalescer(arena, this, features.virtioHeader(), features.udpSegments());
    }

    /**
     * Takes in one batch of what waits at the socket.
     *
     * @return messages received; 0 when nothing was waiting
     */
    int work() {
        int messages = receive();
        if (messages <= 0) {
            return 0;
        }
        long now = System.nanoTime();
        if (messages < headers.capacity()) {
            queue.isShort();
        }
        ForwardingTable table = tunnel.table();
        for (int i = 0; i < messages; i++) {
            boolean late = isTcpTrain(i) && mustGiveWay(now);
            if (late) {
                counters.add(Counter.CONGESTED, 1);
            }
            message(table, i, late ? 1 : 0);
            headers.expect(i);
        }
        coalescer.flush();
        counters.add(Counter.RECEIVE_CALLS, 1);
        counters.add(Counter.RECEIVED_MESSAGES, messages);
        return messages;
    }

    private int receive() {
        if (features.batches()) {
            return LibcMessages.recvmmsg(lane.socket().fd(), headers, LibcMessages.MSG_DONTWAIT);
        }
        int length = LibcMessages.recvmsg(lane.socket().fd(), headers, 0, LibcMessages.MSG_DONTWAIT);
        if (length < 0) {
            return length;
        }
        headers.length(0, length);
        return 1;
    }

    /** Whether it is a train of TCP: its sender slows down when it loses one of it. */
    private boolean isTcpTrain(int index) {
        return headers.mergedSize(index) != 0 && Ipv4Header.u8(buffer, (long) index * SLOT + Ipv4Header.PROTOCOL) == Ipv4Header.TCP;
    }

    /** Whether it is time to drop a packet. That the queue is long indeed is asked only then, for the answer costs a call. */
    private boolean mustGiveWay(long now) {
        if (queue.isDropDue(now) && lane.socket().receivedBytes() < LONG_QUEUE_BYTES) {
            queue.isShort();
        }
        return queue.drop(now);
    }

    /** @param lost how many packets of the message are dropped */
    private void message(ForwardingTable table, int index, int lost) {
        long start = (long) index * SLOT;
        int length = headers.length(index);
        if (headers.isTruncated(index)) {
            counters.add(Counter.MALFORMED, 1);
            return;
        }
        int host = headers.peerAddress(index);
        int merged = headers.mergedSize(index);
        int step = merged == 0 ? Math.max(length, 1) : merged;
        int packets = 0;
        for (int at = lost * step; at < length; at += step) {
            packet(table, host, start + at, Math.min(step, length - at));
            packets++;
        }
        counters.add(Counter.RECEIVED_PACKETS, packets);
        counters.add(Counter.RECEIVED_BYTES, length);
    }

    private void packet(ForwardingTable table, int host, long packet, int available) {
        int length = Ipv4Header.soundLength(buffer, packet, available);
        if (length == 0) {
            counters.add(Counter.MALFORMED, 1);
            return;
        }
        Counter refusal = tunnel.sourceCheck()
                ? Admission.refusal(table, host, buffer, packet) : Admission.misdirection(table, buffer, packet);
        if (refusal != null) {
            refuse(refusal, host, packet);
            return;
        }
        coalescer.offer(buffer, packet, length);
    }

    private void refuse(Counter reason, int host, long packet) {
        counters.add(reason, 1);
        if (logLimit.allows(System.nanoTime())) {
            String inner = " (it carried " + new Ipv4(Ipv4Header.source(buffer, packet)) + " -> "
                    + new Ipv4(Ipv4Header.destination(buffer, packet)) + ")";
            log.warning("udp: dropped a packet from " + new Ipv4(host) + switch (reason) {
                case STRANGER -> ", which is the PublicIP of no lease";
                case SPOOFED -> " whose source is not in the subnet of that host's lease";
                default -> " whose destination is not in this host's subnet";
            } + inner);
        }
    }

    /** Writes a finished packet to the device. */
    @Override
    public void write(IoVectors vectors, int from, int count) {
        counters.add(Counter.TUN_WRITES, 1);
        if (LibcMessages.writev(lane.writeFd(), vectors, from, count) < 0) {
            counters.add(Counter.TUN_FULL, 1);
        }
    }
}
