package flannel.backend.udp;

import static flannel.backend.udp.Ipv4Header.u16;
import static flannel.backend.udp.Ipv4Header.u8;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Packets that have been read from the device and not been sent yet, in two lines. A flow that has little to send (a question to DNS, a ping,
 * the beginning of a connection) goes before those that have much, which wait in the order of their arrival. Each flow's packets keep
 * their order: none goes before one of its own flow. The idea is fq_codel's (RFC 8290), with one line for all large flows. For one thread.
 *
 * <p>The memory is a ring: it is free again in the order in which it was filled, and begins anew whenever nothing waits, so that a few
 * packets at a time always lie in the same, cached place.
 */
final class Backlog {

    /** Most packets that may be here: a power of two. */
    static final int ENTRIES = 1024;

    private static final int FLOWS = 1024;

    /** A flow that has so many bytes here has much to send: three full packets. */
    private static final int SPARSE_BYTES = 4500;

    private static final byte BULK = 0;
    private static final byte SPARSE = 1;
    private static final byte TAKEN = 2;

    private final MemorySegment memory;
    private final int slot;
    private final int end;
    private final int start;
    private final int alignment;

    /** Each entry's place is its number's remainder by ENTRIES. */
    private final int[] offsets = new int[ENTRIES];
    private final int[] lengths = new int[ENTRIES];
    private final long[] arrivals = new long[ENTRIES];
    private final short[] flows = new short[ENTRIES];
    private final byte[] lines = new byte[ENTRIES];

    /** Of each flow, what waits here. Flows that share a place are one. */
    private final int[] flowBytes = new int[FLOWS];
    private final short[] flowBulk = new short[FLOWS];
    private final short[] flowSparse = new short[FLOWS];

    /** Numbers of entries: the oldest whose memory is not free, the next to be added, and where the search in each line goes on. */
    private long oldest;
    private long next;
    private long bulkFrom;
    private long sparseFrom;

    private int bulk;
    private int sparse;
    private int offset;

    /**
     * @param capacity  bytes for packets
     * @param slot      bytes to be free for the next packet, whatever its length
     * @param start     where in a place that is a multiple of the alignment a packet is read to
     * @param alignment a power of two
     */
    Backlog(Arena arena, int capacity, int slot, int start, int alignment) {
        this.slot = slot;
        this.start = start;
        this.alignment = alignment;
        end = capacity + slot;
        memory = arena.allocate(end, alignment);
        offset = start;
    }

    /** Where the packets are. */
    MemorySegment memory() {
        return memory;
    }

    /** Where the next packet is to be read to; -1 when there is no room for one. */
    int room() {
        if (next - oldest == ENTRIES) {
            return -1;
        }
        if (next == oldest) {
            offset = start;
            return offset;
        }
        int tail = offsets[index(oldest)];
        if (offset > tail) {
            if (offset + slot <= end) {
                return offset;
            }
            offset = start;                                 // round, over the end
        }
        return offset + slot <= tail ? offset : -1;
    }

    /**
     * Adds the packet that has been read to {@link #room}.
     *
     * @param length  bytes read
     * @param packet  where its IPv4 header is
     * @param isTrain whether it is many packets in one
     */
    void add(int length, long packet, boolean isTrain, long nowNanos) {
        int index = index(next++);
        int flow = flow(packet);
        boolean isSparse = !isTrain && flowBulk[flow] == 0 && flowBytes[flow] + length <= SPARSE_BYTES;
        offsets[index] = offset;
        lengths[index] = length;
        arrivals[index] = nowNanos;
        flows[index] = (short) flow;
        lines[index] = isSparse ? SPARSE : BULK;
        flowBytes[flow] += length;
        if (isSparse) {
            sparse++;
            flowSparse[flow]++;
        } else {
            bulk++;
            flowBulk[flow]++;
        }
        offset = (offset + length + alignment - 1 & -alignment) + start;
    }

    /** Of TCP each connection is a flow; of all else, which may come in fragments without ports, what goes from one address to another. */
    private int flow(long packet) {
        int hash = Ipv4Header.source(memory, packet) * 31 + Ipv4Header.destination(memory, packet);
        int protocol = u8(memory, packet + Ipv4Header.PROTOCOL);
        if (protocol == Ipv4Header.TCP && (u16(memory, packet + Ipv4Header.FRAGMENT) & Ipv4Header.FRAGMENT_OFFSET) == 0) {
            hash = hash * 31 + Ipv4Header.i32(memory, packet + Ipv4Header.headerLength(memory, packet));
        }
        return (hash * 31 + protocol) * 0x9E3779B9 >>> 22;
    }

    /**
     * Takes the next packet out of its line; its memory stays as it is until {@link #release}.
     *
     * @param bulkFirst whether the long line's turn is now, if somebody waits there who has none of his own in the other
     * @return the packet's place, -1 when there is none
     */
    int take(boolean bulkFirst) {
        if (bulk + sparse == 0) {
            return -1;
        }
        int index = sparse > 0 && !(bulkFirst && bulk > 0) ? firstSparse() : firstBulk();
        if (lines[index] == BULK && flowSparse[flows[index]] > 0) {
            index = firstSparse();
        }
        int flow = flows[index];
        flowBytes[flow] -= lengths[index];
        if (lines[index] == SPARSE) {
            sparse--;
            flowSparse[flow]--;
        } else {
            bulk--;
            flowBulk[flow]--;
        }
        lines[index] = TAKEN;
        return index;
    }

    private int firstBulk() {
        while (lines[index(bulkFrom)] != BULK) {
            bulkFrom++;
        }
        return index(bulkFrom);
    }

    private int firstSparse() {
        while (lines[index(sparseFrom)] != SPARSE) {
            sparseFrom++;
        }
        return index(sparseFrom);
    }

    /** The memory of all packets taken is free. */
    void release() {
        while (oldest < next && lines[index(oldest)] == TAKEN) {
            oldest++;
        }
        bulkFrom = Math.max(bulkFrom, oldest);
        sparseFrom = Math.max(sparseFrom, oldest);
    }

    int offset(int place) {
        return offsets[place];
    }

    int length(int place) {
        return lengths[place];
    }

    /** How many packets wait. */
    int packets() {
        return bulk + sparse;
    }

    /**
     * Whether the long line is short: nobody has waited there for so long, or one packet at most is there. What the other line does says
     * nothing: a ping that has just come would hide those who have waited long.
     */
    boolean isShort(long longNanos, long nowNanos) {
        return bulk <= 1 || nowNanos - arrivals[firstBulk()] < longNanos;
    }

    private static int index(long number) {
        return (int) number & ENTRIES - 1;
    }
}
