package flannel.backend.udp;

import java.lang.foreign.MemorySegment;

/** What is let into the overlay: packets from hosts that hold a lease, each with its own subnet's addresses, to this host's subnet. */
final class Admission {

    private Admission() {
    }

    /**
     * Looks at a packet that {@link Ipv4Header#soundLength} has passed. Its source may lie outside the overlay (a host's own address, what
     * is routed behind it); one inside must belong to the subnet of the host that sent the datagram.
     *
     * @param fromHost the datagram's source address
     * @return null when the packet may come in, else what to count: STRANGER, SPOOFED or MISDIRECTED
     */
    static Counter refusal(ForwardingTable table, int fromHost, MemorySegment memory, long packet) {
        int source = Ipv4Header.source(memory, packet);
        if (!table.isInNetwork(source) || table.host(source) != fromHost) {
            if (!table.isPeer(fromHost)) {
                return Counter.STRANGER;
            }
            if (table.isInNetwork(source)) {
                return Counter.SPOOFED;
            }
        }
        return misdirection(table, memory, packet);
    }

    /** What of this holds whoever sends it: no host has a reason to send what is for elsewhere. Null, or MISDIRECTED. */
    static Counter misdirection(ForwardingTable table, MemorySegment memory, long packet) {
        return table.isOwn(Ipv4Header.destination(memory, packet)) ? null : Counter.MISDIRECTED;
    }
}
