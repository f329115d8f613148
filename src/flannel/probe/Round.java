package flannel.probe;

import flannel.net.Ipv4;
import java.util.List;

/**
 * What came of asking.
 *
 * @param source   the address of this host that was asked from; null when it has none of those it should, and the kernel chose
 * @param outcomes one for each peer, in their order
 */
public record Round(Ipv4 source, List<Outcome> outcomes) {
}
