package flannel.probe;

import flannel.net.Ipv4;
import java.time.Duration;
import java.util.List;

/**
 * How a peer was reached.
 *
 * @param address at which it was asked: the first of its own that answered, else the first
 * @param sizes   for each size of packet, in the plan's order
 * @param refusal why not, as somebody said last; null for nothing said
 */
public record Outcome(Host peer, Ipv4 address, List<Size> sizes, Refusal refusal) {

    /**
     * Echoes of one size.
     *
     * @param bytes    with the IP header
     * @param least    round trip; zero, as the others, when none was answered
     */
    public record Size(int bytes, int sent, int answered, Duration least, Duration mean, Duration most) {

        /** Part that was not answered, 0 to 1. */
        public double loss() {
            return sent == 0 ? 0 : (double) (sent - answered) / sent;
        }
    }

    public int sent() {
        return sizes.stream().mapToInt(Size::sent).sum();
    }

    public int answered() {
        return sizes.stream().mapToInt(Size::answered).sum();
    }
}
