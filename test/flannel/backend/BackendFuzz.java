package flannel.backend;

import flannel.fuzz.JsonMutation;
import flannel.fuzz.Target;
import flannel.json.JsonException;
import flannel.kernel.KernelEntry;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.lease.LeaseAttributes;
import flannel.lease.NetworkConfig;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import flannel.net.MacAddress;
import java.util.List;
import java.util.Set;

/** What a vxlan host makes of the spoiled leases of others, for the kernel. */
public final class BackendFuzz {

    private static final Ipv4Subnet SUBNET = Ipv4Subnet.parse("10.1.5.0/24");
    private static final List<byte[]> LEASES = Target.texts(
            "{\"PublicIP\":\"192.168.32.212\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"6a:c2:56:ce:ab:ac\"}}",
            "{\"PublicIP\":\"10.9.0.1\",\"BackendType\":\"vxlan\",\"BackendData\":{\"VtepMAC\":\"01:00:5e:00:00:01\"}}");

    private BackendFuzz() {
    }

    public static Target target() {
        MacAddress ours = MacAddress.parse("6a:00:00:00:00:01");
        Underlay underlay = new Underlay("eth0", 2, Ipv4.parse("192.168.32.211"), Ipv4Subnet.parse("192.168.32.0/24"), 1500, ours);
        NetworkConfig config = NetworkConfig.parse("{\"Network\":\"10.1.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}");
        VxlanBackend backend = new VxlanBackend(underlay, VxlanBackend.link(config, underlay, ours), false);
        return new Target("lease for vxlan", LEASES, JsonMutation::mutate, Set.of(JsonException.class, UnusablePeerException.class), (input, dice) -> {
            Lease lease = new Lease(SUBNET, LeaseAttributes.parse(Target.text(input)), new Lease.Unknown(), 7);
            for (KernelEntry entry : backend.towards(lease)) {
                boolean sound = switch (entry) {
                    case KernelEntry.Neighbour neighbour -> neighbour.mac().isUnicast() && SUBNET.contains(neighbour.address());
                    case KernelEntry.Fdb fdb -> fdb.mac().isUnicast() && fdb.vtep().equals(lease.attributes().publicIp());
                    case KernelEntry.Route route -> route.destination().equals(SUBNET) && SUBNET.contains(route.gateway());
                    default -> false;
                };
                if (!sound || !entry.device().equals("flannel.1")) {
                    throw new AssertionError("it would put in " + entry);
                }
            }
        });
    }
}
