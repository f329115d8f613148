package flannel.backend;

import flannel.json.JsonValue;
import flannel.kernel.KernelEntry;
import flannel.kernel.Link;
import flannel.kernel.Underlay;
import flannel.lease.Lease;
import flannel.net.Ipv4;
import flannel.net.Ipv4Subnet;
import java.util.List;

/** The backend "host-gw": a plain route per peer, with the peer itself as the gateway. All hosts must share a link. */
public final class HostGwBackend implements Backend {

    private static final String TYPE = "host-gw";

    private final Underlay underlay;

    /** @throws IllegalArgumentException when the public address is another than the interface's: a NAT lies between, no peer can route to us */
    public HostGwBackend(Underlay underlay, Ipv4 publicIp) {
        if (!underlay.address().equals(publicIp)) {
            throw new IllegalArgumentException("your PublicIP " + publicIp + " differs from interface IP " + underlay.address()
                    + ", meaning that probably you're on a NAT, which is not supported by host-gw backend");
        }
        this.underlay = underlay;
    }

    @Override
    public String leaseType() {
        return TYPE;
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
    public List<KernelEntry> towards(Lease peer) throws UnusablePeerException {
        UnusablePeerException.unlessOfType(TYPE, peer);
        return List.of(new KernelEntry.Route(peer.subnet(), peer.attributes().publicIp(), underlay.name(), false));
    }
}
