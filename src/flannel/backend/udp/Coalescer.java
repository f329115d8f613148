package flannel.backend.udp;

import static flannel.backend.udp.Ipv4Header.i32;
import static flannel.backend.udp.Ipv4Header.putU16;
import static flannel.backend.udp.Ipv4Header.u16;
import static flannel.backend.udp.Ipv4Header.u8;

import flannel.linux.IoVectors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Merges the packets of a flow that follow each other into one super-packet, so that the kernel takes them in one write. Only what
 * {@link Segmenter}, or the kernel, would cut into the very same packets again, bit for bit: everything else passes as it is, behind
 * whatever of its own flow has been kept. Checksums are verified before a packet is merged: the kernel will take ours on trust.
 * Works on memory only; what it keeps is to be flushed before the packets' memory is used again.
 */
final class Coalescer {

    /** Takes finished packets, each as pieces of memory: {@code count} of them from {@code from} on. */
    interface Sink {
        void write(IoVectors vectors, int from, int count);
    }

    private static final int MAX_FLOWS = 8;
    private static final int NOT_MERGEABLE = 0;

    private final Sink sink;
    private final boolean virtioHeader;
    private final boolean mergeUdp;
    private final Flow[] flows = new Flow[MAX_FLOWS];
    private final IoVectors alone;
    private final MemorySegment noOffload;
    private int openFlows;

    /**
     * @param virtioHeader whether packets are to be preceded by a virtio header; without one, nothing can be merged
     * @param mergeUdp     whether the kernel takes UDP super-packets (Linux 6.2)
     */
    Coalescer(Arena arena, Sink sink, boolean virtioHeader, boolean mergeUdp) {
        this.sink = sink;
        this.virtioHeader = virtioHeader;
        this.mergeUdp = mergeUdp;
        alone = new IoVectors(arena, 2);
        noOffload = arena.allocate(VirtioHeader.SIZE, 8);
        alone.set(0, noOffload, 0, VirtioHeader.SIZE);
        for (int i = 0; i < MAX_FLOWS; i++) {
            flows[i] = new Flow(arena);
        }
    }

    /** Takes a packet that {@link Ipv4Header#soundLength} has passed, with {@code length}. */
    void offer(MemorySegment memory, long packet, int length) {
        int headerLength = virtioHeader ? mergeableHeader(memory, packet, length) : NOT_MERGEABLE;
        if (headerLength == NOT_MERGEABLE) {
            flushRelated(memory, packet, length);
            writeAlone(memory, packet, length);
            return;
        }
        int index = find(memory, packet);
        if (index >= 0 && flows[index].accepts(memory, packet, headerLength, length)) {
            flows[index].append(memory, packet, headerLength, length);
        } else {
            if (index >= 0) {
                flush(index);
            } else if (openFlows == MAX_FLOWS) {
                flush(0);
            }
            index = openFlows++;
            flows[index].open(memory, packet, headerLength, length);
        }
        if (flows[index].closed) {
            flush(index);
        }
    }

    /** Writes all that is kept, oldest flow first. */
    void flush() {
        for (int i = 0; i < openFlows; i++) {
            flows[i].write(sink);
        }
        openFlows = 0;
    }

    private void writeAlone(MemorySegment memory, long packet, int length) {
        alone.set(1, memory, packet, length);
        sink.write(alone, virtioHeader ? 0 : 1, virtioHeader ? 2 : 1);
    }

    /** Writes one flow; those opened later move up, so that flows stay in the order of their opening. */
    private void flush(int index) {
        Flow flow = flows[index];
        flow.write(sink);
        openFlows--;
        System.arraycopy(flows, index + 1, flows, index, openFlows - index);
        flows[openFlows] = flow;
    }

    private int find(MemorySegment memory, long packet) {
        int source = Ipv4Header.source(memory, packet);
        int destination = Ipv4Header.destination(memory, packet);
        int ports = i32(memory, packet + Ipv4Header.SIZE);
        int protocol = u8(memory, packet + Ipv4Header.PROTOCOL);
        for (int i = 0; i < openFlows; i++) {
            Flow flow = flows[i];
            if (flow.source == source && flow.destination == destination && flow.ports == ports && flow.protocol == protocol) {
                return i;
            }
        }
        return -1;
    }

    /** Before a packet that can't be merged: writes what is kept of its flow, or of its two hosts when its ports can't be told. */
    private void flushRelated(MemorySegment memory, long packet, int length) {
        if (openFlows == 0) {
            return;
        }
        int source = Ipv4Header.source(memory, packet);
        int destination = Ipv4Header.destination(memory, packet);
        boolean portsKnown = Ipv4Header.headerLength(memory, packet) == Ipv4Header.SIZE && length >= Ipv4Header.SIZE + 4
                && (u16(memory, packet + Ipv4Header.FRAGMENT) & (Ipv4Header.MORE_FRAGMENTS | Ipv4Header.FRAGMENT_OFFSET)) == 0;
        int ports = portsKnown ? i32(memory, packet + Ipv4Header.SIZE) : 0;
        for (int i = openFlows - 1; i >= 0; i--) {
            Flow flow = flows[i];
            if (flow.source == source && flow.destination == destination && (!portsKnown || flow.ports == ports)) {
                flush(i);
            }
        }
    }

    /** Length of the IPv4 and transport headers of a packet that may be merged, with all its checksums right; else 0. */
    private int mergeableHeader(MemorySegment memory, long packet, int length) {
        if (Ipv4Header.headerLength(memory, packet) != Ipv4Header.SIZE
                || (u16(memory, packet + Ipv4Header.FRAGMENT) & ~Ipv4Header.DONT_FRAGMENT) != 0) {
            return NOT_MERGEABLE;
        }
        int protocol = u8(memory, packet + Ipv4Header.PROTOCOL);
        int headerLength = switch (protocol) {
            case Ipv4Header.TCP -> tcpHeader(memory, packet, length);
            case Ipv4Header.UDP -> mergeUdp ? udpHeader(memory, packet, length) : NOT_MERGEABLE;
            default -> NOT_MERGEABLE;
        };
        return headerLength != NOT_MERGEABLE && checksumsAreRight(memory, packet, length, protocol) ? headerLength : NOT_MERGEABLE;
    }

    /** Only plain data: no flag but ACK and PSH, not even a reserved one. */
    private static int tcpHeader(MemorySegment memory, long packet, int length) {
        long tcp = packet + Ipv4Header.SIZE;
        if (length <= Ipv4Header.SIZE + Transport.TCP_SIZE) {
            return NOT_MERGEABLE;
        }
        int headerLength = Ipv4Header.SIZE + Segmenter.tcpHeaderLength(memory, tcp);
        int flags = u16(memory, tcp + Transport.TCP_DATA_OFFSET) & 0x0fff & ~Transport.PSH;
        return headerLength < Ipv4Header.SIZE + Transport.TCP_SIZE || headerLength >= length || flags != Transport.ACK
                ? NOT_MERGEABLE : headerLength;
    }

    /** Without a checksum a datagram stays alone: splitting would give it one. */
    private static int udpHeader(MemorySegment memory, long packet, int length) {
        int headerLength = Ipv4Header.SIZE + Transport.UDP_SIZE;
        long udp = packet + Ipv4Header.SIZE;
        return length <= headerLength || u16(memory, udp + Transport.UDP_LENGTH) != length - Ipv4Header.SIZE
                || u16(memory, udp + Transport.UDP_CHECKSUM) == 0 ? NOT_MERGEABLE : headerLength;
    }

    /** Compares with what we would write ourselves: of the two forms of zero only one comes back. */
    private static boolean checksumsAreRight(MemorySegment memory, long packet, int length, int protocol) {
        int ip = Checksum.load(memory, packet + Ipv4Header.CHECKSUM);
        if (Checksum.finish(Checksum.ofIpv4(memory, packet) - ip) != ip) {
            return false;
        }
        long transport = packet + Ipv4Header.SIZE;
        int transportLength = length - Ipv4Header.SIZE;
        boolean tcp = protocol == Ipv4Header.TCP;
        int stored = Checksum.load(memory, transport + (tcp ? Transport.TCP_CHECKSUM : Transport.UDP_CHECKSUM));
        int right = Checksum.finish(Checksum.pseudoHeader(memory, packet, protocol, transportLength)
                + Checksum.add(0, memory, transport, transportLength) - stored);
        return stored == (!tcp && right == 0 ? 0xffff : right);
    }

    /** Packets of one flow that are kept to be written as one. The first one's header is rewritten in place when it comes to that. */
    private static final class Flow {

        private static final int MAX_PIECES = 130;
        private static final int MAX_UDP_SEGMENTS = 64;
        private static final int MAX_LENGTH = 65535;

        private final IoVectors vectors;
        private final MemorySegment virtio;

        private MemorySegment memory;
        private long first;
        private int source;
        private int destination;
        private int ports;
        private int protocol;
        private int headerLength;
        private int segmentSize;
        private int segments;
        private int totalLength;
        private int nextSequence;
        private int nextId;
        private boolean push;
        private boolean closed;

        Flow(Arena arena) {
            vectors = new IoVectors(arena, MAX_PIECES);
            virtio = arena.allocate(VirtioHeader.SIZE, 8);
            vectors.set(0, virtio, 0, VirtioHeader.SIZE);
        }

        void open(MemorySegment in, long packet, int header, int length) {
            memory = in;
            first = packet;
            source = Ipv4Header.source(in, packet);
            destination = Ipv4Header.destination(in, packet);
            ports = i32(in, packet + Ipv4Header.SIZE);
            protocol = u8(in, packet + Ipv4Header.PROTOCOL);
            headerLength = header;
            segmentSize = length - header;
            segments = 0;
            totalLength = header;
            vectors.set(1, in, packet, length);
            nextSequence = i32(in, packet + Ipv4Header.SIZE + Transport.TCP_SEQUENCE);
            account(in, packet, header, length);
        }

        void append(MemorySegment in, long packet, int header, int length) {
            vectors.set(1 + segments, in, packet + header, length - header);
            account(in, packet, header, length);
        }

        private void account(MemorySegment in, long packet, int header, int length) {
            segments++;
            totalLength += length - header;
            nextSequence += length - header;
            nextId = u16(in, packet + Ipv4Header.ID) + 1 & 0xffff;
            push = protocol == Ipv4Header.TCP && (u8(in, packet + Ipv4Header.SIZE + Transport.TCP_FLAGS) & Transport.PSH) != 0;
            closed = push || length - header < segmentSize || segments == MAX_PIECES - 1
                    || protocol == Ipv4Header.UDP && segments == MAX_UDP_SEGMENTS;
        }

        /** Whether cutting the super-packet would give this packet back, if it became the last of it. */
        boolean accepts(MemorySegment in, long packet, int header, int length) {
            return header == headerLength && length - header <= segmentSize && totalLength + length - header <= MAX_LENGTH
                    && u16(in, packet + Ipv4Header.ID) == nextId && sameIpv4(in, packet)
                    && (protocol == Ipv4Header.UDP || sameTcp(in, packet));
        }

        private boolean sameIpv4(MemorySegment in, long packet) {
            return u16(in, packet) == u16(memory, first)
                    && u16(in, packet + Ipv4Header.FRAGMENT) == u16(memory, first + Ipv4Header.FRAGMENT)
                    && u8(in, packet + Ipv4Header.TTL) == u8(memory, first + Ipv4Header.TTL);
        }

        private boolean sameTcp(MemorySegment in, long packet) {
            long tcp = packet + Ipv4Header.SIZE;
            long own = first + Ipv4Header.SIZE;
            int window = Transport.TCP_WINDOW;
            int urgent = Transport.TCP_CHECKSUM + 2;
            return i32(in, tcp + Transport.TCP_SEQUENCE) == nextSequence
                    && i32(in, tcp + Transport.TCP_ACKNOWLEDGMENT) == i32(memory, own + Transport.TCP_ACKNOWLEDGMENT)
                    && u16(in, tcp + window) == u16(memory, own + window)
                    && u16(in, tcp + urgent) == u16(memory, own + urgent)
                    && sameOptions(in, tcp, own);
        }

        private boolean sameOptions(MemorySegment in, long tcp, long own) {
            for (int i = Transport.TCP_OPTIONS; i < headerLength - Ipv4Header.SIZE; i += 4) {
                if (i32(in, tcp + i) != i32(memory, own + i)) {
                    return false;
                }
            }
            return true;
        }

        void write(Sink sink) {
            int checksumOffset = protocol == Ipv4Header.TCP ? Transport.TCP_CHECKSUM : Transport.UDP_CHECKSUM;
            if (segments == 1) {
                virtio.fill((byte) 0);
            } else {
                VirtioHeader.set(virtio, 0, protocol == Ipv4Header.TCP ? VirtioHeader.GSO_TCPV4 : VirtioHeader.GSO_UDP_L4, headerLength,
                        segmentSize, Ipv4Header.SIZE, checksumOffset);
                mergeHeaders(checksumOffset);
            }
            sink.write(vectors, 0, 1 + segments);
        }

        /** The one header of the super-packet; its transport checksum is the pseudo-header's sum only, as NEEDS_CHECKSUM has it. */
        private void mergeHeaders(int checksumOffset) {
            putU16(memory, first + Ipv4Header.TOTAL_LENGTH, totalLength);
            Checksum.fillIpv4(memory, first);
            long transport = first + Ipv4Header.SIZE;
            int transportLength = totalLength - Ipv4Header.SIZE;
            if (protocol == Ipv4Header.UDP) {
                putU16(memory, transport + Transport.UDP_LENGTH, transportLength);
            } else if (push) {
                Ipv4Header.putU8(memory, transport + Transport.TCP_FLAGS, Transport.ACK | Transport.PSH);
            }
            Checksum.store(memory, transport + checksumOffset,
                    Checksum.fold(Checksum.pseudoHeader(memory, first, protocol, transportLength)));
        }
    }
}
