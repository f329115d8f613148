package flannel.backend.udp;

import java.lang.foreign.MemorySegment;

/** Who is let into the overlay: hosts that hold a lease, each with its own subnet's addresses. */
final class Admission {

    private Admission() {
    }

    /**
     * Looks at a packet that {@link Ipv4Header#soundLength} has passed. Its source may lie outside the overlay (a host's own address); one
     * inside must belong to the subnet of the host that sent the datagram.
     *
     * @param fromHost the datagram's source address
     * @return null when the packet may come in, else what to count: STRANGER or SPOOFED
     */
    static Counter refusal(ForwardingTable table, int fromHost, MemorySegment memory, long packet) {
        int source = Ipv4Header.source(memory, packet);
        if (table.isInNetwork(source) && table.host(source) == fromHost) {
            return null;
        }
        if (!table.isPeer(fromHost)) {
            return Counter.STRANGER;
        }
        return table.isInNetwork(source) ? Counter.SPOOFED : null;
    }
}
