package flannel.kernel;
import flannel.net.Ipv4Subnet;
public final class PacketFilter { public PacketFilter(flannel.log.Log l) {} public void apply(Rules r) {} public void verify() {} public record Rules(Ipv4Subnet network, Ipv4Subnet own, boolean masquerade, boolean forward, boolean fullyRandom) {} }
