package flannel.backend;

import flannel.json.JsonValue;
import flannel.kernel.KernelEntry;
import flannel.kernel.Link;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.net.Ipv4Subnet;
import java.util.List;

/** The backend "alloc": hands out subnets and moves no packets. */
public record AllocBackend(Underlay underlay) implements Backend {

    @Override
    public String leaseType() {
        return "";
    }

    @Override
    public JsonValue leaseData() {
        return null;
    }

    @Override
    public int mtu() {
        return underlay.mtu();
    }

    @Override
    public Link link() {
        return null;
    }

    @Override
    public List<KernelEntry> local(Ipv4Subnet own) {
        return List.of();
    }

    @Override
    public List<KernelEntry> towards(Lease peer) {
        return List.of();
    }
}
