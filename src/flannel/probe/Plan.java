package flannel.probe;

import java.time.Duration;
import java.util.List;

/**
 * How many echoes, and when.
 *
 * @param sizes    lengths of the packets with their IP header, in bytes, from {@value #LEAST_BYTES} on
 * @param rounds   how many of each size a peer is sent
 * @param interval between two to one peer; all peers' are spread over it
 * @param patience how long an answer may take
 * @param hops     time to live of the echoes
 */
public record Plan(List<Integer> sizes, int rounds, Duration interval, Duration patience, int hops) {

    /** Headers, and what an answer is known by. */
    static final int LEAST_BYTES = EchoPacket.IP_HEADER + EchoPacket.LEAST;

    private static final int SMALL_BYTES = 84;      // as ping's
    private static final int MOST_BYTES = 65_535;

    public Plan {
        sizes = List.copyOf(sizes);
        if (sizes.isEmpty()) {
            throw new IllegalArgumentException("no size of packets to send");
        }
        for (int bytes : sizes) {
            if (bytes < LEAST_BYTES || bytes > MOST_BYTES) {
                throw new IllegalArgumentException("a packet of " + bytes + " bytes; it can have " + LEAST_BYTES + " to " + MOST_BYTES);
            }
        }
    }

    /**
     * Small packets and full ones.
     *
     * @param mtu of the network, in bytes
     */
    public static Plan of(String backendType, int mtu, int rounds, Duration interval, Duration patience) {
        return new Plan(List.of(Math.min(SMALL_BYTES, mtu), mtu), rounds, interval, patience, hops(backendType));
    }

    /**
     * As few as the way takes: a host that gets a packet for a subnet of its own, and has no such address, says so then, and sends it to
     * nobody else. The backend udp of the Go flanneld counts as a hop, and clouds' routers may.
     */
    private static int hops(String backendType) {
        return switch (backendType) {
            case "vxlan", "host-gw" -> 1;
            case "udp" -> 2;
            default -> 64;
        };
    }

    /** The smallest: to find out who answers. */
    int least() {
        return sizes.stream().mapToInt(Integer::intValue).min().orElseThrow();
    }
}
