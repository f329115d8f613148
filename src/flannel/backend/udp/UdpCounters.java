package flannel.backend.udp;

import java.util.List;

/**
 * What the data path has done since it was opened. Packets are the overlay's own (inner) ones and bytes are theirs, headers included;
 * messages are what the socket takes or gives as one; so packets / messages is the size of the trains, and messages / calls that of the
 * batches.
 */
public record UdpCounters(Sent sent, Received received, Dropped dropped) {

    /**
     * @param tunReads packets and super-packets read from the TUN device
     */
    public record Sent(long packets, long bytes, long messages, long calls, long tunReads) {
    }

    /**
     * @param tunWrites   packets and super-packets written to the TUN device
     * @param icmpReplies ICMP errors written to it
     */
    public record Received(long packets, long bytes, long messages, long calls, long tunWrites, long icmpReplies) {
    }

    /**
     * Packets dropped, by reason.
     *
     * @param noRoute    from here, to an address in no lease
     * @param notIpv4    from here, IPv6 or garbage
     * @param tooBig     from here, larger than the path carries, and not to be fragmented
     * @param socketFull from here, the socket's or the interface's queue was full
     * @param sendFailed from here, refused by the kernel: no route to the host, a firewall rule
     * @param stranger   from a host that holds no lease
     * @param spoofed    from a host that holds a lease, but with another host's address inside
     * @param malformed  from either side: lengths that contradict each other
     * @param tunFull    from a peer, not taken by the TUN device: it is down or gone, or memory is short
     * @param congested  either way, super-packets and trains, so that their senders slow down ({@link StandingQueue})
     */
    public record Dropped(long noRoute, long notIpv4, long tooBig, long socketFull, long sendFailed, long stranger, long spoofed,
            long malformed, long tunFull, long congested) {
    }

    static UdpCounters sum(List<Counters> parts) {
        Sum sum = counter -> parts.stream().mapToLong(part -> part.get(counter)).sum();
        return new UdpCounters(
                new Sent(sum.of(Counter.SENT_PACKETS), sum.of(Counter.SENT_BYTES), sum.of(Counter.SENT_MESSAGES),
                        sum.of(Counter.SEND_CALLS), sum.of(Counter.TUN_READS)),
                new Received(sum.of(Counter.RECEIVED_PACKETS), sum.of(Counter.RECEIVED_BYTES), sum.of(Counter.RECEIVED_MESSAGES),
                        sum.of(Counter.RECEIVE_CALLS), sum.of(Counter.TUN_WRITES), sum.of(Counter.ICMP_REPLIES)),
                new Dropped(sum.of(Counter.NO_ROUTE), sum.of(Counter.NOT_IPV4), sum.of(Counter.TOO_BIG), sum.of(Counter.SOCKET_FULL),
                        sum.of(Counter.SEND_FAILED), sum.of(Counter.STRANGER), sum.of(Counter.SPOOFED), sum.of(Counter.MALFORMED),
                        sum.of(Counter.TUN_FULL), sum.of(Counter.CONGESTED)));
    }

    private interface Sum {
        long of(Counter counter);
    }
}
